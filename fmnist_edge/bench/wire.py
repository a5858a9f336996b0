"""The messages between the benchmark and its worker processes: JSON lines through pipes.

A worker is given a `Job`, then one `Command` after the other; it answers each with a `Reply`.
"""

import base64
import json
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.records import Record, encode
from fmnist_edge.result import Case, Failure, LoadWindow, Measurement, Settings


class DataPaths(Record):
    """The files that models are given images from; at most one of the two is set.

    Args:
        test_split: Folder of the data set; None where no model needs it.
        own_data: The user's `.npz` file; None where there is none.
    """

    test_split: str | None = None
    own_data: str | None = None


class Job(Record):
    """The task of one worker process.

    Args:
        case: What to measure.
        settings: The protocol.
        data: Where the images are.
        classify: Whether to label all images, too.
        kernel_cache: Folder for what is compiled for the device; None on the CPU.
        launched_ns: When the process was started, by the clock that all processes share.
    """

    case: Case
    settings: Settings
    data: DataPaths
    classify: bool
    kernel_cache: str | None = None
    launched_ns: int = 0


class Task(StrEnum):
    """A task that a worker carries out on command.

    Attributes:
        OPEN: Import the runtime, open the model, infer once, warm up.
        BACK_TO_BACK: One turn of calls, one after the other.
        PACED: One turn of calls at fixed times.
        COLLECT: Everything else: throughput, stages, audits, memory, labels. The reply holds the
            measurement.
        SUSTAINED_LOAD: Call back to back for the energy measurement. The reply holds the number of
            calls.
        LOAD_TURN: One turn of a load that lasts for minutes. The reply holds its windows.
    """

    OPEN = "open"
    BACK_TO_BACK = "back-to-back"
    PACED = "paced"
    COLLECT = "collect"
    SUSTAINED_LOAD = "sustained-load"
    LOAD_TURN = "load-turn"


class Command(Record):
    """One command to a worker.

    Args:
        task: What to do.
        seconds: For how long, where the task has a length.
        samples: How many samples, where the task has a count.
    """

    task: Task
    seconds: float = 0.0
    samples: int = 0


class Opened(Record):
    """What a worker tells of an opened model.

    Args:
        resident_bytes: Memory of the process; None where the system does not tell.
        call_ns: About how long a call takes.
    """

    resident_bytes: int | None
    call_ns: float


class Reply(Record):
    """The answer to a command; a failure ends the worker.

    Args:
        opened: After `OPEN`.
        measurement: After `COLLECT`.
        scores: float32[N,C] of all images, packed by `encode_scores`; after `COLLECT`, where the
            job asks for labels.
        calls: Calls made, after `SUSTAINED_LOAD`.
        windows: After `LOAD_TURN`; `at_seconds` is that of the clock that all processes share.
        failure: Why the command could not be carried out.
    """

    opened: Opened | None = None
    measurement: Measurement | None = None
    scores: str = ""
    calls: int = 0
    windows: tuple[LoadWindow, ...] = ()
    failure: Failure | None = None


def encode_line(record: Record) -> bytes:
    """Return a record as one line of JSON."""
    return json.dumps(encode(record), allow_nan=False).encode() + b"\n"


def encode_scores(scores: NDArray[np.float32]) -> str:
    """Return float32[N,C] as text."""
    return f"{scores.shape[1]}:" + base64.b64encode(scores.astype("<f4").tobytes()).decode("ascii")


def decode_scores(text: str) -> NDArray[np.float32]:
    """Return the float32[N,C] that `encode_scores` packed.

    Raises:
        ValueError: The text is something else.
    """
    classes, _, packed = text.partition(":")
    flat = np.frombuffer(base64.b64decode(packed, validate=True), "<f4")
    return flat.reshape(-1, int(classes)).astype(np.float32)
