"""The harness on runtimes whose times are known: real processes, turns and rows."""

import sys
from collections.abc import Sequence
from pathlib import Path

from fmnist_edge.bench.baseline import NO_MODEL
from fmnist_edge.bench.case_data import CaseData
from fmnist_edge.bench.rounds import run_rounds
from fmnist_edge.bench.rows import make_rows
from fmnist_edge.bench.wire import DataPaths
from fmnist_edge.bench.worker_process import Worker
from fmnist_edge.progress import SILENT
from fmnist_edge.records import replace
from fmnist_edge.result import Case, Row, Settings, Subject
from tests.examples import READING, SETTINGS
from tests.proofs import spinning_worker
from tests.proofs.spinning_worker import RUN, STALLING

WORKER = (sys.executable, str(Path(spinning_worker.__file__)))
PERIOD = 2_500_000
STEADY = replace(
    SETTINGS,
    warmup_calls=50,
    turn_seconds=0.025,
    min_seconds=RUN / 1e9,
    min_samples=64,
    max_samples=1_000_000,
    paced_hz=1e9 / PERIOD,
    paced_samples=0,
    distinct_images=STALLING,
)


def measure(settings: Settings, names: Sequence[str], subject: Subject = NO_MODEL) -> list[Row]:
    """A row per name, which is that of a runtime of `spinning_worker`.

    Args:
        settings: The protocol.
        names: Of the runtimes.
        subject: A file that can be opened; only rows of a file are ranked.
    """
    cases = [Case(subject, name, "cpu", 1, 1) for name in names]
    taken = [CaseData(case) for case in cases]
    run_rounds(
        taken,
        replace(settings, together=len(cases)),
        DataPaths(),
        launch=lambda job, tick: Worker(WORKER, job, tick),
        probe=lambda: READING,
        progress=SILENT,
    )
    assert [each.failure for each in taken] == [None] * len(cases)
    # The machine's sensors are left out: these rows are judged by their times alone.
    return list(make_rows([CaseData(each.case, each.measurements) for each in taken], {}))
