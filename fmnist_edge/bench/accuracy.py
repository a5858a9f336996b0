"""The accuracy of a case, and its comparison with the float reference of the same run."""

from collections.abc import Sequence
from itertools import count
from typing import Final

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.artifact import Format, Precision
from fmnist_edge.bench.case_data import CaseData
from fmnist_edge.devices import CPU
from fmnist_edge.errors import ResultUnreadableError
from fmnist_edge.result import Accuracy, AgainstReference, Interval, Predictions, Samples
from fmnist_edge.stats.classification import (
    as_probabilities,
    calibration_error,
    mcnemar_p_value,
    wilson_interval,
)

_MOST_CLASSES: Final = 100
_MILLION: Final = 1_000_000
_ZERO: Final = ord("0")
_DIGITS: Final = 10
# Where the parent was not measured, the float file of the first of these formats is the reference.
_REFERENCE_ORDER: Final = (
    Format.KERAS,
    Format.SAVED_MODEL,
    Format.ONNX,
    Format.TFLITE,
    Format.OPENVINO,
    Format.ORT,
    Format.NCNN,
    Format.NPZ,
)

Labels = NDArray[np.integer]
Scores = NDArray[np.float32]


def encode_labels(labels: Labels) -> str:
    """Return labels as text: one digit each; beyond ten classes, numbers with a space after each.

    Args:
        labels: integers[N], 0 or above.

    Raises:
        ValueError: A label is negative.
    """
    if len(labels) == 0:
        return ""
    if labels.min() < 0:
        raise ValueError(f"no label is {labels.min()}")
    if labels.max() < _DIGITS:
        return (labels + _ZERO).astype(np.uint8).tobytes().decode("ascii")
    return "".join(f"{label} " for label in labels)


def decode_labels(text: str) -> NDArray[np.int64]:
    """Return the int64[N] that `encode_labels` made text of.

    Raises:
        ResultUnreadableError: The text is something else.
    """
    words = text.split() if " " in text else list(text)
    if not all(word.isascii() and word.isdigit() for word in words):
        raise ResultUnreadableError(
            "The labels are damaged: they hold something else than numbers."
        )
    try:
        return np.array([int(word) for word in words], np.int64)
    except (OverflowError, ValueError) as error:
        raise ResultUnreadableError(f"The labels are damaged: {error}.") from error


def predictions(scores: Scores) -> Predictions:
    """Return the label of each image and its confidence.

    Args:
        scores: float32[N,C], probabilities or logits.
    """
    confidence = np.clip(np.nan_to_num(as_probabilities(scores).max(axis=1)), 0, 1).astype(
        np.float64
    )
    millionths = Samples.pack(np.rint(_MILLION * confidence).astype(np.uint64))
    return Predictions(encode_labels(scores.argmax(axis=1)), millionths)


def accuracy(own: CaseData, everything: Sequence[CaseData]) -> Accuracy | None:
    """Return the top-1 accuracy of a case, compared with the float reference of the same run.

    Args:
        own: The case.
        everything: All cases of the run, in the order in which they were measured.

    Returns:
        None where the images were not classified or their labels are not known.

    Raises:
        ValueError: The number of labels is not that of the images.
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
            own.predictions.confidence_millionths.unpack() / _MILLION, correct
        ),
        against=_against(own, base) if base else None,
    )


def _confusion(truth: NDArray[np.int64], given: NDArray[np.int64]) -> tuple[tuple[int, ...], ...]:
    """Return counts, row by true class and column by given class; none beyond 100 classes."""
    classes = 1 + int(max(truth.max(), given.max()))
    if classes > _MOST_CLASSES:
        return ()
    counts = np.bincount(classes * truth + given, minlength=classes**2)
    return tuple(tuple(row) for row in counts.reshape(classes, classes).tolist())


def reference(own: CaseData, everything: Sequence[CaseData]) -> CaseData | None:
    """Return the float32 case that a case is compared with.

    It is the parent, or else a float32 file of the same parent, on the CPU where it was measured
    there, and on the runtime measured first.

    Returns:
        None where there is none, or where the case is that reference itself.
    """
    ranked = [
        (*_closeness(own, each), place, each)
        for place, each in zip(count(), everything)
        if _is_related(own, each) and _is_comparable(own, each)
    ]
    best = min(ranked, key=lambda entry: entry[:-1], default=None)
    return None if best is None or best[-1] is own else best[-1]


def _is_related(own: CaseData, other: CaseData) -> bool:
    parent, subject = own.case.subject.parent_sha256, other.case.subject
    related = parent is not None and parent in {subject.sha256, subject.parent_sha256}
    return related and subject.precision is Precision.FLOAT32


def _is_comparable(own: CaseData, other: CaseData) -> bool:
    """Return whether the other case was measured, on the same images."""
    if own.truth is None or other.truth is None or other.failure or other.predictions is None:
        return False
    same = own.measurements[0].inputs == other.measurements[0].inputs
    return same and np.array_equal(own.truth, other.truth)


def _closeness(own: CaseData, other: CaseData) -> tuple[bool, int, bool]:
    """Return a key that sorts the parent itself first, then the formats in their order, then CPUs.

    Other devices may compute a float32 file in a shorter type.
    """
    subject = other.case.subject
    is_not_parent = subject.sha256 != own.case.subject.parent_sha256
    formats = [*_REFERENCE_ORDER, subject.format]
    return is_not_parent, formats.index(subject.format), other.case.device != CPU


def _against(own: CaseData, base: CaseData) -> AgainstReference | None:
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
        max_abs_difference=_max_abs_difference(own.scores, base.scores),
    )


def _max_abs_difference(given: Scores | None, expected: Scores | None) -> float | None:
    """Return the largest difference of any class probability, 0..1; None where none is defined."""
    if given is None or expected is None or given.shape != expected.shape or given.size == 0:
        return None
    difference = np.abs(as_probabilities(given) - as_probabilities(expected))
    # A score that is NaN must not count as "no difference".
    return float(np.nan_to_num(difference, nan=1.0, posinf=1.0).max())
