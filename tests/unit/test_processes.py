"""Whatever a measuring process does, it becomes a reply."""

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from fmnist_edge.bench.messages import Job, Reply
from fmnist_edge.bench.processes import run_worker
from fmnist_edge.records import encode_json
from fmnist_edge.result import Failure
from tests.examples import FAILURE, MEASUREMENT, SETTINGS, case

_JOB = Job(case(threads=3), SETTINGS, "data", classify=True)
Answer = Callable[[str], Reply]


@pytest.fixture
def answer(tmp_path: Path) -> Answer:
    """Runs a worker that consists of these lines."""

    def run(lines: str, job: Job = _JOB) -> Reply:
        script = tmp_path / "worker.py"
        script.write_text(f"import json, os, signal, sys\n{lines}\n")
        return run_worker([sys.executable, "-S", str(script)], job)

    return run


def _failure(reply: Reply) -> Failure:
    assert reply.measurement is None
    assert reply.failure is not None
    return reply.failure


def _saying(reply: Reply) -> str:
    return f"sys.stdout.write({encode_json(reply)!r})"


def test_a_measurement_arrives_as_it_was_sent(answer: Answer) -> None:
    reply = Reply(measurement=MEASUREMENT)
    assert answer(_saying(reply)) == reply


def test_a_failure_arrives_as_it_was_sent(answer: Answer) -> None:
    reply = Reply(failure=FAILURE)
    assert answer(_saying(reply)) == reply


def test_the_worker_reads_the_whole_job(answer: Answer) -> None:
    lines = (
        f"right = sys.stdin.read() == {encode_json(_JOB)!r}\n"
        "failure = {'kind': 'K', 'message': str(right), 'hint': ''}\n"
        "print(json.dumps({'failure': failure}))"
    )
    assert answer(lines) == Reply(failure=Failure("K", "True", ""))


def test_numerical_libraries_are_held_to_the_threads_of_the_case(answer: Answer) -> None:
    lines = (
        "names = 'OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS'\n"
        "said = ' '.join(os.environ[name] for name in names)\n"
        "failure = {'kind': 'K', 'message': said, 'hint': ''}\n"
        "print(json.dumps({'failure': failure}))"
    )
    assert answer(lines) == Reply(failure=Failure("K", "3 3 3", ""))


def test_a_worker_that_chatters_is_understood(answer: Answer) -> None:
    reply = Reply(measurement=MEASUREMENT)
    lines = f"sys.stderr.write('warning ' * 100_000)\n{_saying(reply)}"
    assert answer(lines) == reply


def test_a_worker_that_gives_up_is_quoted(answer: Answer) -> None:
    failure = _failure(answer("sys.stderr.write('no\\n  libfoo.so')\nsys.exit(3)"))
    assert failure == Failure(
        "WorkerCrashedError",
        "The measuring process ended with code 3.",
        "Its last words: no libfoo.so",
    )


def test_only_the_last_words_are_quoted(answer: Answer) -> None:
    failure = _failure(answer("sys.stderr.write('x' * 100_000 + 'end')\nsys.exit(3)"))
    assert failure.hint.endswith("xend")
    assert len(failure.hint) < 400


def test_a_worker_that_dies_in_silence_has_no_last_words(answer: Answer) -> None:
    assert _failure(answer("os._exit(1)")).hint == "Its last words: none"


@pytest.mark.parametrize(
    ("signal", "hint"),
    [
        ("SIGKILL", "The system may be out of memory"),
        ("SIGSEGV", "The runtime crashed on this file"),
        ("SIGILL", "The runtime needs instructions that this CPU lacks"),
        ("SIGTERM", "Its last words: none"),
    ],
)
def test_a_worker_that_is_killed_names_the_signal(answer: Answer, signal: str, hint: str) -> None:
    no_core = "import resource\nresource.setrlimit(resource.RLIMIT_CORE, (0, 0))\n"
    failure = _failure(answer(f"{no_core}os.kill(os.getpid(), signal.{signal})\nsignal.pause()"))
    assert failure.kind == "WorkerCrashedError"
    assert failure.message == f"The measuring process was killed by {signal}."
    assert failure.hint.startswith(hint)


def test_a_worker_that_hangs_is_ended(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    job = replace(_JOB, settings=replace(SETTINGS, limit_seconds=0.5))
    failure = _failure(run_worker(["/bin/sh", "-c", f"echo $$ > '{note}'; exec sleep 60"], job))
    assert failure.kind == "WorkerTimeoutError"
    assert failure.message == "The measuring process did not answer within 0.5 s."
    assert "--limit" in failure.hint
    with pytest.raises(ProcessLookupError):
        os.kill(int(note.read_text()), 0)


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ("", "it is not JSON"),
        ("print('Segmentation fault')", "it is not JSON"),
        (f"{_saying(Reply(failure=FAILURE))}\nprint('bye')", "it is not JSON"),
        ("print('[]')", "it is not a JSON object"),
        ("print('{}')", "it is impossible: a reply is either a measurement or a failure"),
        ("print(json.dumps({'failure': {'kind': 'K'}}))", "failure lacks the field 'message'"),
        ("print(json.dumps({'measurement': 3}))", "measurement is not a JSON object"),
    ],
)
def test_an_answer_that_makes_no_sense_is_a_crash(answer: Answer, lines: str, problem: str) -> None:
    failure = _failure(answer(lines))
    assert failure.kind == "WorkerCrashedError"
    assert failure.message.startswith(f"The measuring process gave no valid answer: {problem}")


def test_a_reply_is_one_of_the_two() -> None:
    for both in ((None, None), (MEASUREMENT, FAILURE)):
        with pytest.raises(ValueError, match="either a measurement or a failure"):
            Reply(*both)
