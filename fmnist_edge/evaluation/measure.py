"""Computing an `Evaluation` from probabilities and true labels."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fmnist_edge import __version__
from fmnist_edge.artifact import utc_now
from fmnist_edge.evaluation import metrics
from fmnist_edge.evaluation.probabilities import confidences
from fmnist_edge.evaluation.record import Evaluation, SplitName
from fmnist_edge.result import Case, Interval
from fmnist_edge.session import Scores
from fmnist_edge.stats.classification import calibration_error, wilson_interval

BINS: Final = 15  # of the calibration error, as in Guo et al. 2017, arXiv 1706.04599
PAIRS: Final = 10  # of confused classes; further pairs have a few images each


@dataclass(frozen=True, eq=False)
class Answers:
    """The answers of a classifier and the true labels.

    Args:
        probabilities: float32[N,C] of 0..1, N at least 1.
        truth: integers[N], the true labels.
        train: integers[M], the labels of the training split, for the baseline.
        labels: Names of the C classes.
    """

    probabilities: Scores
    truth: NDArray[np.integer[Any]]
    train: NDArray[np.integer[Any]]
    labels: tuple[str, ...]


def evaluate(  # noqa: PLR0913 - each argument is a field of the record
    answers: Answers,
    case: Case,
    *,
    runtime_version: str,
    data_sha256: str,
    split: SplitName,
    worst: int,
) -> Evaluation:
    """Return all metrics of the answers of one classifier on one split.

    Args:
        answers: The answers and the true labels.
        case: The model, the runtime and its options.
        runtime_version: Version of the runtime's library.
        data_sha256: SHA-256 of the dataset.
        split: Name of the split.
        worst: Number of mistakes to list.
    """
    truth, labels = answers.truth, answers.labels
    given = answers.probabilities.argmax(axis=1)
    confidence = confidences(answers.probabilities)
    correct = given == truth
    right = int(correct.sum())
    counts = metrics.confusion(truth, given, len(labels))
    classes = metrics.class_scores(counts, labels)
    return Evaluation(
        created=utc_now(),
        version=__version__,
        case=case,
        runtime_version=runtime_version,
        data_sha256=data_sha256,
        split=split,
        images=len(truth),
        correct=right,
        accuracy=right / len(truth),
        interval=Interval(*wilson_interval(right, len(truth))),
        baseline=metrics.baseline(answers.train, truth, labels),
        cross_entropy=metrics.cross_entropy(answers.probabilities, truth),
        calibration_error=calibration_error(confidence, correct, BINS),
        calibration=metrics.calibration_bins(confidence, correct, BINS),
        classes=classes,
        macro=metrics.macro(classes),
        confusion=tuple(tuple(row) for row in counts.tolist()),
        confused=metrics.confused(counts, labels, PAIRS),
        mistakes=metrics.mistakes(truth, given, confidence, labels, worst),
    )
