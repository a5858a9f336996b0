"""The first screen of a run: a narrow table, which file to ship, and what is in doubt."""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from fmnist_edge.artifact import display_name
from fmnist_edge.report import columns, sentences
from fmnist_edge.report.cells import Column, Table, tabulate
from fmnist_edge.report.choice import Choice, choose
from fmnist_edge.report.columns import SIGNIFICANT
from fmnist_edge.report.figures import mark, named
from fmnist_edge.report.notes import energy_note
from fmnist_edge.report.numbers import (
    KILO,
    MEGA,
    MISSING,
    counted,
    duration,
    listed,
    percent,
    points,
    probability,
    quantity,
    sentence,
    significant,
    span,
)
from fmnist_edge.report.rows import memory_of, ordered, row_names, varied
from fmnist_edge.result import LEVELS, Figure, Level, Row, Run

# The figures that the first screen shows.
SHOWN: Final[tuple[Figure, ...]] = (*("ratio", "p50", "p90", "paced-p50", "accuracy", "memory"),)
# What is left out on a narrow terminal, the first one first; size and ratio never are.
_SPARE: Final = ("p90 µs", "RSS MB", "paced µs")
_TOLD_REASONS: Final = 2
_DOUBTS: Final[Mapping[Level, str]] = {
    "SUSPECT": "In doubt (?)",
    "INVALID": "Not to be used (!)",
}
_FRONT: Final = 3
_NAMED: Final = 9
_UNKNOWN: Final = "unknown"
_LEFT_OUT: Final[Mapping[str, str]] = {
    "not-installed": "not installed",
    "slow-import": "slow to import",
    "no-runtime": "opened by no runtime in use",
    "same-file": "the same as another file",
}
_BASELINE: Final[Mapping[str, str]] = {
    "numpy": "a 784-256-128-10 network in NumPy",
    "null": "an empty call",
}


def heading(run: Run) -> str:
    """Return what was measured, and where."""
    rows = [row for row in run.rows if not row.case.subject.is_baseline]
    images = max((row.accuracy.images for row in rows if row.accuracy), default=0)
    cpu = str(run.host.get("cpu", _UNKNOWN))
    parts = [
        counted(len(rows), "row") + (f", {images:,} test images" if images else ""),
        cpu if cpu == _UNKNOWN else f"{cpu}, {quantity('cores', run.host.get('cores', '?'))} cores",
        _conditions(run, rows),
        f"{run.settings.protocol} protocol",
    ]
    return " · ".join(filter(None, parts))


def _conditions(run: Run, rows: Sequence[Row]) -> str:
    """Return the threads and the batch, where all rows share them."""
    if not rows:
        return ""
    case, different = rows[0].case, varied(run)
    told = []
    if "threads" not in different:
        told.append(counted(case.threads, "thread"))
    if "batch" not in different:
        told.append(counted(case.batch, "image") + " per call")
    return ", ".join(told)


def screen_table(run: Run) -> Table:
    """Return a line per row of the user's files, the fastest first, with few columns."""
    rows = sorted(
        (row for row in run.rows if not row.case.subject.is_baseline),
        key=lambda row: latency.p50_ns if (latency := columns.back_to_back(row)) else math.inf,
    )
    kept = [
        *columns.case_columns(run),
        Column("size kB", _size),
        _accuracy(),
        _p50(),
        columns.latency_column("p90 µs", "p90", columns.back_to_back, columns.percentile(0.9)),
        columns.paced_p50("paced µs"),
        columns.memory(),
        columns.times_column(run),
    ]
    always = {"model", "runtime", "size kB", "p50 µs", "x fastest"}
    kept = [
        each
        for each in kept
        if each.header in always or any(each.cell(row) != MISSING for row in rows)
    ]
    headers = {each.header for each in kept}
    return tabulate(kept, rows, [each for each in _SPARE if each in headers])


def _size(row: Row) -> str:
    known = row.case.subject.size_bytes
    return MISSING if known is None else significant(known / KILO)


def _accuracy() -> Column[Row]:
    """Return the accuracy, and whether it differs from the float reference by more than chance."""

    def cell(row: Row) -> str:
        known = row.accuracy
        if row.failure or known is None:
            return MISSING
        number = mark(row.verdicts.get("accuracy"), percent(known.top1))
        if known.against is None:
            return number
        if known.against.p_value >= SIGNIFICANT:
            return f"{number} tie"
        return f"{number} {'lower' if known.against.lost > known.against.gained else 'higher'}"

    return Column("top-1 %", cell, numeric=False, figure="accuracy")


def _p50() -> Column[Row]:
    """Return the back-to-back p50 with half of its interval."""
    number = columns.latency_column("p50 µs", "p50", columns.back_to_back, columns.p50)

    def cell(row: Row) -> str:
        if row.failure:
            return "failed"
        latency = columns.back_to_back(row)
        half = columns.relative_half_width(latency) if latency else None
        return number.cell(row) + (f" ±{100 * half:.0f}%" if half is not None else "")

    return Column("p50 µs", cell, figure="p50")


def screen_lines(run: Run, file: str | None) -> tuple[str, ...]:
    """Return what follows from the table, in at most seven lines of a hundred characters or so.

    Args:
        run: What was measured.
        file: The name of the results file; None where it was not kept.
    """
    return (
        *_failed(run),
        *filter(None, [_baseline(run)]),
        *_recommended(run),
        *_doubts(run),
        *filter(None, [_left_out(run), energy_note(run) if run.settings.energy_seconds else ""]),
        _more(file),
    )


def _failed(run: Run) -> Iterator[str]:
    name = row_names(run)
    for row in run.rows:
        if row.failure is not None:
            text = f"{sentence(row.failure.message)} {sentence(row.failure.hint)}"
            yield f"Failed: {name(row)}: {text.strip()}"


def _baseline(run: Run) -> str:
    """Return what the same machine takes for a network in plain NumPy, and for an empty call."""
    told = {
        row.case.runtime: mark(row.verdicts.get("p50"), duration(row.back_to_back.p50_ns))
        for row in run.rows
        if row.case.subject.is_baseline and row.failure is None and row.back_to_back
    }
    parts = [f"{what} {told[runtime]}" for runtime, what in _BASELINE.items() if runtime in told]
    return f"Baseline of this machine: {', '.join(parts)}." if parts else ""


def _recommended(run: Run) -> Iterator[str]:
    if all(row.failure or row.case.subject.is_baseline for row in run.rows):
        return
    choice = choose(run)
    if choice is None:
        yield "No file can be recommended: what was measured is INVALID, or no model classifies."
        return
    name = row_names(run)
    yield f"Ship {name(choice.best)}: {_why(choice)}"
    if choice.ties:
        yield f"As fast, within what can be told: {listed(list(map(name, choice.ties)), _FRONT)}."
    if choice.runner_up is not None and choice.behind is not None:
        yield f"Next: {name(choice.runner_up)}, {_behind(choice)}"
    faster = choice.front[: choice.front.index(choice.best)] if choice.best in choice.front else ()
    others = faster[::-1]
    if others:
        front = [f"{name(row)} ({_speed_and_accuracy(row)})" for row in others]
        yield f"Faster at a lower accuracy: {listed(front, _FRONT)}."


def _why(choice: Choice) -> str:
    best = choice.best
    p50 = duration(best.back_to_back.p50_ns) if best.back_to_back else MISSING
    if best.accuracy is None:
        return f"the fastest ({p50} per call); its accuracy is not known without labels."
    against = best.accuracy.against
    told = f"{p50} per call, {percent(best.accuracy.top1)} %"
    if against is not None:
        change = points((against.gained - against.lost) / best.accuracy.images)
        told += f", {change} points, {probability(against.p_value)}"
    return f"the fastest that loses no accuracy ({told})."


def _behind(choice: Choice) -> str:
    """Return what the runner-up costs."""
    times, row = choice.behind, choice.runner_up
    if times is None or row is None:
        return ""
    told = f"{times.ratio:.3g} times as slow"
    if times.interval is not None:
        told = f"{times.ratio:.3g} ({span(times.interval.low, times.interval.high)}) times as slow"
    more = [memory_of(each, lambda m: m.memory.steady_bytes) for each in (row, choice.best)]
    if more[0] is not None and more[1] is not None and round((more[0] - more[1]) / MEGA):
        difference = (more[0] - more[1]) / MEGA
        told += f", {abs(difference):.0f} MB {'more' if difference > 0 else 'less'} memory"
    return f"{told}."


def _speed_and_accuracy(row: Row) -> str:
    p50 = duration(row.back_to_back.p50_ns) if row.back_to_back else MISSING
    return f"{p50}, {percent(row.accuracy.top1 if row.accuracy else None)} %"


def _doubts(run: Run) -> Iterator[str]:
    """Yield what spoils most of the figures shown, each with its cure."""
    rows = [row for row in ordered(run) if not row.case.subject.is_baseline]
    spoilt: dict[str, set[tuple[int, Figure]]] = {}
    example: dict[str, sentences.Told] = {}
    level: dict[str, Level] = {}
    for index, row in enumerate(rows):
        for reason in row.reasons:
            figures = {(index, figure) for figure in reason.figures if figure in SHOWN}
            if figures:
                spoilt.setdefault(reason.code, set()).update(figures)
                example.setdefault(reason.code, sentences.reason(reason))
                level.setdefault(reason.code, reason.level)
    if not spoilt and any(row.verdicts for row in rows):
        yield "No reason was found to doubt the figures above."
    ranked = sorted(
        spoilt, key=lambda code: (LEVELS.index(level[code]), len(spoilt[code])), reverse=True
    )
    for code in ranked[:_TOLD_REASONS]:
        figures_of = {figure for _, figure in spoilt[code]}
        count = len({index for index, _ in spoilt[code]})
        where = "all rows" if count == len(rows) > 1 else counted(count, "row")
        shown = named([figure for figure in SHOWN if figure in figures_of])
        text = f"{sentence(example[code].sentence)} {example[code].cure}".strip()
        yield f"{_DOUBTS[level[code]]}: {shown} of {where}. {text}"
    if len(ranked) > _TOLD_REASONS:
        yield f"The report has {counted(len(ranked) - _TOLD_REASONS, 'more reason')}."


def _left_out(run: Run) -> str:
    """Return what was not measured, in one sentence; the report has the reasons and the cures."""
    found: dict[str, list[str]] = {}
    for each in run.skipped:
        name = each.runtime or display_name(Path(each.path))
        found.setdefault(_LEFT_OUT.get(each.code, "not measured"), []).append(name)
    parts = [f"{why}: {listed(list(dict.fromkeys(names)), _NAMED)}" for why, names in found.items()]
    return f"Left out ({'; '.join(parts)})." if parts else ""


def _more(file: str | None) -> str:
    if file is None:
        return "Keep the result with --json FILE; fmnist-edge report FILE then tells everything."
    return f"Everything else: fmnist-edge report {file}"
