"""The record of the evaluation of one classifier on one split."""

from typing import Final, Literal

from fmnist_edge.records import Record
from fmnist_edge.result import Case, Interval

SCHEMA_VERSION: Final = 1  # 1: first

SplitName = Literal["test", "validation", "train"]


class Baseline(Record):
    """The accuracy of always predicting the most frequent class of the training split.

    Args:
        label: Name of that class; of the first one where several are equally frequent.
        accuracy: Share of the split that is of that class, 0..1.
    """

    label: str
    accuracy: float


class CalibrationBin(Record):
    """The images with a confidence in (low, high]; the first bin includes 0.

    Args:
        low: Lower end of the bin.
        high: Upper end of the bin.
        images: Number of images in the bin.
        confidence: Mean confidence of these images, 0..1; None for an empty bin.
        accuracy: Share of them with the right label, 0..1; None for an empty bin.
    """

    low: float
    high: float
    images: int
    confidence: float | None
    accuracy: float | None


class ClassScore(Record):
    """Precision and recall of one class.

    Args:
        label: Name of the class.
        support: Number of images of the class.
        predicted: Number of images that the model assigns to the class.
        precision: Share of `predicted` that is of the class, 0..1; None if `predicted` is 0.
        recall: Share of `support` that is predicted as the class, 0..1; None if `support` is 0.
        f1: Harmonic mean of the two, 2 x hits / (support + predicted); None if both are 0.
    """

    label: str
    support: int
    predicted: int
    precision: float | None
    recall: float | None
    f1: float | None


class Macro(Record):
    """Unweighted means over the classes of which the split has images.

    The precision of a class that is never predicted counts as 0.
    """

    precision: float
    recall: float
    f1: float


class Confused(Record):
    """The images of one class that are predicted as another.

    Args:
        true: Name of the true class.
        predicted: Name of the predicted class.
        images: Number of these images.
        share: Their share of all images of the true class, 0..1.
    """

    true: str
    predicted: str
    images: int
    share: float


class Mistake(Record):
    """One image that is predicted wrongly.

    Args:
        index: Index of the image in the split, counted from 0.
        true: Name of the true class.
        predicted: Name of the predicted class.
        confidence: Probability of the predicted class, 0..1.
    """

    index: int
    true: str
    predicted: str
    confidence: float


class Evaluation(Record):
    """All metrics of one classifier on one split.

    Args:
        created: Time of the evaluation, ISO 8601, UTC.
        version: Version of fmnist-edge.
        case: Model file, runtime, device, threads and batch size.
        runtime_version: Version of the runtime's library.
        data_sha256: SHA-256 of the dataset.
        split: Name of the split.
        images: Number of images of the split.
        correct: Number of images with the right label.
        accuracy: `correct` / `images`, 0..1.
        interval: Wilson's 95 % interval of the accuracy.
        baseline: Accuracy without a model.
        cross_entropy: Mean of -log p of the true class in nats. As in Keras, the probabilities of
            an image are scaled to a sum of 1, and none counts as less than 1e-7.
        calibration_error: Expected calibration error over `calibration`, 0..1.
        calibration: Bins of equal width.
        classes: Metrics of each class, in the order of the class numbers.
        macro: Means over the classes.
        confusion: Number of images by true class (row) and predicted class (column).
        confused: The pairs of classes that are confused most often, in descending order.
        mistakes: The wrong answers of the highest confidence, in descending order; ties by index.
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
