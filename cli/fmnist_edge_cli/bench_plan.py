"""What `bench` says before and besides the numbers: the plan, and what an interruption left."""

from pathlib import Path
from typing import TYPE_CHECKING

from fmnist_edge_cli import render

if TYPE_CHECKING:
    from collections.abc import Collection

    from fmnist_edge.pipeline.bench import Expected
    from fmnist_edge.pipeline.bench_request import BenchRequest
    from fmnist_edge.result import Case, Run

_MINUTE = 60
# Up to two minutes are told in seconds.
_LONG = 120
_MEGA = 1_000_000


def announce(request: "BenchRequest", expected: "Expected") -> None:
    """Say what cannot be measured, and what measuring the rest takes."""
    cases = request.plan.cases
    if not cases:
        return  # the rows that failed are all there is to show
    _failed(request)
    files = {case.subject.path for case in cases if not case.subject.is_baseline}
    together = min(len(cases), request.settings.together)
    render.warning(
        f"Measuring {len(cases)} rows of {len(files)} model files with the protocol "
        f"{request.settings.protocol}: about {_duration(expected.seconds)}. Up to {together} "
        f"processes live at the same time and take {expected.memory_bytes / _MEGA:.0f} MB of "
        f"memory together; one of them runs at a time.{_sustained(request)}"
    )


def _sustained(request: "BenchRequest") -> str:
    """Return what the sustained load takes of that time; empty where none is asked for."""
    each = request.settings.sustain_seconds
    rows = sum(not case.subject.is_baseline for case in request.plan.cases)
    if not each:
        return ""
    return (
        f" The sustained load takes {_duration(each * rows)} of that time: {_duration(each)} for "
        f"each of {rows} rows."
    )


def dry_run(request: "BenchRequest") -> None:
    """List the rows, one per line, with what tells them apart and what is not usual."""
    from fmnist_edge.result import telling, unusual

    cases = request.plan.cases
    if not cases:
        _failed(request)
    shared = telling(cases)
    for case in cases:
        render.line(_where(case, {*shared, *unusual(case)}))


def _failed(request: "BenchRequest") -> None:
    """Say which rows have failed already, and why."""
    from fmnist_edge.result import unusual

    for row in request.plan.failed:
        if row.failure is not None and request.begun is None:
            where = _where(row.case, unusual(row.case))
            render.warning(f"{where} cannot be measured: {row.failure.message}")


def interrupted(finished: int, rounds: int, file: Path | None) -> None:
    """Say what is kept of a benchmark that the user interrupted."""
    if file is None:
        text = "Interrupted. Nothing is kept; with --json FILE, finished rounds are."
    elif finished == 0:
        text = f"Interrupted. No round had ended, so {file} was not written."
    elif finished == rounds:
        text = (
            f"Interrupted. {file} holds all rounds, and the sustained load as far as it came; load "
            f"anew with: fmnist-edge bench --resume {file}"
        )
    else:
        text = (
            f"Interrupted. {file} holds {finished} of {rounds} rounds; go on with: "
            f"fmnist-edge bench --resume {file}"
        )
    render.warning(f"\n{text}")


def _where(case: "Case", told: "Collection[str]") -> str:
    """Return the path, and what runs it; a file that nothing could read has no runtime."""
    from fmnist_edge.result import how

    return f"{case.subject.path} on {how(case, told)}" if case.runtime != "-" else case.subject.path


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < _LONG else f"{seconds / _MINUTE:.0f} min"


def advise(run: "Run") -> None:
    """Name the command that helps, where the machine put figures in doubt."""
    from fmnist_edge.report.diagnosis import hint

    if text := hint(run):
        render.warning(text)
