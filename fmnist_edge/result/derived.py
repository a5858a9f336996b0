"""What is computed from the measurements of a case; all of it can be computed again."""

from dataclasses import dataclass
from typing import Literal

__all__ = [
    "Accuracy",
    "AgainstReference",
    "ColdStart",
    "Interval",
    "Latency",
    "Percentile",
    "Reason",
    "RuleCheck",
    "StageTimes",
    "Verdict",
]


@dataclass(frozen=True)
class Interval:
    """A range that holds the true value with the given confidence."""

    low: float
    high: float
    confidence: float = 0.95


@dataclass(frozen=True)
class Percentile:
    """A bound that the given share of calls stays below, or why none can be given.

    Args:
        share: 0.9 for p90.
        nanoseconds: None where it is refused.
        refused: Why; empty where it is given.
    """

    share: float
    nanoseconds: float | None
    refused: str = ""


@dataclass(frozen=True)
class Latency:
    """Nanoseconds per call in one regime, over all processes of a case.

    Args:
        count: Samples.
        p50: The mean of the process medians.
        interval: Of `p50`, from the spread of the process medians; None for a single process.
        percentiles: p90, p95, p99, p99.9 over all samples, as bounds.
        mean: Over all samples.
        fastest: The smallest sample.
        slowest: The largest one.
        process_medians: In the order of the processes.
        turn_medians: Per process and turn, back to back; turn k of one case ran next to turn k of
            the others, so that two cases are compared turn by turn.
    """

    count: int
    p50: float
    interval: Interval | None
    percentiles: tuple[Percentile, ...]
    mean: float
    fastest: float
    slowest: float
    process_medians: tuple[float, ...]
    turn_medians: tuple[tuple[float, ...], ...] = ()

    def percentile(self, share: float) -> Percentile:
        """The one of that share."""
        return next(each for each in self.percentiles if each.share == share)


@dataclass(frozen=True)
class ColdStart:
    """Medians over the processes, in nanoseconds; `total` is the median of the sums."""

    start: float
    import_: float
    load: float
    first: float
    total: float


@dataclass(frozen=True)
class StageTimes:
    """From camera bytes to a label: medians over the processes' medians, in nanoseconds."""

    prepare: float
    run: float
    decode: float


@dataclass(frozen=True)
class AgainstReference:
    """A file and the float reference of the same run, on the same images.

    Args:
        reference: Name of the reference file.
        runtime: That ran the reference.
        agreement: Share of images given the same label, 0..1.
        lost: Images that only the reference labels right.
        gained: Images that only this file labels right.
        p_value: Of McNemar's exact test.
        largest_difference: Of any class probability; None where the outputs are no probabilities of
            the same classes. The one number here that needs the models to be computed again.
    """

    reference: str
    runtime: str
    agreement: float
    lost: int
    gained: int
    p_value: float
    largest_difference: float | None


@dataclass(frozen=True)
class Accuracy:
    """Top-1 accuracy.

    Args:
        images: How many.
        correct: How many got their label.
        interval: Of the share, after Wilson.
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
        """The share that got its label, 0..1."""
        return self.correct / self.images

    @property
    def recall(self) -> tuple[float | None, ...]:
        """Share of each class that was found, 0..1; None for a class without images."""
        return tuple(
            row[true] / sum(row) if sum(row) else None for true, row in enumerate(self.confusion)
        )


@dataclass(frozen=True)
class Reason:
    """Why a row is not simply to be believed.

    Args:
        code: Short, for scripts: "throttled", "few-samples".
        text: What was found, with the numbers.
        cure: What to do about it.
        level: How bad it is.
    """

    code: str
    text: str
    cure: str
    level: Literal["SUSPECT", "INVALID"]


@dataclass(frozen=True)
class Verdict:
    """May this row be believed?

    Args:
        level: The worst of its reasons, or VALID.
        reasons: All of them.
        unknown: What could not be checked, and why: neither fine nor bad.
    """

    level: Literal["VALID", "SUSPECT", "INVALID"]
    reasons: tuple[Reason, ...]
    unknown: tuple[str, ...]


@dataclass(frozen=True)
class RuleCheck:
    """Whether a row meets a named rule, and why.

    Args:
        rule: "mobile-like: at least 1,024 samples".
        met: Whether it does.
        found: What was found.
    """

    rule: str
    met: bool
    found: str
