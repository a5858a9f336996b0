"""Does the harness tell a tie from a difference? It measures a file twice and a twin 10 % slower.

    python -m benchmarks.same_or_slower MODEL.tflite RESULT.json [COMPARISONS]

Each comparison is a run of its own with three cases: a file, the same file under another name, and
the same file on a runtime that takes 10 % longer for every call (`slowed_worker.py`). Written down
is how often the first two were declared a tie and the third was found slower, with every ratio and
its interval. The result is written after each comparison; started again, it goes on from there.
"""

import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks import slowed_worker
from benchmarks.slowed_worker import SLOWER
from fmnist_edge import runtimes
from fmnist_edge.bench import protocols
from fmnist_edge.bench.plan import Selection, make_plan
from fmnist_edge.files import sha256_of, write_atomically
from fmnist_edge.host.facts import facts
from fmnist_edge.pipeline.bench import bench
from fmnist_edge.pipeline.bench_request import BenchRequest, worker_command
from fmnist_edge.pipeline.provenance import made_with
from fmnist_edge.records import Record, decode_json, encode_json, replace
from fmnist_edge.report.ratios import between
from fmnist_edge.result import Case, Interval, Row, Settings
from fmnist_edge.stats.classification import wilson_interval
from fmnist_edge_cli import render

COMPARISONS: Final = 100
SLOWED: Final = (sys.executable, str(Path(slowed_worker.__file__)))
NAMES: Final = ("one", "same", "slower")
# Back-to-back calls only, and fewer: a hundred comparisons take twenty minutes.
SETTINGS: Final = replace(
    protocols.get("standard"),
    protocol="same-or-slower",
    turn_seconds=0.01,
    min_seconds=0.2,
    paced_samples=0,
    throughput_batch=1,
    throughput_seconds=0.01,
    stage_samples=3,
)


class Answer(Record):
    """The comparison of two rows.

    Args:
        ratio: The second row's time over the first row's.
        low: The lower end of the ratio's 95 % interval.
        high: The upper end of that interval.
        tie: Whether the two were called a tie.
    """

    ratio: float
    low: float
    high: float
    tie: bool

    @property
    def slower(self) -> bool:
        """Whether the second was found to take longer."""
        return not self.tie and self.ratio > 1


class Comparison(Record):
    """One run: the same file again, and the slower twin, each against the first."""

    same: Answer
    slower: Answer


class Count(Record):
    """How often an answer was given, out of how many times; the interval is that of the share."""

    found: int
    of: int
    share: Interval


class Outcome(Record):
    """The content of the result file.

    Args:
        model: The file's name.
        sha256: The SHA-256 of the file.
        slower_by: The true ratio of the twin's time to the file's.
        host: Facts about the machine, by name.
        versions: The versions of the packages that were used, by name.
        settings: The protocol; the first comparison has its seed, each further one the next.
        declared_ties: How often the file and itself were called a tie.
        slower_found: How often the twin was found slower than the file.
        comparisons: All comparisons in the order in which they were made.
    """

    model: str
    sha256: str
    slower_by: float
    host: dict[str, str | int | float]
    versions: dict[str, str]
    settings: Settings
    declared_ties: Count
    slower_found: Count
    comparisons: tuple[Comparison, ...]


def compare_once(model: Path, settings: Settings) -> Comparison:
    """Measure the file, the same file again and the slower twin in one run, and compare them.

    Args:
        model: A TFLite file.
        settings: The protocol.

    Raises:
        RuntimeError: a row failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / f"{name}{model.suffix}" for name in NAMES]
        for file in files:
            shutil.copy(model, file)
        plan = make_plan(files, Selection({"litert": runtimes.RUNTIMES["litert"]}))
        # No data set: the accuracy is not asked for, and all three get the same noise as input.
        one, same, slower = bench(BenchRequest(plan, settings, command=_command)).rows
    return Comparison(_answer(one, same), _answer(one, slower))


def _command(case: Case) -> Sequence[str]:
    return SLOWED if case.subject.name.startswith("slower") else worker_command(case)


def _answer(before: Row, after: Row) -> Answer:
    found = between(before, after)
    if found is None or found.interval is None:
        raise RuntimeError(f"a row failed: {before.failure or after.failure}")
    return Answer(found.ratio, found.interval.low, found.interval.high, found.is_tie)


def _count(answers: Sequence[bool]) -> Count:
    found, of = sum(answers), len(answers)
    return Count(found, of, Interval(*wilson_interval(found, of)))


def _with(outcome: Outcome, comparisons: Sequence[Comparison]) -> Outcome:
    return replace(
        outcome,
        declared_ties=_count([each.same.tie for each in comparisons]),
        slower_found=_count([each.slower.slower for each in comparisons]),
        comparisons=tuple(comparisons),
    )


def begun(model: Path, result: Path) -> Outcome:
    """Return what the result file holds so far, or an outcome without comparisons.

    Raises:
        SystemExit: the file is of another model, protocol or software.
    """
    nothing = _count([])
    fresh = Outcome(
        model.name,
        sha256_of(model.read_bytes()),
        SLOWER,
        dict(facts()),
        made_with(("ai-edge-litert", "numpy")),
        SETTINGS,
        nothing,
        nothing,
        (),
    )
    if not result.exists():
        return fresh
    found = decode_json(Outcome, result.read_bytes())
    if _with(replace(found, host=fresh.host), ()) != fresh:
        raise SystemExit(f"{result} is of another model, protocol or software. Move it away.")
    return found


def main() -> None:
    model, result = Path(sys.argv[1]), Path(sys.argv[2])
    wanted = int(sys.argv[3]) if len(sys.argv) > 3 else COMPARISONS
    outcome, progress = begun(model, result), render.progress_display()
    progress.start("Compare", wanted)
    progress.advance(len(outcome.comparisons))
    for number in range(len(outcome.comparisons), wanted):
        settings = replace(SETTINGS, seed=SETTINGS.seed + number)
        made = compare_once(model, settings)
        outcome = _with(outcome, (*outcome.comparisons, made))
        write_atomically(result, encode_json(outcome).encode())
        progress.advance(note=f"same x{made.same.ratio:.3f}, slower x{made.slower.ratio:.3f}")
    progress.finish()
    ties, slower = outcome.declared_ties, outcome.slower_found
    print(f"the same file: a tie in {ties.found} of {ties.of}")
    print(f"the twin: found slower in {slower.found} of {slower.of}")


if __name__ == "__main__":
    main()
