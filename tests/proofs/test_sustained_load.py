"""A load that lasts finds what is known to happen in it: calls that slow down, and a real rival."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from time import sleep

import pytest

from fmnist_edge.bench.baseline import NO_MODEL
from fmnist_edge.bench.sustained import measure_sustained
from fmnist_edge.bench.wire import DataPaths
from fmnist_edge.bench.worker_process import Worker
from fmnist_edge.clock import now
from fmnist_edge.progress import SILENT
from fmnist_edge.records import replace
from fmnist_edge.report.sustained import overtakings
from fmnist_edge.result import Case, Row, Sustained, read_run
from tests.commands import CommandLine, finish, read_until
from tests.examples import READING, row, run
from tests.proofs.attempts import Attempts
from tests.proofs.spinning import STEADY, WORKER
from tests.proofs.spinning_worker import BASE, SLOWED, SLOWED_AFTER, SLOWER

pytestmark = pytest.mark.clocked
SECONDS = 9
HALF = 8.0
MODEL = Path(__file__).parents[2] / "artifacts" / "reference" / "default-int8.tflite"
CASES = tuple(Case(NO_MODEL, name, "cpu", 1, 1) for name in ("slowing", "slower"))
Loads = Mapping[Case, Sustained]


def _injected() -> Loads:
    kept: list[Loads] = []
    measure_sustained(
        CASES,
        replace(STEADY, sustain_seconds=float(SECONDS), together=2),
        DataPaths(),
        launch=lambda job, tick: Worker(WORKER, job, tick),
        probe=lambda: READING,
        begin_ns=now(),
        progress=SILENT,
        keep=kept.append,
    )
    return kept[-1]


def test_calls_that_become_slower_are_found_with_the_moment_and_the_ratio() -> None:
    def check(loads: Loads) -> None:
        slowing, slower = (loads[case] for case in CASES)
        assert len(slowing.p50.levels) == 2
        assert slowing.p50.lasting.after_seconds == pytest.approx(SLOWED_AFTER / 1e9, abs=2)
        assert slowing.p50.ratio == pytest.approx(SLOWED, rel=0.1)
        assert slowing.p50.first_ns == pytest.approx(BASE, rel=0.1)
        assert len(slower.p50.levels) == 1
        assert slower.p50.ratio == pytest.approx(1, abs=0.05)
        # The first seconds rank the rows otherwise than the end does.
        assert SLOWER < SLOWED
        pairs = overtakings(run(*(row(case, sustained=loads[case]) for case in CASES)))
        assert [(each.first.case, each.second.case) for each in pairs] == [CASES]

    Attempts(_injected).show(check)


def test_a_program_that_starts_in_the_middle_is_found_when_it_starts(
    cli: CommandLine, tmp_path: Path
) -> None:
    """The real command on one CPU, and a program that wants the same CPU from the middle on."""
    cpu = max(os.sched_getaffinity(0))
    rival = (
        *(sys.executable, "-c"),
        f"import os\nos.sched_setaffinity(0, {{{cpu}}})\nwhile True: pass",
    )

    def loaded() -> Row:
        file = tmp_path / "result.json"
        options = ("--runtime", "litert", "--protocol", "smoke", "--sustain", "16s")
        command = ("bench", MODEL, *options, "--pin", cpu, "--json", file)
        with cli.running(*command, cwd=tmp_path) as process:
            read_until("Sustained load", process)
            sleep(HALF)
            with subprocess.Popen(rival) as running:
                try:
                    done = finish(process, tmp_path)
                finally:
                    running.kill()
        assert done.returncode == 0, done.stderr
        assert "p50 over time:" in done.stdout
        (own,) = (each for each in read_run(file).rows if each.sustained is not None)
        return own

    def check(own: Row) -> None:
        load = own.sustained
        assert load is not None
        assert load.seconds == pytest.approx(16, abs=1)
        # Few of many short calls are interrupted, so that their median hardly tells.
        assert load.p50.ratio < 1.3
        done = load.per_call
        assert done is not None
        # The process was opened before its load began.
        assert done.lasting.after_seconds == pytest.approx(HALF, abs=2.5)
        assert 1.5 < done.ratio < 3
        assert done.ratio_interval.low > 1
        assert {"gets-less-done", "slower-beside-others"} <= {each.code for each in own.remarks}

    Attempts(loaded).show(check)
