"""Answers that two machines gave before: score files, and results of `bench`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fmnist_edge import dataset
from fmnist_edge.bench.accuracy import decode_labels
from fmnist_edge.divergence import Answers, Compared, Side, known_of, side
from fmnist_edge.errors import NotComparableError
from fmnist_edge.evaluation import class_probabilities
from fmnist_edge.result import Case, Row, Run
from fmnist_edge.score_file import ScoreFile

_MILLION: Final = 1_000_000
_UNREAD: Final = "answers"


def compare_score_files(a: ScoreFile, b: ScoreFile) -> Compared:
    """Compare what `predict --out` wrote twice.

    Raises:
        NotComparableError: They hold the scores of different images or classes.
    """
    if a.facts.images_sha256 != b.facts.images_sha256:
        raise NotComparableError(
            "The two files hold the scores of different images.",
            hint="Run predict --out on the same images both times.",
        )
    if a.facts.classes != b.facts.classes:
        raise NotComparableError(
            "The two files hold the scores of different classes.",
            hint="Compare the scores of models with the same classes.",
        )
    return Compared(
        sides=(_side_of_file(a), _side_of_file(b)),
        answers=(_answers_of_file(a), _answers_of_file(b)),
        truth=b.truth if a.truth is None else a.truth,
        names=a.facts.classes,
        source=a.facts.source,
        known=known_of(a.facts.case, b.facts.case),
        unread=_UNREAD,
    )


def _side_of_file(content: ScoreFile) -> Side:
    told = content.facts
    return side(told.case, told.runtime_version, told.used, told.host)


def _answers_of_file(content: ScoreFile) -> Answers:
    return Answers(content.labels, class_probabilities(content.scores, content.facts.scores))


def compare_results(a: Run, b: Run, data_folder: Path | None) -> tuple[Compared, ...]:
    """Compare the labels and the top scores of every file that both results measured.

    Args:
        a: The first result.
        b: The second.
        data_folder: The data set; None where its labels are not those of the images.

    Raises:
        NotComparableError: The results have no images or no answers in common.
    """
    if _data(a) != _data(b):
        raise NotComparableError(
            "The two results were measured on different images.",
            hint="Measure again with the same --data.",
        )
    pairs = tuple(_pairs(a, b))
    if not pairs:
        raise NotComparableError(
            "The two results have no labels of the same file on the same runtime.",
            hint="Measure the same files on the same runtimes, and compare the two results.",
        )
    truth = None
    if a.own_data is None and a.data_sha256 and data_folder is not None:
        truth = dataset.load_test(data_folder).labels.astype(np.int64)
    return tuple(_rows(pair, (a, b), truth) for pair in pairs)


def _data(run: Run) -> tuple[str, str]:
    return run.data_sha256, run.own_data.sha256 if run.own_data else ""


def _pairs(a: Run, b: Run) -> Iterator[tuple[Row, Row]]:
    """Yield the rows of the same file on the same runtime, the first of several ones."""
    ours, others = _labelled(a), _labelled(b)
    for key, row in ours.items():
        if key in others:
            yield row, others[key]


def _labelled(run: Run) -> dict[tuple[Any, ...], Row]:
    """Return the rows of classifiers that labelled images, by file, runtime and device."""
    found: dict[tuple[Any, ...], Row] = {}
    for row in run.rows:
        labelled = any(each.predictions is not None for each in row.measurements)
        if labelled and not row.case.subject.is_baseline:
            found.setdefault(_same(row.case), row)
    return found


def _same(case: Case) -> tuple[Any, ...]:
    return case.subject.sha256 or case.subject.path, case.runtime, case.device


def _rows(
    pair: tuple[Row, Row], runs: tuple[Run, Run], truth: NDArray[np.int64] | None
) -> Compared:
    answers = _row_answers(pair[0]), _row_answers(pair[1])
    images = len(answers[0].labels)
    if len(answers[1].labels) != images:
        raise NotComparableError(
            f"{pair[0].case.subject.name} labelled {images} images in one result and "
            f"{len(answers[1].labels)} in the other.",
            hint="Measure again with the same --accuracy-images.",
        )
    classes = 1 + max(int(each.labels.max()) for each in answers)
    own = runs[0].own_data
    return Compared(
        sides=(_side_of_row(pair[0], runs[0]), _side_of_row(pair[1], runs[1])),
        answers=answers,
        truth=truth if truth is not None and len(truth) == images else None,
        names=dataset.LABELS if classes <= len(dataset.LABELS) else tuple(map(str, range(classes))),
        source="fashion-mnist" if own is None else Path(own.path).name,
        known=known_of(pair[0].case, pair[1].case),
        unread=_UNREAD,
    )


def _side_of_row(row: Row, run: Run) -> Side:
    measured = row.measurements[0]
    return side(row.case, measured.runtime_version, measured.used, run.host)


def _row_answers(row: Row) -> Answers:
    found = next(filter(None, (each.predictions for each in row.measurements)))
    tops = found.confidence_millionths.unpack().astype(np.float64) / _MILLION
    return Answers(decode_labels(found.labels), tops.astype(np.float32)[:, None])
