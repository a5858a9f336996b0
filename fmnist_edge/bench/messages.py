"""What the benchmark and its worker processes say to each other: JSON lines through pipes.

A worker is given a `Job`, then one `Order` after the other; it answers each with a `Reply`.
"""

from dataclasses import dataclass
from enum import StrEnum

from fmnist_edge.result import Case, Failure, Measurement, Settings

__all__ = ["Job", "Order", "Reply", "Task"]


@dataclass(frozen=True)
class Job:
    """What one worker process is there for.

    Args:
        case: What to measure.
        settings: How.
        data_folder: Where the data set lies; None where nothing needs it.
        own_data: An `.npz` file with the user's images; None for none.
        classify: Whether to label all images, too.
        launched_ns: When the process was started, by the clock that all processes share.
    """

    case: Case
    settings: Settings
    data_folder: str | None
    own_data: str | None
    classify: bool
    launched_ns: int = 0


class Task(StrEnum):
    """What a worker can be told to do.

    Attributes:
        OPEN: Import the runtime, open the model, infer once, warm up.
        BACK_TO_BACK: One turn of calls, one after the other.
        PACED: One turn of calls at fixed times.
        REST: All else: throughput, stages, audits, memory, labels. The reply holds the measurement.
        STRESS: Call back to back for the energy measurement. The reply tells how many calls.
    """

    OPEN = "open"
    BACK_TO_BACK = "back-to-back"
    PACED = "paced"
    REST = "rest"
    STRESS = "stress"


@dataclass(frozen=True)
class Order:
    """One thing to do.

    Args:
        task: What.
        seconds: For how long, where the task has a length.
        samples: How many, where the task has a count.
    """

    task: Task
    seconds: float = 0.0
    samples: int = 0


@dataclass(frozen=True)
class Reply:
    """What came of an order; a failure ends the worker.

    Args:
        measurement: After `REST`.
        scores: float32[N,C] of all images, packed by `encode_scores`; after `REST`, where they were
            asked for.
        calls: Calls made, after `STRESS`.
        failure: Why the order could not be carried out.
    """

    measurement: Measurement | None = None
    scores: str = ""
    calls: int = 0
    failure: Failure | None = None
