"""Classification metrics as functions of arrays."""

from collections.abc import Sequence
from statistics import fmean
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.evaluation.record import (
    Baseline,
    CalibrationBin,
    ClassScore,
    Confused,
    Macro,
    Mistake,
)
from fmnist_edge.session import Scores

Labels = NDArray[np.integer[Any]]
Counts = NDArray[np.int64]
# Keras's lower limit of a probability, so that no image makes the mean infinite.
_SMALLEST: Final = 1e-7


def confusion(truth: Labels, given: Labels, classes: int) -> Counts:
    """Return the confusion matrix.

    Args:
        truth: integers[N], the true classes, 0 to `classes` - 1.
        given: integers[N], the predicted classes.
        classes: Number of classes.

    Returns:
        int64[classes,classes], the number of images by true class (row) and predicted class.
    """
    cells = classes * truth.astype(np.int64) + given
    return np.bincount(cells, minlength=classes**2).reshape(classes, classes)


def class_scores(counts: Counts, labels: Sequence[str]) -> tuple[ClassScore, ...]:
    """Return precision, recall and F1 of each class from a confusion matrix."""
    supports, given = counts.sum(axis=1).tolist(), counts.sum(axis=0).tolist()
    hits = np.diagonal(counts).tolist()
    return tuple(
        ClassScore(
            label=label,
            support=support,
            predicted=predicted,
            precision=_share(hit, predicted),
            recall=_share(hit, support),
            f1=_share(2 * hit, support + predicted),
        )
        for label, support, predicted, hit in zip(labels, supports, given, hits, strict=True)
    )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def macro(scores: Sequence[ClassScore]) -> Macro:
    """Return the means over the classes with images, of which there must be one."""
    seen = [each for each in scores if each.support]
    return Macro(
        precision=fmean(each.precision or 0.0 for each in seen),
        recall=fmean(each.recall or 0.0 for each in seen),
        f1=fmean(each.f1 or 0.0 for each in seen),
    )


def confused(counts: Counts, labels: Sequence[str], most: int) -> tuple[Confused, ...]:
    """Return the `most` pairs of classes confused most often; ties in the order of classes."""
    wrong = counts.copy()
    np.fill_diagonal(wrong, 0)
    # A stable sort of the flattened matrix keeps ties in the order of rows and columns.
    order = np.argsort(-wrong, axis=None, kind="stable")[:most]
    pairs = [divmod(int(cell), len(labels)) for cell in order if wrong.flat[cell]]
    supports = counts.sum(axis=1)
    return tuple(
        Confused(
            true=labels[true],
            predicted=labels[predicted],
            images=int(wrong[true, predicted]),
            share=float(wrong[true, predicted] / supports[true]),
        )
        for true, predicted in pairs
    )


def cross_entropy(probabilities: Scores, truth: Labels) -> float:
    """Return the mean of -log p of the true class in nats.

    As in Keras, the probabilities of an image are first scaled to a sum of 1, and none counts as
    less than 1e-7.

    Args:
        probabilities: float32[N,C] of 0..1, N at least 1.
        truth: integers[N], the true classes.
    """
    exact = probabilities.astype(np.float64)
    sums = np.maximum(exact.sum(axis=1), _SMALLEST)
    chosen = exact[np.arange(len(truth)), truth] / sums
    # + 0.0 turns -0.0 into 0.0.
    return float(-np.log(np.clip(chosen, _SMALLEST, 1)).mean()) + 0.0


def calibration_bins(
    confidence: NDArray[np.float64], correct: NDArray[np.bool_], bins: int
) -> tuple[CalibrationBin, ...]:
    """Return the bins of a reliability diagram, which `calibration_error` sums up.

    Args:
        confidence: float64[N] in 0..1.
        correct: bool[N].
        bins: Number of bins, of equal width.
    """
    index = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    images = np.bincount(index, minlength=bins).tolist()
    sure = np.bincount(index, weights=confidence, minlength=bins).tolist()
    right = np.bincount(index, weights=correct, minlength=bins).tolist()
    return tuple(
        CalibrationBin(
            low=place / bins,
            high=(place + 1) / bins,
            images=count,
            confidence=sure[place] / count if count else None,
            accuracy=right[place] / count if count else None,
        )
        for place, count in enumerate(images)
    )


def mistakes(
    truth: Labels,
    given: Labels,
    confidence: NDArray[np.float64],
    labels: Sequence[str],
    most: int,
) -> tuple[Mistake, ...]:
    """Return the `most` wrong answers of the highest confidence; ties in the order of the split."""
    wrong = np.flatnonzero(truth != given)
    ranked = wrong[np.argsort(-confidence[wrong], kind="stable")[:most]]
    return tuple(
        Mistake(
            index=int(place),
            true=labels[truth[place]],
            predicted=labels[given[place]],
            confidence=float(confidence[place]),
        )
        for place in ranked
    )


def baseline(train: Labels, truth: Labels, labels: Sequence[str]) -> Baseline:
    """Return the accuracy of always predicting the most frequent class of the training split.

    Args:
        train: integers[M], the labels of the training split.
        truth: integers[N], the labels of the evaluated split.
        labels: Names of the classes.
    """
    majority = int(np.bincount(train, minlength=len(labels)).argmax())
    return Baseline(labels[majority], float((truth == majority).mean()))
