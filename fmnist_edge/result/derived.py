"""What is computed from the measurements of a case; all of it can be computed again."""

from collections.abc import Mapping
from typing import Final, Literal, get_args

import msgspec

from fmnist_edge.records import Record

Level = Literal["VALID", "SUSPECT", "INVALID"]
LEVELS: Final[tuple[Level, ...]] = ("VALID", "SUSPECT", "INVALID")
Figure = Literal[
    "ratio",
    "p50",
    "p90",
    "p95",
    "p99",
    "p99.9",
    "paced-p50",
    "paced-p90",
    "throughput",
    "cold",
    "memory",
    "accuracy",
    "energy",
]
"""The figures of a row that a reader may or may not believe, each for reasons of its own.

`ratio` is the row's rank and its times relative to other rows of the same run; `p50` to `p99.9` are
back-to-back latencies as numbers for this machine; `paced-*` are the same at fixed arrivals.
"""
Value = str | int | float
Values = Mapping[str, Value]
"""Numbers and names that a sentence is made of; the names carry units (`limit_celsius`)."""


class Interval(Record):
    """A range that holds the true value with the given confidence.

    Args:
        low: The lower end, in the unit of the value.
        high: The upper end.
        confidence: How often such ranges hold the true value, 0..1.
    """

    low: float
    high: float
    confidence: float = 0.95


class Percentile(Record):
    """A bound that the given share of calls stays below, or why none can be given.

    Args:
        share: 0.9 for p90.
        bound_ns: None where it is refused.
        refusal: Why it is refused: there are fewer samples than `samples_needed`, or each sample is
            the mean of several calls, which hides the slow ones.
        samples_needed: The fewest samples for a bound.
    """

    share: float
    bound_ns: float | None
    refusal: Literal["too-few-samples", "samples-are-means"] | None = None
    samples_needed: int | None = None


class Latency(Record):
    """Latency per call in one regime, over all processes of a case.

    Args:
        samples: How many there are.
        p50_ns: The mean of the process medians.
        p50_interval_ns: Interval of `p50_ns`, from the spread of the process medians; None for a
            single process.
        percentiles: p90, p95, p99, p99.9 over all samples, as bounds.
        mean_ns: Mean over all samples.
        min_ns: The smallest sample.
        max_ns: The largest sample.
        process_p50_ns: The median of each process, in the order of the processes.
        turn_p50_ns: The median of each turn, per process, back to back; turn k of one case ran next
            to turn k of the others, so that two cases are compared turn by turn.
    """

    samples: int
    p50_ns: float
    p50_interval_ns: Interval | None
    percentiles: tuple[Percentile, ...]
    mean_ns: float
    min_ns: float
    max_ns: float
    process_p50_ns: tuple[float, ...]
    turn_p50_ns: tuple[tuple[float, ...], ...] = ()

    def percentile(self, share: float) -> Percentile:
        """Return the percentile of that share."""
        return next(each for each in self.percentiles if each.share == share)


class ColdStart(Record):
    """A cold start: medians over the processes.

    Args:
        process_start_ns: Starting the process: the interpreter, NumPy and the harness.
        import_ns: Importing the runtime.
        load_ns: Opening the model.
        first_call_ns: The first inference.
        total_ns: The median of the sums of all four.
    """

    process_start_ns: float
    import_ns: float
    load_ns: float
    first_call_ns: float
    total_ns: float


class StageTimes(Record):
    """Steps from camera bytes to a label: medians over the processes' medians.

    Args:
        prepare_ns: Bytes to the input tensor.
        run_ns: Inference.
        decode_ns: Raw output to scores, and the largest of them.
    """

    prepare_ns: float
    run_ns: float
    decode_ns: float


class AgainstReference(Record):
    """A file and the float reference of the same run, on the same images.

    Args:
        reference: Name of the reference file.
        runtime: The runtime that ran the reference.
        agreement: Share of images given the same label, 0..1.
        lost: Images that only the reference labels right.
        gained: Images that only this file labels right.
        p_value: Of McNemar's exact test.
        max_abs_difference: The largest difference of any class probability; None where the outputs
            are no probabilities of the same classes. The one number here that needs the models to
            be computed again.
    """

    reference: str
    runtime: str
    agreement: float
    lost: int
    gained: int
    p_value: float
    max_abs_difference: float | None


class Accuracy(Record):
    """Top-1 accuracy.

    Args:
        images: How many images there were.
        correct: How many of them got their label.
        interval: Wilson's interval of the share.
        confusion: Row by true class, column by given class: counts; empty beyond 100 classes.
        calibration_error: Expected calibration error, 0..1: how far confidence and accuracy lie
            apart, over 15 bins.
        against: Compared with the float reference; None for the reference itself, or without one.
    """

    images: int
    correct: int
    interval: Interval
    confusion: tuple[tuple[int, ...], ...]
    calibration_error: float
    against: AgainstReference | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.correct <= self.images or self.images == 0:
            raise ValueError(f"{self.correct} of {self.images} images")
        if any(len(row) != len(self.confusion) for row in self.confusion):
            raise ValueError("a confusion matrix that is not square")

    @property
    def top1(self) -> float:
        """The share of images that got its label, 0..1."""
        return self.correct / self.images

    @property
    def recall(self) -> tuple[float | None, ...]:
        """The share of each class that was found, 0..1; None for a class without images."""
        return tuple(
            row[true] / sum(row) if sum(row) else None for true, row in enumerate(self.confusion)
        )


class Reason(Record):
    """One reason not to believe some of a row's figures.

    Args:
        code: What was found, for scripts: "throttled" (`codes.REASONS` has all of them).
        level: How bad it is.
        figures: The figures that it spoils.
        values: What was found, and the limit that it was held against.
    """

    code: str
    level: Literal["SUSPECT", "INVALID"]
    figures: tuple[Figure, ...]
    values: Values = msgspec.field(default_factory=dict)

    @property
    def spoils_all(self) -> bool:
        """Whether no figure of the row may be believed, as where the row ran elsewhere."""
        return set(self.figures) == set(get_args(Figure))


class NotChecked(Record):
    """Something that could not be checked, which is neither fine nor bad.

    Args:
        code: What could not be checked (`codes.NOT_CHECKED`).
        values: Why, and for what.
    """

    code: str
    values: Values = msgspec.field(default_factory=dict)


class Remark(Record):
    """Something that a reader should know before comparing a row with another.

    Args:
        code: What it is (`codes.REMARKS`).
        values: The numbers that belong to it.
    """

    code: str
    values: Values = msgspec.field(default_factory=dict)


class RuleCheck(Record):
    """Whether a row meets one rule of a named protocol.

    Args:
        protocol: "mobile-like".
        rule: What is asked for (`codes.RULES`).
        met: Whether the row meets it.
        values: What was found, and what is needed.
    """

    protocol: str
    rule: str
    met: bool
    values: Values = msgspec.field(default_factory=dict)
