"""Whatever a measuring process does, it becomes a reply, and the parent costs next to nothing."""

import resource
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from fmnist_edge.bench import worker_process
from fmnist_edge.bench.wire import Command, DataPaths, Job, Reply, Task, encode_line
from fmnist_edge.bench.worker_process import Worker
from fmnist_edge.clock import now
from fmnist_edge.host.health import Health
from fmnist_edge.records import replace
from fmnist_edge.result import Failure
from tests.commands import no_process_left
from tests.examples import FAILURE, MEASUREMENT, SETTINGS, case

_JOB = Job(case(threads=3), SETTINGS, DataPaths("data"), classify=True)
_OPEN = Command(Task.OPEN)
_HOT = Command(Task.BACK_TO_BACK, 0.1, 5)
_FINE = Reply(calls=3)
_HEAD = """
import json, os, resource, signal, sys, time
def read(): return sys.stdin.buffer.readline()
def say(line): os.write(1, line)
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
job = json.loads(read())
"""
Made = Callable[..., AbstractContextManager[Worker]]


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """Starts a worker that has read its job and then does these lines."""

    @contextmanager
    def make(lines: str, job: Job = _JOB, tick: Callable[[], None] = lambda: None) -> Iterator:
        script = tmp_path / "worker.py"
        script.write_text(f"{_HEAD}\n{lines}\n")
        command = [sys.executable, "-S", str(script)]
        with no_process_left(), Worker(command, job, tick) as worker:
            yield worker

    return make


def _saying(*replies: Reply) -> str:
    """Answer as many orders."""
    return "".join(f"read(); say({encode_line(reply)!r})\n" for reply in replies)


def _failure(reply: Reply) -> Failure:
    assert reply.measurement is None
    assert reply.failure is not None
    return reply.failure


# Orders and answers


def test_each_order_has_its_answer(made: Made) -> None:
    replies = (Reply(), Reply(calls=7), Reply(measurement=MEASUREMENT, scores="2:AAAA"))
    with made(_saying(*replies)) as worker:
        assert tuple(worker.ask(each) for each in (_OPEN, _HOT, Command(Task.COLLECT))) == replies


def test_a_worker_reads_its_job_and_then_its_orders_as_they_were_given(made: Made) -> None:
    lines = f"""
first, second = read(), read()
job["launched_ns"] = 0
right = [job == {_as_json(_JOB)}, json.loads(first) == {_as_json(_OPEN)},
         json.loads(second) == {_as_json(_HOT)}]
say(json.dumps({{"calls": sum(right)}}).encode() + b"\\n" + {encode_line(Reply())!r})
"""
    with made("import threading\n" + lines) as worker:
        # Both orders lie in the pipe before the first answer is looked at.
        worker._send(worker._process, encode_line(_OPEN))  # type: ignore[arg-type]
        assert worker.ask(_HOT).calls == 3


def _as_json(record: object) -> str:
    return f"json.loads({encode_line(record)!r})"


def test_a_worker_is_told_when_it_was_started(made: Made) -> None:
    before = now()
    with made("read(); say(json.dumps({'calls': job['launched_ns']}).encode() + b'\\n')") as worker:
        assert before <= worker.ask(_OPEN).calls <= now()


def test_numerical_libraries_are_held_to_the_threads_of_the_case(made: Made) -> None:
    lines = (
        "names = 'OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS'\n"
        "told = {'scores': ' '.join(os.environ[name] for name in names)}\n"
        "read(); say(json.dumps(told).encode() + b'\\n')"
    )
    with made(lines) as worker:
        assert worker.ask(_OPEN).scores == "3 3 3"


def test_an_answer_of_megabytes_arrives_whole(made: Made) -> None:
    with made(
        "text = b'x' * 3_000_000\n"
        "read(); line = b'{\"scores\": \"' + text + b'\"}\\n'\n"
        "while line: line = line[os.write(1, line):]"
    ) as worker:
        assert len(worker.ask(_OPEN).scores) == 3_000_000


def test_a_worker_that_chatters_is_understood(made: Made) -> None:
    with made(f"sys.stderr.write('warning ' * 100_000)\n{_saying(_FINE)}") as worker:
        assert worker.ask(_OPEN) == _FINE


def test_a_failure_arrives_as_it_was_sent_and_is_the_last_word(made: Made) -> None:
    failed = Reply(failure=FAILURE)
    with made(_saying(failed, Reply())) as worker:
        assert [worker.ask(_OPEN), worker.ask(_HOT)] == [failed, failed]


# Ends


def test_a_worker_that_gives_up_is_quoted(made: Made) -> None:
    with made("sys.stderr.write('no\\n  libfoo.so')\nsys.exit(3)") as worker:
        assert _failure(worker.ask(_OPEN)) == Failure(
            "WorkerCrashedError",
            "The measuring process ended with code 3.",
            "The last text that it printed: no libfoo.so",
        )


def test_a_worker_that_ends_between_two_orders_is_noticed_at_the_second(made: Made) -> None:
    with made(f"{_saying(_FINE)}\nsys.exit(4)") as worker:
        assert worker.ask(_OPEN) == _FINE
        failure = _failure(worker.ask(_HOT))
        assert failure.message == "The measuring process ended with code 4."
        assert _failure(worker.ask(_HOT)) == failure


def test_a_worker_that_ends_without_an_answer_is_a_crash_even_if_it_ends_well(made: Made) -> None:
    with made("sys.exit(0)") as worker:
        assert _failure(worker.ask(_OPEN)).message == "The measuring process ended with code 0."


def test_only_the_end_of_the_text_is_quoted(made: Made) -> None:
    with made("sys.stderr.write('x' * 100_000 + 'end')\nsys.exit(3)") as worker:
        failure = _failure(worker.ask(_OPEN))
    assert failure.hint.endswith("xend")
    assert len(failure.hint) < 400


def test_a_worker_that_printed_nothing_is_said_to_have_done_so(made: Made) -> None:
    with made("os._exit(1)") as worker:
        assert _failure(worker.ask(_OPEN)).hint.startswith("It printed nothing.")


@pytest.mark.parametrize(
    ("signal", "hint"),
    [
        ("SIGKILL", "The system may be out of memory"),
        ("SIGSEGV", "The runtime crashed on this file"),
        ("SIGILL", "The runtime needs instructions that this CPU lacks"),
        ("SIGTERM", "It printed nothing."),
    ],
)
def test_a_worker_that_is_killed_names_the_signal(made: Made, signal: str, hint: str) -> None:
    with made(f"read()\nos.kill(os.getpid(), signal.{signal})\nsignal.pause()") as worker:
        failure = _failure(worker.ask(_OPEN))
    assert failure.kind == "WorkerCrashedError"
    assert failure.message == f"The measuring process was killed by {signal}."
    assert failure.hint.startswith(hint)


def test_a_worker_that_cannot_be_started_is_a_failure_too() -> None:
    with Worker(["/no/such/program"], _JOB) as worker:
        failure = _failure(worker.ask(_OPEN))
        assert _failure(worker.ask(_HOT)) == failure
    assert failure.message == (
        "The measuring process cannot be started: No such file or directory."
    )


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (b"\n", "it is not JSON"),
        (b"Segmentation fault\n", "it is not JSON"),
        (b"\xff\xfe\n", "it is not JSON"),
        (b"[]\n", "it: expected `object`, got `array`"),
        (b'{"failure": {"kind": "K"}}\n', "failure: object missing required field `message`"),
        (b'{"measurement": 3}\n', "measurement: expected `object | null`, got `int`"),
        (b'{"colour": 3}\n', "it: object contains unknown field `colour`"),
    ],
)
def test_an_answer_that_makes_no_sense_is_a_crash(made: Made, answer: bytes, problem: str) -> None:
    with made(f"read(); say({answer!r}); read()") as worker:
        failure = _failure(worker.ask(_OPEN))
        assert _failure(worker.ask(_HOT)) == failure
    assert failure.kind == "WorkerCrashedError"
    assert failure.message.startswith(f"The measuring process gave no valid answer: {problem}")


# Time


def _in(seconds: float) -> Job:
    return replace(_JOB, settings=replace(SETTINGS, limit_seconds=seconds))


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param("time.sleep(60)", id="in silence"),
        pytest.param("while True: say(b'...'); time.sleep(0.05)", id="with half an answer"),
    ],
)
def test_a_worker_that_hangs_is_ended(
    made: Made, monkeypatch: pytest.MonkeyPatch, lines: str
) -> None:
    monkeypatch.setattr(worker_process, "TICK_SECONDS", 0.1)
    with made(lines, _in(0.5)) as worker:
        failure = _failure(worker.ask(_OPEN))
        assert _failure(worker.ask(_HOT)) == failure
    assert failure.kind == "WorkerTimeoutError"
    assert failure.message == "The measuring process did not answer within 0.5 s."
    assert "--limit" in failure.hint


def test_the_time_of_an_order_is_no_part_of_the_limit(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_process, "TICK_SECONDS", 0.1)
    with made(f"time.sleep(1.0)\n{_saying(_FINE)}", _in(0.3)) as worker:
        assert worker.ask(Command(Task.SUSTAINED_LOAD, 60.0)) == _FINE


def test_a_worker_that_does_not_end_is_ended(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_process, "_EXIT_SECONDS", 0.2)
    lines = f"signal.signal(signal.SIGTERM, signal.SIG_IGN)\n{_saying(_FINE)}\ntime.sleep(60)"
    with made(lines) as worker:
        assert worker.ask(_OPEN) == _FINE


class _Interruption(BaseException):
    """As Ctrl-C, which pytest would take for itself."""


def test_an_interruption_ends_the_worker_at_once(made: Made) -> None:
    def interrupt(worker: Worker) -> None:
        worker.ask(_OPEN)
        raise _Interruption

    start = now()
    with (
        no_process_left(),
        pytest.raises(_Interruption),
        made(f"{_saying(_FINE)}\ntime.sleep(60)") as worker,
    ):
        interrupt(worker)
    assert now() - start < 20e9  # a minute, if it were waited for


def test_an_interruption_while_it_is_asked_ends_the_worker_too(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt() -> None:
        raise _Interruption

    monkeypatch.setattr(worker_process, "TICK_SECONDS", 0.1)
    with (
        no_process_left(),
        pytest.raises(_Interruption),
        made("time.sleep(60)", tick=interrupt) as worker,
    ):
        worker.ask(_OPEN)


def test_the_parent_looks_at_the_machine_while_it_waits_and_costs_next_to_nothing(
    made: Made,
) -> None:
    health, looks = Health(), []

    def look() -> None:
        looks.append(health.look(0.0))

    # As long as any pause of the parent would be, if it looked more often than it says.
    with made(f"read(); time.sleep(3.2); say({encode_line(_FINE)!r})", tick=look) as worker:
        before = _cpu_seconds()
        assert worker.ask(_OPEN) == _FINE
        spent = _cpu_seconds() - before
    assert 2 <= len(looks) <= 4
    # 1 % of the time, and as much again as three looks may cost on a slow machine.
    assert spent < 0.03 + 0.06


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
