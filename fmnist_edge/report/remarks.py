"""What a reader of the table should know, in sentences; what several rows share is told once."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeVar

from fmnist_edge.report.cells import counted, listed, sentence
from fmnist_edge.report.columns import SIGNIFICANT
from fmnist_edge.report.ratios import PRACTICAL, fastest
from fmnist_edge.report.rows import ordered, row_names
from fmnist_edge.result import Latency, Row, Run

__all__ = [
    "accuracy_note",
    "below_the_table",
    "energy_note",
    "reasons",
    "refused",
    "remarks",
    "tie_note",
    "unknown",
]

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
# More names than that are counted.
_NAMED: Final = 2
_LEVELS: Final = ("INVALID", "SUSPECT")
_REGIMES: Final[Mapping[str, Callable[[Row], Latency | None]]] = {
    "back to back": lambda row: row.back_to_back,
    "paced": lambda row: row.paced,
}


def below_the_table(run: Run) -> tuple[str, ...]:
    """Everything of the below, in the order in which it is read."""
    return (
        *reasons(run),
        *unknown(run),
        *remarks(run),
        *refused(run),
        *filter(None, (tie_note(run), accuracy_note(run), energy_note(run))),
    )


def reasons(run: Run) -> tuple[str, ...]:
    """Why rows are not simply to be believed, and the cure; the worst first.

    Rows with the same trouble share a sentence; where its numbers differ, those of the first stand
    for all (`verdicts_table` has each).
    """
    found = (
        ((reason.level, reason.code, reason.cure), (row, reason.text))
        for row in ordered(run)
        if row.verdict
        for reason in row.verdict.reasons
    )
    groups = _grouped(found)
    ranked = sorted(groups, key=lambda group: _LEVELS.index(group[0]))
    who = _naming(run)
    return tuple(
        f"{level}: {_told(groups[level, code, cure], who)} {sentence(cure)}".strip()
        for level, code, cure in ranked
    )


def unknown(run: Run) -> tuple[str, ...]:
    """What could not be checked: neither fine nor bad."""
    found = ((text, row) for row in ordered(run) if row.verdict for text in row.verdict.unknown)
    return tuple(
        f"Not checked: {who}: {sentence('; '.join(text.rstrip('.') for text in texts))}"
        for who, texts in _together(found, run)
    )


def remarks(run: Run) -> tuple[str, ...]:
    """What the rows themselves remark."""
    found = ((text, row) for row in ordered(run) for text in row.remarks)
    return tuple(f"{who}: {' '.join(map(sentence, texts))}" for who, texts in _together(found, run))


def _together(found: Iterable[tuple[str, Row]], run: Run) -> Iterator[tuple[str, list[str]]]:
    """Each set of rows, in words, and all that is said of just these."""
    who = _naming(run)
    by_rows = _grouped((who(rows), text) for text, rows in _grouped(found).items())
    yield from by_rows.items()


def _grouped(pairs: Iterable[tuple[K, V]]) -> dict[K, list[V]]:
    groups: dict[K, list[V]] = {}
    for key, member in pairs:
        groups.setdefault(key, []).append(member)
    return groups


def _naming(run: Run) -> Callable[[Sequence[Row]], str]:
    """Several rows in words."""
    name = row_names(run)
    measured = sum(row.failure is None for row in run.rows)

    def who(rows: Sequence[Row]) -> str:
        whole = len(rows) == measured > 1
        return "all rows" if whole else listed([name(row) for row in rows], _NAMED)

    return who


def _told(group: Sequence[tuple[Row, str]], who: Callable[[Sequence[Row]], str]) -> str:
    """The trouble of several rows; of numbers that differ, those of the first row stand for all."""
    rows, texts = zip(*group, strict=True)
    first = texts[0].rstrip(".")
    example = f" ({who(rows[:1])}; the others alike)" if len(set(texts)) > 1 else ""
    return f"{who(rows)}: {sentence(first + example)}"


def refused(run: Run) -> tuple[str, ...]:
    """Which percentiles are not given, for how many rows, and why."""
    return tuple(
        f"Not given {regime}: {'; '.join(parts)}."
        for regime, of in _REGIMES.items()
        if (parts := list(_refused([of(row) for row in run.rows if row.failure is None])))
    )


def _refused(latencies: Sequence[Latency | None]) -> Iterator[str]:
    """Percentiles that as many rows lack, in one phrase with the reason of the lowest."""
    refusals = [
        (each.share, each.refused)
        for latency in latencies
        for each in (latency.percentiles if latency else ())
        if each.nanoseconds is None
    ]
    why = _grouped(sorted(refusals, key=lambda refusal: refusal[0]))
    alike = _grouped((len(texts), share) for share, texts in why.items())
    for rows, shares in alike.items():
        texts = dict.fromkeys(why[shares[0]])
        told = f" ({next(iter(texts)).rstrip('.')})" if len(texts) == 1 else ""
        names = listed([f"p{100 * share:g}" for share in shares])
        yield f"{names} of {counted(rows, 'row')}{told}"


def energy_note(run: Run) -> str:
    """Where energy comes from, or why there is none."""
    if not run.meter.source:
        return f"Energy: not available: {sentence(run.meter.unavailable or 'no meter was found')}"
    if not any(row.energy for row in run.rows):
        return f"Energy: not measured ({run.meter.source} could)."
    return f"Energy: above idle, from {run.meter.source}: {sentence(run.meter.coverage)}"


def accuracy_note(run: Run) -> str:
    """What the accuracy was compared with; empty where it was not."""
    against = {
        (row.accuracy.against.reference, row.accuracy.against.runtime, row.accuracy.images)
        for row in run.rows
        if row.failure is None and row.accuracy and row.accuracy.against
    }
    if not against:
        return ""
    told = [f"{name} on {runtime} ({images:,} images)" for name, runtime, images in sorted(against)]
    return (
        f"Accuracy is compared, image by image, with {listed(told)}; a tie is what McNemar's test "
        f"puts down to chance (p of {SIGNIFICANT} or more)."
    )


def tie_note(run: Run) -> str:
    """What "x fastest" compares; empty where nothing is compared."""
    batches = sorted({row.case.batch for row in run.rows})
    best = [row for batch in batches if (row := fastest(run, batch))]
    if not best:
        return ""
    name = row_names(run)
    return (
        f"Fastest back to back: {listed([name(row) for row in best])}. A tie differs by less than "
        f"{100 * PRACTICAL:.0f} %, or by no more than chance (by the 95 % interval of the "
        "ratio)."
    )
