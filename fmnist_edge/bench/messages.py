"""What the benchmark and its worker processes say to each other, as JSON through pipes."""

from dataclasses import dataclass

from fmnist_edge.result import Case, Failure, Measurement, Settings

__all__ = ["Job", "Reply"]


@dataclass(frozen=True)
class Job:
    """What one worker process is asked to do.

    Args:
        case: What to measure.
        settings: How.
        data_folder: Where the data set lies.
        classify: Whether to label all test images, too.
    """

    case: Case
    settings: Settings
    data_folder: str
    classify: bool


@dataclass(frozen=True)
class Reply:
    """What it answers: one of the two."""

    measurement: Measurement | None = None
    failure: Failure | None = None

    def __post_init__(self) -> None:
        if (self.measurement is None) == (self.failure is None):
            raise ValueError("a reply is either a measurement or a failure")
