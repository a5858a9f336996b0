"""What follows from a run, in a few sentences: which file to ship, and what is in doubt."""

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Final

from fmnist_edge.records import replace
from fmnist_edge.report.choice import Choice, NoChoice, choose, difference, rivals
from fmnist_edge.report.doubts import doubts
from fmnist_edge.report.figures import named
from fmnist_edge.report.layout import shortened
from fmnist_edge.report.narrow import COLUMNS, shown_figures, user_rows
from fmnist_edge.report.numbers import (
    MEGA,
    counted,
    listed,
    percent,
    points,
    probability,
    sentence,
    significant,
    span,
)
from fmnist_edge.report.ratios import between
from fmnist_edge.report.rows import memory_of, names, row_names, varied
from fmnist_edge.report.sentences import reason as told_reason
from fmnist_edge.result import Figure, Row, Run

_LONGEST_NAME: Final = 44
# Of a name with what runs the file, at least so much is left for the file.
_SHORT_NAME: Final = 24
_SHOWN_FRONT: Final = 2
_SHOWN_TIES: Final = 2


def decision(run: Run) -> tuple[str, ...]:
    """Return which file to ship, what it costs beside others, and what is in doubt."""
    return tuple(text for _, text in ranked(run, shown_figures(run, tuple(COLUMNS))))


def ranked(run: Run, shown: Sequence[Figure]) -> Sequence[tuple[int, str]]:
    """Return sentences in the order in which they are read, each after its place by importance.

    Args:
        run: What was measured.
        shown: The figures that the reader sees.
    """
    choice = choose(run)
    rows = [row for row in user_rows(run) if row.failure is None]
    troubles = doubts(rows, shown)
    if not troubles and any(row.verdicts for row in rows):
        troubles = ("No reason was found to doubt the figures above.",)
    if isinstance(choice, NoChoice):
        return list(enumerate((_none(choice), *troubles)))
    name = naming(run, _told(run))
    return [
        (0, f"Ship {name(choice.best)}: {_why(choice.best, run)}{_rank(choice)}"),
        *((1, text) for text in _ties(choice, name)),
        *((4, text) for text in _next(choice, name)),
        *((2, text) for text in _front(choice, run)),
        *((5, text) for text in _believed(rows, shown)),
        *((3 if place == 0 else 6, text) for place, text in enumerate(troubles)),
    ]


def _none(choice: NoChoice) -> str:
    start = "No file can be recommended: "
    if choice.because == "failed":
        return f"{start}no row has a time."
    if choice.because == "no-skill":
        return (
            f"{start}no model is more accurate than one answer for all images, by more than chance."
        )
    if choice.reason is None:
        return f"{start}the ranks or accuracies of the most accurate rows are INVALID."
    told = told_reason(choice.reason)
    return f"{start}{sentence(told.sentence[:1].lower() + told.sentence[1:])} {told.cure}".strip()


def _told(run: Run) -> tuple[str, ...]:
    """Return what tells rows of the same batch apart: only such are held against each other."""
    return tuple(each for each in varied(run) if each != "batch")


def _why(best: Row, run: Run) -> str:
    batch = best.case.batch
    at = f"at {counted(batch, 'image')} per call " if "batch" in varied(run) else ""
    if best.accuracy is None:
        return f"{at}the fastest; its accuracy is not known, because there are no labels."
    top = rivals(run)[0]
    if top.accuracy is None or top.accuracy.top1 <= best.accuracy.top1:
        return f"{at}the fastest, and none is more accurate."
    change = points(best.accuracy.top1 - top.accuracy.top1)
    return (
        f"{at}the fastest that loses no accuracy ({change} points, "
        f"{probability(difference(best, top))})."
    )


def _rank(choice: Choice) -> str:
    beside = (choice.best, *choice.ties, *filter(None, [choice.runner_up]))
    doubtful = any(row.verdict("ratio") not in {"VALID", None} for row in beside)
    return " Its rank is in doubt (?)." if doubtful else ""


def _ties(choice: Choice, name: Callable[[Row], str]) -> Iterator[str]:
    if choice.ties:
        yield f"As fast, as far as can be told: {listed([*map(name, choice.ties)], _SHOWN_TIES)}."


def _next(choice: Choice, name: Callable[[Row], str]) -> Iterator[str]:
    if choice.runner_up is not None:
        yield f"Next: {name(choice.runner_up)}, {_cost(choice.best, choice.runner_up)}."


def _front(choice: Choice, run: Run) -> Iterator[str]:
    """Yield what is faster at a lower accuracy; by file alone where only files tell it apart."""
    by_file = (
        len({replace(row.case, subject=choice.best.case.subject) for row in choice.front}) == 1
    )
    name = naming(run, None if by_file else _told(run))
    told = [
        f"{name(row)} ({_trade(choice.best, row)})"
        for row in reversed(choice.front)
        if row is not choice.best
    ]
    if told:
        yield f"Faster, less accurate: {listed(told, _SHOWN_FRONT)}."


def _cost(best: Row, other: Row) -> str:
    """Return what another row takes beside the best."""
    times = between(best, other)
    told = []
    if times is not None:
        ratio, known = significant(times.ratio), times.interval
        about = f"{ratio} ({span(known.low, known.high)})" if known else f"about {ratio}"
        told.append(f"{about} times as slow")
    own, others = (memory_of(row, lambda each: each.memory.steady_bytes) for row in (best, other))
    if own is not None and others is not None and round((others - own) / MEGA):
        more = (others - own) / MEGA
        told.append(f"{abs(more):.0f} MB {'more' if more > 0 else 'less'} memory")
    return ", ".join(told)


def _trade(best: Row, faster: Row) -> str:
    times = between(faster, best)
    top1 = faster.accuracy.top1 if faster.accuracy else None
    ratio = f", {significant(times.ratio, 2)}x" if times else ""
    return f"{percent(top1)} %{ratio}"


def _believed(rows: Sequence[Row], shown: Sequence[Figure]) -> Iterator[str]:
    """Yield which figures are VALID in every row, where others are not."""
    valid = [
        figure
        for figure in shown
        if any(figure in row.verdicts for row in rows)
        and all(row.verdicts.get(figure, "VALID") == "VALID" for row in rows)
    ]
    if valid and any(row.verdict(*shown) != "VALID" for row in rows):
        yield f"Valid in all rows: {named(valid)}."


def naming(run: Run, told: Collection[str] | None) -> Callable[[Row], str]:
    """Return what names a row in a sentence; long names of files are shortened.

    Args:
        run: The run of the rows.
        told: What is told besides file and runtime: device, threads, batch. None for the file only.
    """
    whole, file = row_names(run, told or ()), names(run)

    def name(row: Row) -> str:
        on = plain(whole(row)).removeprefix(plain(file(row))) if told is not None else ""
        room = max(_SHORT_NAME, _LONGEST_NAME - len(on))
        return f"{shortened([plain(file(row))], room)[0]}{on}"

    return name


def plain(name: str) -> str:
    """Return a name on one line: a file's name may have any character."""
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in name)
