"""Notes on a run: why figures are in doubt, what is missing, what was compared.

What several rows share is told once.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeVar

from fmnist_edge.devices import CPU
from fmnist_edge.report import sentences
from fmnist_edge.report.columns import SIGNIFICANT
from fmnist_edge.report.figures import named
from fmnist_edge.report.numbers import counted, listed, sentence
from fmnist_edge.report.ratios import PRACTICAL, fastest
from fmnist_edge.report.rows import batches, ordered, references, row_names, varied
from fmnist_edge.report.sentences import Told
from fmnist_edge.result import (
    LEVELS,
    NVIDIA,
    EnergyMeter,
    Latency,
    Row,
    Run,
    device_name,
    drivers_of,
)

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
# More names than that are counted.
_NAMED: Final = 2
_REGIMES: Final[Mapping[str, Callable[[Row], Latency | None]]] = {
    "back to back": lambda row: row.back_to_back,
    "paced": lambda row: row.paced,
}


def interruption_note(run: Run) -> str:
    """Return how much of an interrupted run was measured; empty for a whole run."""
    wanted = run.settings.processes
    if run.rounds >= wanted:
        return ""
    return f"The run was interrupted: each row was measured in {run.rounds} of {wanted} processes."


def reasons(run: Run) -> tuple[str, ...]:
    """Return why figures may not be believed, and what to do; the worst first.

    Rows with the same trouble share a sentence; where its numbers differ, those of the first stand
    for all (`verdicts_table` has each).
    """
    found = (
        ((reason.level, reason.code, named(reason.figures), told.cure), (row, told.sentence))
        for row in ordered(run)
        for reason in row.reasons
        for told in (sentences.reason(reason),)
    )
    groups = _grouped(found)
    ranked = sorted(groups, key=lambda group: LEVELS.index(group[0]), reverse=True)
    who = _naming(run)
    return tuple(
        f"{group[0]}: {group[2]} of {_example(groups[group], who)} {group[3]}".strip()
        for group in ranked
    )


def not_checked(run: Run) -> tuple[str, ...]:
    """Return what could not be checked, which is neither fine nor bad."""
    found = ((sentences.not_checked(each), row) for row in ordered(run) for each in row.not_checked)
    return tuple(f"Not checked: {told}" for told in _told_together(found, run))


def remarks(run: Run) -> tuple[str, ...]:
    """Return what a reader should know of the rows."""
    found = ((sentences.remark(each), row) for row in ordered(run) for each in row.remarks)
    return tuple(_told_together(found, run))


def skipped(run: Run) -> tuple[str, ...]:
    """Return what was not measured, why, and what to do."""
    found = map(sentences.skipped, run.skipped)
    return tuple(f"{sentence(told.sentence)} {told.cure}".strip() for told in found)


def _told_together(found: Iterable[tuple[Told, Row]], run: Run) -> Iterator[str]:
    """Yield for each set of rows all that is said of just these."""
    who = _naming(run)
    by_rows = _grouped((who(rows), told) for told, rows in _grouped(found).items())
    for names, all_told in by_rows.items():
        texts = [text for each in all_told for text in (sentence(each.sentence), each.cure)]
        yield f"{names}: {' '.join(filter(None, texts))}"


def _grouped(pairs: Iterable[tuple[K, V]]) -> dict[K, list[V]]:
    groups: dict[K, list[V]] = {}
    for key, member in pairs:
        groups.setdefault(key, []).append(member)
    return groups


def _naming(run: Run) -> Callable[[Sequence[Row]], str]:
    """Return what names several rows."""
    name = row_names(run)
    measured = sum(row.failure is None for row in run.rows)

    def who(rows: Sequence[Row]) -> str:
        whole = len(rows) == measured > 1
        return "all rows" if whole else listed([name(row) for row in rows], _NAMED)

    return who


def _example(group: Sequence[tuple[Row, str]], who: Callable[[Sequence[Row]], str]) -> str:
    """Return the trouble of several rows; of numbers that differ, those of the first row."""
    rows, texts = zip(*group, strict=True)
    first = texts[0].rstrip(".")
    example = f" ({who(rows[:1])}; the others in other numbers)" if len(set(texts)) > 1 else ""
    return f"{who(rows)}: {sentence(first + example)}"


def refused(run: Run) -> tuple[str, ...]:
    """Return which percentiles are not given, for how many rows, and why."""
    return tuple(
        f"Not given {regime}: {'; '.join(parts)}."
        for regime, of in _REGIMES.items()
        if (parts := list(_refused([of(row) for row in run.rows if row.failure is None])))
    )


def _refused(latencies: Sequence[Latency | None]) -> Iterator[str]:
    """Yield a phrase per group of percentiles that as many rows lack, with one reason."""
    refusals = [
        (each.share, sentences.refusal(each))
        for latency in latencies
        for each in (latency.percentiles if latency else ())
        if each.bound_ns is None
    ]
    why = _grouped(sorted(refusals, key=lambda refusal: refusal[0]))
    alike = _grouped((len(texts), share) for share, texts in why.items())
    for rows, shares in alike.items():
        texts = dict.fromkeys(why[shares[0]])
        why_not = next(iter(texts)) if len(texts) == 1 else ""
        told = f" ({why_not})" if why_not else ""
        names = listed([f"p{100 * share:g}" for share in shares])
        yield f"{names} of {counted(rows, 'row')}{told}"


def energy_note(run: Run) -> str:
    """Return where energy comes from, or why there is none."""
    on_gpu = [row for row in run.rows if drivers_of(row.case.device) == (NVIDIA,)]
    told = _metered("Energy", run.meter, [row for row in run.rows if row not in on_gpu])
    if run.gpu_meter is None:
        return told
    return f"{told} {_metered('Energy of NVIDIA GPUs', run.gpu_meter, on_gpu)}"


def _metered(what: str, meter: EnergyMeter, rows: Sequence[Row]) -> str:
    if not meter.source:
        return f"{what}: not available: {sentence(meter.unavailable or 'no meter was found')}"
    if not any(row.energy for row in rows):
        return f"{what}: not measured ({meter.source} could)."
    return f"{what}: above idle, from {meter.source}: {sentence(meter.coverage)}"


def accuracy_note(run: Run) -> str:
    """Return what the accuracy was compared with; empty where it was not."""
    against = {
        (row.accuracy.against.reference, row.accuracy.against.runtime, row.accuracy.images)
        for row in run.rows
        if row.failure is None and row.accuracy and row.accuracy.against
    }
    if not against:
        return ""
    devices = {
        (row.case.subject.name, row.case.runtime): f" {device_name(row.case)}"
        for row in references(run)
        if row.case.device != CPU
    }
    told = [
        f"{name} on {runtime}{devices.get((name, runtime), '')} ({images:,} images)"
        for name, runtime, images in sorted(against)
    ]
    return (
        f"Accuracy is compared, image by image, with {listed(told)}; a tie is what McNemar's test "
        f"puts down to chance (p of {SIGNIFICANT} or more)."
    )


def tie_note(run: Run) -> str:
    """Return what "x fastest" compares; empty where nothing is compared."""
    best = [row for batch in batches(run.rows) if (row := fastest(run, batch))]
    if not best:
        return ""
    name = row_names(run, [each for each in varied(run) if each != "batch"])
    at = "batch" in varied(run)
    told = [f"{name(row)}{f' at batch {row.case.batch}' if at else ''}" for row in best]
    return (
        f"Fastest back to back: {listed(told, len(told))}. A tie differs by less than "
        f"{100 * PRACTICAL:.0f} %, or by no more than chance (by the 95 % interval of the "
        "ratio)."
    )
