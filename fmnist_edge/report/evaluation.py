"""An evaluation as tables of text cells."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from fmnist_edge.evaluation import ClassScore, Confused, Evaluation, Mistake
from fmnist_edge.report.cells import Column, Table, tabulate
from fmnist_edge.report.numbers import KILO, counted, percent

_NOTHING: Final = "·"
# As column headers and captions: with ten of them a confusion matrix fits 80 columns.
_SHORT: Final[Mapping[str, str]] = {
    "T-shirt/top": "Top",
    "Trouser": "Trous",
    "Pullover": "Pull",
    "Sneaker": "Sneak",
    "Ankle boot": "Boot",
}
_LONGEST: Final = 6


def short_name(label: str) -> str:
    """A class in at most six characters."""
    return _SHORT.get(label, label)[:_LONGEST]


def headline(evaluation: Evaluation) -> tuple[str, str]:
    """What was evaluated on what, and how: two lines."""
    case = evaluation.case
    size = f" ({case.subject.size_bytes / KILO:,.1f} kB)" if case.subject.size_bytes else ""
    threads = counted(case.threads, "thread")
    return (
        f"{case.subject.name}{size} on {case.runtime} {evaluation.runtime_version}",
        f"{evaluation.images:,} {evaluation.split} images, {threads}, batch {case.batch}",
    )


def summary(evaluation: Evaluation) -> Table:
    """The numbers that stand for the whole, each with what it means."""
    interval, macro = evaluation.interval, evaluation.macro
    between = f"{percent(interval.low)} to {percent(interval.high)} %"
    bins = len(evaluation.calibration)
    rows = (
        (
            "accuracy",
            f"{percent(evaluation.accuracy)} %",
            f"{percent(interval.confidence, 0)} % interval {between}; {evaluation.correct:,} right",
        ),
        (
            "baseline",
            f"{percent(evaluation.baseline.accuracy)} %",
            f"always the same class ({evaluation.baseline.label})",
        ),
        ("cross-entropy", f"{evaluation.cross_entropy:.4f}", "nats per image"),
        (
            "calibration error",
            f"{percent(evaluation.calibration_error)} %",
            f"expected, over {bins} bins of equal width",
        ),
        ("macro precision", f"{percent(macro.precision)} %", "mean over the classes"),
        ("macro recall", f"{percent(macro.recall)} %", "mean over the classes"),
        ("macro F1", f"{percent(macro.f1)} %", "mean over the classes"),
    )
    return Table(("measure", "value", "remark"), rows, (False, True, False))


def evaluation_tables(evaluation: Evaluation) -> Iterator[tuple[str, Table]]:
    """Titled tables: classes, confusion matrix, what is mixed up most often."""
    yield "Each class", _classes(evaluation.classes)
    yield (
        "Confusion matrix: a row per true class, a column per predicted class",
        _confusion(evaluation),
    )
    if evaluation.confused:
        yield "Mixed up most often", _confused(evaluation.confused)


def _classes(classes: Sequence[ClassScore]) -> Table:
    columns = (
        Column[ClassScore]("class", lambda each: each.label, numeric=False),
        Column[ClassScore]("images", lambda each: f"{each.support:,}"),
        Column[ClassScore]("predicted", lambda each: f"{each.predicted:,}"),
        Column[ClassScore]("precision %", lambda each: percent(each.precision, 1)),
        Column[ClassScore]("recall %", lambda each: percent(each.recall, 1)),
        Column[ClassScore]("F1 %", lambda each: percent(each.f1, 1)),
    )
    return tabulate(columns, classes)


def _confusion(evaluation: Evaluation) -> Table:
    names = [each.label for each in evaluation.classes]
    return Table(
        headers=("true", *map(short_name, names)),
        rows=tuple(
            (name, *(str(count) if count else _NOTHING for count in row))
            for name, row in zip(names, evaluation.confusion, strict=True)
        ),
        numeric=(False, *(True for _ in names)),
    )


def _confused(pairs: Sequence[Confused]) -> Table:
    columns = (
        Column[Confused]("true", lambda each: each.true, numeric=False),
        Column[Confused]("predicted", lambda each: each.predicted, numeric=False),
        Column[Confused]("images", lambda each: f"{each.images:,}"),
        Column[Confused]("% of class", lambda each: percent(each.share, 1)),
    )
    return tabulate(columns, pairs)


def mistakes_table(mistakes: Sequence[Mistake]) -> Table:
    """The surest wrong answers, for where no images can be shown."""
    columns = (
        Column[Mistake]("image", lambda each: str(each.index)),
        Column[Mistake]("true", lambda each: each.true, numeric=False),
        Column[Mistake]("predicted", lambda each: each.predicted, numeric=False),
        Column[Mistake]("confidence %", lambda each: percent(each.confidence)),
    )
    return tabulate(columns, mistakes)


def caption(mistake: Mistake) -> tuple[str, str, str]:
    """What stands below a small picture: what it is, as what it is taken, which image it is."""
    return (
        mistake.true,
        f"as {mistake.predicted}",
        f"#{mistake.index} {percent(mistake.confidence)}%",
    )
