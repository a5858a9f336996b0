"""Real load on every CPU spoils the figures that it moves, and no others; so does unequal drift."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from fmnist_edge.artifact import open_artifact
from fmnist_edge.records import replace
from fmnist_edge.result import CpuUse, Row, Subject
from tests.examples import npz_model
from tests.proofs.attempts import Attempts
from tests.proofs.spinning import STEADY, measure

# Five processes, and paced calls for long enough to count the CPU time of others.
SETTINGS = replace(STEADY, processes=5, paced_samples=80)
UNPACED = replace(SETTINGS, paced_samples=0)
Rows = Sequence[Row]
pytestmark = pytest.mark.clocked
# The share of its time in which a row runs.
QUIET, CROWDED = 0.95, 0.85
# What a competing program takes CPU time from.
MOVED = {"p50", "throughput", "cold"}


@contextmanager
def _busy_cpus() -> Iterator[None]:
    """Have a process on each CPU that never sleeps."""
    loop = (sys.executable, "-c", "while True: pass")
    running: list[subprocess.Popen[bytes]] = []
    try:
        running += [subprocess.Popen(loop) for _ in os.sched_getaffinity(0)]
        yield
    finally:
        for each in running:
            each.kill()
            each.wait()


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    """A file; the runtimes do not look at it."""
    path: Path = tmp_path_factory.mktemp("model") / "model.npz"
    path.write_bytes(npz_model())
    return Subject.of(open_artifact(path))


@pytest.fixture(scope="module")
def alone(subject: Subject) -> Attempts[Rows]:
    return Attempts(lambda: measure(SETTINGS, ["constant", "bimodal"], subject))


@pytest.fixture(scope="module")
def crowded(subject: Subject) -> Attempts[Rows]:
    def loaded() -> Rows:
        with _busy_cpus():
            return measure(SETTINGS, ["constant", "bimodal"], subject)

    return Attempts(loaded)


def _codes(row: Row) -> set[str]:
    return {reason.code for reason in row.reasons}


def _spoilt(row: Row) -> set[str]:
    return {figure for figure, level in row.verdicts.items() if level != "VALID"}


def _own_share(row: Row) -> float:
    """The share of the time of its turns in which the row ran."""
    uses = [each.back_to_back.cpu for each in row.measurements]
    known: list[CpuUse] = [each for each in uses if each is not None]
    return sum(each.own_ns or 0 for each in known) / sum(each.wall_ns for each in known)


def test_a_row_that_has_its_cpu_time_is_valid_and_one_that_has_not_is_suspect(
    alone: Attempts[Rows],
) -> None:
    def check(rows: Rows) -> None:
        # What else the machine does is not up to the test; a quiet one leaves all CPU time.
        for row in rows:
            if _own_share(row) > QUIET:
                assert not {"ratio", "p50", "throughput", "cold", "memory"} & _spoilt(row)
            elif _own_share(row) < CROWDED:
                assert "waited-for-cpu" in _codes(row)

    alone.show(check)


def test_busy_programs_on_every_cpu_spoil_what_they_take_time_from(
    crowded: Attempts[Rows],
) -> None:
    def check(rows: Rows) -> None:
        for row in rows:
            assert "waited-for-cpu" in _codes(row)
            assert _own_share(row) < CROWDED
            assert _spoilt(row) >= MOVED & row.verdicts.keys()
            assert row.verdict("memory") == "VALID"

    crowded.show(check)


def test_busy_programs_on_every_cpu_spoil_paced_calls(crowded: Attempts[Rows]) -> None:
    def check(rows: Rows) -> None:
        for row in rows:
            assert "other-programs" in _codes(row)
            assert {"paced-p50", "paced-p90"} <= _spoilt(row)

    crowded.show(check)


def test_busy_programs_on_every_cpu_do_not_spoil_a_rank(crowded: Attempts[Rows]) -> None:
    def check(rows: Rows) -> None:
        assert [row.verdict("ratio") for row in rows] == ["VALID"] * 2

    crowded.show(check)


def test_rows_that_drift_away_from_the_fastest_lose_their_ratio(subject: Subject) -> None:
    def check(rows: Rows) -> None:
        row, steady = rows
        assert {"speed-drifts", "ratio-drifts"} <= _codes(row)
        assert {"p50", "ratio"} <= _spoilt(row)
        assert not {"speed-drifts", "ratio-drifts"} & _codes(steady)
        assert steady.verdict("ratio") == "VALID"

    Attempts(lambda: measure(UNPACED, ["drifting", "constant"], subject)).show(check)


def test_rows_that_drift_alike_keep_their_ranks(subject: Subject) -> None:
    def check(rows: Rows) -> None:
        for row in rows:
            assert "p50" in _spoilt(row)
            assert row.verdict("ratio") == "VALID"

    Attempts(lambda: measure(UNPACED, ["drifting", "drifting"], subject)).show(check)
