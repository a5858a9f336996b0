"""How many labels are right, and whether a file lost any against its float reference."""

from collections.abc import Sequence
from itertools import count
from typing import Final

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.artifact import Format, Precision
from fmnist_edge.bench.evidence import Evidence
from fmnist_edge.errors import ResultUnreadableError
from fmnist_edge.result import Accuracy, AgainstReference, Interval, Predictions, Samples
from fmnist_edge.stats.classification import (
    as_probabilities,
    calibration_error,
    mcnemar_p_value,
    wilson_interval,
)

__all__ = ["accuracy", "decode_labels", "encode_labels", "predictions", "reference"]

_MOST_CLASSES: Final = 100
_MILLION: Final = 1_000_000
_ZERO: Final = ord("0")
_DIGITS: Final = 10
# Which float file speaks for a family whose parent was not measured: the first of these.
_SPOKESMEN: Final = (
    Format.KERAS,
    Format.SAVED_MODEL,
    Format.ONNX,
    Format.TFLITE,
    Format.OPENVINO,
    Format.ORT,
    Format.NPZ,
)

Labels = NDArray[np.integer]
Scores = NDArray[np.float32]


def encode_labels(labels: Labels) -> str:
    """Labels as text: one digit each, or beyond ten classes numbers, each with a space after it.

    Args:
        labels: integers[N], 0 or above.

    Raises:
        ValueError: a label is negative.
    """
    if len(labels) == 0:
        return ""
    if labels.min() < 0:
        raise ValueError(f"no label is {labels.min()}")
    if labels.max() < _DIGITS:
        return (labels + _ZERO).astype(np.uint8).tobytes().decode("ascii")
    return "".join(f"{label} " for label in labels)


def decode_labels(text: str) -> NDArray[np.int64]:
    """What `encode_labels` made of integers[N].

    Raises:
        ResultUnreadableError: the text is something else.
    """
    words = text.split() if " " in text else list(text)
    if not all(word.isascii() and word.isdigit() for word in words):
        raise ResultUnreadableError("The labels are damaged: there is something else than numbers.")
    try:
        return np.array([int(word) for word in words], np.int64)
    except (OverflowError, ValueError) as error:
        raise ResultUnreadableError(f"The labels are damaged: {error}.") from error


def predictions(scores: Scores) -> Predictions:
    """The label of each image, and how sure the model is of it.

    Args:
        scores: float32[N,C], probabilities or logits.
    """
    sure = np.clip(np.nan_to_num(as_probabilities(scores).max(axis=1)), 0, 1).astype(np.float64)
    confidence = Samples.pack(np.rint(_MILLION * sure).astype(np.uint64))
    return Predictions(encode_labels(scores.argmax(axis=1)), confidence)


def accuracy(own: Evidence, everything: Sequence[Evidence]) -> Accuracy | None:
    """Top-1 accuracy of a case, and how it compares with the float reference of the same run.

    Args:
        own: The case.
        everything: All cases of the run, in the order in which they were measured.

    Returns:
        None where the images were not classified or their labels are not known.

    Raises:
        ValueError: there are more labels or fewer than images.
    """
    if own.predictions is None or own.truth is None or len(own.truth) == 0:
        return None
    given, truth = decode_labels(own.predictions.labels), own.truth.astype(np.int64)
    if len(given) != len(truth):
        raise ValueError(f"{len(given)} images were classified and {len(truth)} have labels")
    correct = given == truth
    right = int(correct.sum())
    base = reference(own, everything)
    return Accuracy(
        images=len(truth),
        correct=right,
        interval=Interval(*wilson_interval(right, len(truth))),
        confusion=_confusion(truth, given),
        calibration_error=calibration_error(
            own.predictions.confidence.unpack() / _MILLION, correct
        ),
        against=_against(own, base) if base else None,
    )


def _confusion(truth: NDArray[np.int64], given: NDArray[np.int64]) -> tuple[tuple[int, ...], ...]:
    """Counts, row by true class and column by given class; none for very many classes."""
    classes = 1 + int(max(truth.max(), given.max()))
    if classes > _MOST_CLASSES:
        return ()
    counts = np.bincount(classes * truth + given, minlength=classes**2)
    return tuple(tuple(row) for row in counts.reshape(classes, classes).tolist())


def reference(own: Evidence, everything: Sequence[Evidence]) -> Evidence | None:
    """The float32 case that a case is compared with.

    It is the parent, or else a float32 file of the same parent; on the runtime measured first.

    Returns:
        None where there is none, or the case is that reference itself.
    """
    ranked = [
        (*_closeness(own, each), place, each)
        for place, each in zip(count(), everything)
        if _is_related(own, each) and _is_comparable(own, each)
    ]
    best = min(ranked, key=lambda entry: entry[:-1], default=None)
    return None if best is None or best[-1] is own else best[-1]


def _is_related(own: Evidence, other: Evidence) -> bool:
    parent, subject = own.case.subject.parent_sha256, other.case.subject
    related = parent is not None and parent in {subject.sha256, subject.parent_sha256}
    return related and subject.precision is Precision.FLOAT32


def _is_comparable(own: Evidence, other: Evidence) -> bool:
    """Whether the other case was measured, on the same images."""
    if own.truth is None or other.truth is None or other.failure or other.predictions is None:
        return False
    same = own.measurements[0].inputs == other.measurements[0].inputs
    return same and np.array_equal(own.truth, other.truth)


def _closeness(own: Evidence, other: Evidence) -> tuple[bool, int]:
    """The smaller the better: the parent itself, and then the formats in their order."""
    subject = other.case.subject
    stranger = subject.sha256 != own.case.subject.parent_sha256
    formats = [*_SPOKESMEN, subject.format]
    return stranger, formats.index(subject.format)


def _against(own: Evidence, base: Evidence) -> AgainstReference | None:
    said, wanted = own.predictions, base.predictions
    if said is None or wanted is None or own.truth is None:
        return None
    given, expected = decode_labels(said.labels), decode_labels(wanted.labels)
    now, before = given == own.truth, expected == own.truth
    lost, gained = int(np.sum(before & ~now)), int(np.sum(now & ~before))
    return AgainstReference(
        reference=base.case.subject.name,
        runtime=base.case.runtime,
        agreement=float(np.mean(given == expected)),
        lost=lost,
        gained=gained,
        p_value=mcnemar_p_value(lost, gained),
        largest_difference=_largest_difference(own.scores, base.scores),
    )


def _largest_difference(given: Scores | None, expected: Scores | None) -> float | None:
    """Of any class probability, 0..1; None where there are none, or of other classes."""
    if given is None or expected is None or given.shape != expected.shape or given.size == 0:
        return None
    difference = np.abs(as_probabilities(given) - as_probabilities(expected))
    # A score that is no number must not pass as "no difference".
    return float(np.nan_to_num(difference, nan=1.0, posinf=1.0).max())
