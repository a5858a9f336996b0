"""What is known of a classifier once it has labelled a split."""

from typing import Final, Literal

from fmnist_edge.records import Record
from fmnist_edge.result import Case, Interval

SCHEMA_VERSION: Final = 1  # 1: first

SplitName = Literal["test", "validation", "train"]


class Baseline(Record):
    """What needs no model: answering the commonest class of train, whatever the image.

    Args:
        label: That class; the first of them where several are as common.
        accuracy: The share of the split that is of that class, 0..1.
    """

    label: str
    accuracy: float


class CalibrationBin(Record):
    """The images whose confidence lies in (low, high]; the first bin has 0, too.

    Args:
        low: Lower end of the bin.
        high: Upper end of the bin.
        images: How many fall into it.
        confidence: Their mean confidence; None for an empty bin.
        accuracy: The share of them that is labelled right; None for an empty bin.
    """

    low: float
    high: float
    images: int
    confidence: float | None
    accuracy: float | None


class ClassScore(Record):
    """How well one class is found.

    Args:
        label: Its name.
        support: Images that are of it.
        predicted: Images that were given its label.
        precision: Share of `predicted` that is of the class; None where none was given its label.
        recall: Share of `support` that was given its label; None where there is no such image.
        f1: Harmonic mean of the two, 2 x hits / (support + predicted); None where both are 0.
    """

    label: str
    support: int
    predicted: int
    precision: float | None
    recall: float | None
    f1: float | None


class Macro(Record):
    """Means over the classes that the split has images of, each class counting the same.

    A precision that is unknown, because a class was never given, counts as 0.
    """

    precision: float
    recall: float
    f1: float


class Confused(Record):
    """Two classes of which the first is taken for the second.

    Args:
        true: What the images are.
        predicted: What they are taken for.
        images: How many.
        share: Of all images of the true class, 0..1.
    """

    true: str
    predicted: str
    images: int
    share: float


class Mistake(Record):
    """One image with a wrong label.

    Args:
        index: Its place in the split, counted from 0.
        true: What it is.
        predicted: What it is taken for.
        confidence: The probability of the predicted class, 0..1.
    """

    index: int
    true: str
    predicted: str
    confidence: float


class Evaluation(Record):
    """One classifier on one split.

    Args:
        created: ISO 8601, UTC.
        version: Of fmnist-edge.
        case: Model file, runtime, device, threads, batch.
        runtime_version: Of the runtime's library.
        data_sha256: Identity of the data set.
        split: Which part of it.
        images: How many images it has.
        correct: How many of them are labelled right.
        accuracy: `correct` / `images`, 0..1.
        interval: Of the accuracy, Wilson's.
        baseline: What needs no model.
        cross_entropy: Mean of -log p of the true class, in nats. As in Keras, the probabilities of
            an image are made to sum up to 1, and none counts as less than 1e-7.
        calibration_error: Expected calibration error over `calibration`, 0..1.
        calibration: Bins of equal width.
        classes: In the order of their numbers.
        macro: Means over the classes.
        confusion: Images, row by true class and column by predicted class.
        confused: The pairs of classes that are mixed up most often, the worst one first.
        mistakes: The surest wrong answers: by confidence, and by index where that is the same.
    """

    created: str
    version: str
    case: Case
    runtime_version: str
    data_sha256: str
    split: SplitName
    images: int
    correct: int
    accuracy: float
    interval: Interval
    baseline: Baseline
    cross_entropy: float
    calibration_error: float
    calibration: tuple[CalibrationBin, ...]
    classes: tuple[ClassScore, ...]
    macro: Macro
    confusion: tuple[tuple[int, ...], ...]
    confused: tuple[Confused, ...]
    mistakes: tuple[Mistake, ...]
    kind: Literal["fmnist-edge evaluation"] = "fmnist-edge evaluation"
    schema_version: int = SCHEMA_VERSION
