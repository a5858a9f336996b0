"""Measuring processes that are killed, that hang, or that are interrupted."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fmnist_edge.result import Run, read_run
from tests.commands import CommandLine, children, finish, read_until, wait_until

# A model, and the baseline of two.
_ROWS = 3


@contextmanager
def _benchmark(
    cli: CommandLine, exported: Path, folder: Path, *arguments: object
) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    """A benchmark of three rows, and its measuring processes, all of them taking turns."""
    model = [exported / "default-float32.npz", "--runtime", "numpy"]
    # Two seconds of turns, each process for itself.
    settings = ["--protocol", "standard", "--processes", 1, *arguments]
    command = ["bench", *model, *settings, "--json", folder / "result.json"]
    with cli.running(*command, cwd=folder) as process:
        read_until("Benchmark ...", process)
        wait_until(lambda: len(_measuring(process.pid)) == _ROWS, process)
        yield process, _measuring(process.pid)


def _measuring(process: int) -> list[int]:
    """The measuring processes of a benchmark that have come as far as NumPy."""
    return [each for each in children(process) if _has_numpy(each)]


def _has_numpy(worker: int) -> bool:
    folder = Path(f"/proc/{worker}")
    try:
        # In this order: until it is a program of its own, a process looks like its parent.
        is_worker = "fmnist_edge.worker" in (folder / "cmdline").read_text()
        return is_worker and "/_multiarray_umath." in (folder / "maps").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False  # it has just ended


def _alive(process: int) -> bool:
    """Whether it exists, and is no mere entry of one that has ended."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def _failures(run: Run) -> list[str]:
    return [row.failure.kind for row in run.rows if row.failure is not None]


def test_a_measuring_process_has_one_thread_unless_more_are_asked_for(
    cli: CommandLine, exported: Path, tmp_path: Path
) -> None:
    with _benchmark(cli, exported, tmp_path) as (_, workers):
        time.sleep(0.5)  # so that whatever wants threads has started them
        for worker in workers:
            assert len(list(Path(f"/proc/{worker}/task").iterdir())) == 1


def test_a_measuring_process_that_is_killed_becomes_a_row_that_says_so(
    cli: CommandLine, exported: Path, tmp_path: Path
) -> None:
    with _benchmark(cli, exported, tmp_path, "--rate", 1000) as (process, workers):
        os.kill(workers[0], signal.SIGKILL)
        done = finish(process, tmp_path)
    assert (done.returncode, done.speaks_plainly) == (90, True)
    run = read_run(tmp_path / "result.json")
    (failure,) = (row.failure for row in run.rows if row.failure is not None)
    assert failure.kind == "WorkerCrashedError"
    assert failure.message == "The measuring process was killed by SIGKILL."
    assert f"{failure.message} {failure.hint}" in " ".join(done.stdout.split())
    assert sum(row.back_to_back is not None for row in run.rows) == _ROWS - 1


def test_a_measuring_process_that_hangs_is_given_up_and_becomes_a_row(
    cli: CommandLine, exported: Path, tmp_path: Path
) -> None:
    options = ["--limit", 8, "--rate", 1000]
    with _benchmark(cli, exported, tmp_path, *options) as (process, workers):
        os.kill(workers[0], signal.SIGSTOP)
        done = finish(process, tmp_path)
    assert not _alive(workers[0])
    assert (done.returncode, done.speaks_plainly) == (90, True)
    run = read_run(tmp_path / "result.json")
    failures = [row.failure for row in run.rows if row.failure is not None]
    # One, unless the whole machine stood still for longer than the limit.
    assert failures
    assert len(failures) + sum(row.back_to_back is not None for row in run.rows) == _ROWS
    for failure in failures:
        assert failure.kind == "WorkerTimeoutError"
        assert failure.message == "The measuring process did not answer within 8 s."
        assert "--limit" in failure.hint


@pytest.mark.parametrize(
    "interrupt",
    [
        pytest.param(os.killpg, id="Ctrl-C, which every process of the terminal gets"),
        pytest.param(os.kill, id="kill -INT, which the command alone gets"),
    ],
)
def test_an_interrupted_benchmark_leaves_no_process_and_no_result(
    cli: CommandLine, exported: Path, tmp_path: Path, interrupt: Callable[[int, int], None]
) -> None:
    with _benchmark(cli, exported, tmp_path) as (process, workers):
        interrupt(process.pid, signal.SIGINT)
        done = finish(process, tmp_path)
    assert done.was_interrupted
    assert "No round had ended" in done.stderr
    assert not any(map(_alive, workers))
    assert list(tmp_path.iterdir()) == []


def test_a_benchmark_that_is_interrupted_keeps_its_rounds_and_goes_on(
    cli: CommandLine, exported: Path, tmp_path: Path
) -> None:
    result = tmp_path / "result.json"
    with _benchmark(cli, exported, tmp_path, "--processes", 2) as (process, _):
        wait_until(result.exists, process)
        process.send_signal(signal.SIGINT)
        done = finish(process, tmp_path)
    assert done.was_interrupted
    assert f"{result} holds 1 of 2 rounds" in done.stderr
    assert f"fmnist-edge bench --resume {result}" in done.stderr
    half = read_run(result)
    assert [len(row.measurements) for row in half.rows] == [1] * _ROWS
    resumed = cli("bench", "--resume", result)
    assert resumed.returncode == 0, resumed.stderr
    whole = read_run(result)
    assert whole.rounds == 2
    assert [row.case for row in whole.rows] == [row.case for row in half.rows]
    assert [row.measurements[0] for row in whole.rows] == [row.measurements[0] for row in half.rows]
    assert [len(row.measurements) for row in whole.rows] == [2] * _ROWS
    assert whole.wall_seconds > half.wall_seconds
    again = cli("bench", "--resume", result)
    assert (again.returncode, again.stdout, again.speaks_plainly) == (2, "", True)
    assert "is complete" in again.stderr


def test_a_sustained_load_that_is_interrupted_is_kept_as_far_as_it_came(
    cli: CommandLine, exported: Path, tmp_path: Path
) -> None:
    result = tmp_path / "result.json"
    model = [exported / "default-float32.npz", "--runtime", "numpy"]
    options = ["--protocol", "smoke", "--sustain", "10s", "--json", result]
    with cli.running("bench", *model, *options, cwd=tmp_path) as process:
        read_until("Sustained load ...", process)
        wait_until(lambda: b"turn_windows" in result.read_bytes(), process)
        process.send_signal(signal.SIGINT)
        done = finish(process, tmp_path)
    assert done.was_interrupted
    assert f"{result} holds all rounds" in done.stderr
    half = read_run(result)
    assert _loads(half) == [5]
    resumed = cli("bench", "--resume", result)
    assert resumed.returncode == 0, resumed.stderr
    assert "Sustained load, back to back, 10 s per row" in resumed.stdout
    whole = read_run(result)
    assert _loads(whole) == [10]
    assert [row.measurements for row in whole.rows] == [row.measurements for row in half.rows]
    again = cli("bench", "--resume", result)
    assert (again.returncode, again.speaks_plainly) == (2, True)


def _loads(run: Run) -> list[int]:
    """The whole seconds that each row was loaded for."""
    return [round(row.sustained.seconds) for row in run.rows if row.sustained is not None]


def test_measuring_processes_do_not_outlive_a_benchmark_that_is_killed(
    cli: CommandLine, exported: Path, tmp_path: Path
) -> None:
    with _benchmark(cli, exported, tmp_path) as (process, workers):
        process.kill()
        process.wait()
        end = time.monotonic() + 60
        while any(map(_alive, workers)):
            assert time.monotonic() < end
            time.sleep(0.05)
    assert list(tmp_path.iterdir()) == []
