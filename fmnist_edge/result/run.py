"""What is known of a run."""

import base64
import binascii
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.artifact import Format, Precision, display_name
from fmnist_edge.errors import ResultUnreadableError

__all__ = [
    "SCHEMA_VERSION",
    "Accuracy",
    "Case",
    "Failure",
    "Latency",
    "Measurement",
    "Memory",
    "Row",
    "Run",
    "Samples",
    "Settings",
    "Skipped",
    "Subject",
    "Throughput",
]


SCHEMA_VERSION: Final = 1


@dataclass(frozen=True)
class Samples:
    """Durations of single calls in nanoseconds, in the order they were taken.

    Args:
        count: How many.
        data: Little-endian unsigned 64-bit integers, zlib-compressed, in base64.
    """

    count: int
    data: str
    encoding: Literal["base64(zlib(uint64le))"] = "base64(zlib(uint64le))"

    @classmethod
    def pack(cls, nanoseconds: NDArray[np.uint64]) -> "Samples":
        """Pack uint64[count] nanoseconds."""
        raw = zlib.compress(nanoseconds.astype("<u8").tobytes(), level=6)
        return cls(len(nanoseconds), base64.b64encode(raw).decode("ascii"))

    def unpack(self) -> NDArray[np.uint64]:
        """The nanoseconds, uint64[count].

        Raises:
            ResultUnreadableError: the data is damaged.
        """
        size = 8 * self.count
        try:
            packed = base64.b64decode(self.data, validate=True)
            # One byte more than promised is asked for, so that a lie shows and no bomb goes off.
            stream = zlib.decompressobj()
            raw = stream.decompress(packed, size + 1)
        except (binascii.Error, ValueError, OverflowError, zlib.error) as error:
            raise ResultUnreadableError(f"The samples are damaged: {error}.") from error
        if len(raw) != size or not stream.eof or stream.unused_data:
            raise ResultUnreadableError(f"The samples are not the {self.count} they claim to be.")
        return np.frombuffer(raw, "<u8").astype(np.uint64)


@dataclass(frozen=True)
class Settings:
    """A protocol: for how long and how often each case is measured.

    Args:
        protocol: Its name.
        processes: Fresh processes per case.
        warmup_calls: Calls before the first sample that counts.
        min_samples: Samples per process at least.
        min_seconds: Time of sampling per process at least.
        max_samples: Samples per process at most; ends the sampling before `min_seconds`.
        distinct_images: Different inputs that the calls go round.
        throughput_batch: Images per call for the throughput.
        throughput_seconds: Time of the throughput measurement per process.
        limit_seconds: Time after which a process counts as hung.
        seed: Of the order of the processes.
    """

    protocol: str
    processes: int
    warmup_calls: int
    min_samples: int
    min_seconds: float
    max_samples: int
    distinct_images: int
    throughput_batch: int
    throughput_seconds: float
    limit_seconds: float
    seed: int


@dataclass(frozen=True)
class Subject:
    """The model file of a case.

    Args:
        path: As the user would type it.
        format: What kind of file; None when nothing tells.
        precision: None for a file without manifest.
        sha256: None when it could not be read.
        size_bytes: None when it could not be read.
    """

    path: str
    format: Format | None
    precision: Precision | None
    sha256: str | None
    size_bytes: int | None

    @property
    def name(self) -> str:
        """The path's last part, as people know it."""
        return display_name(Path(self.path))


@dataclass(frozen=True)
class Case:
    """One row of a benchmark: a model file, what runs it, and how."""

    subject: Subject
    runtime: str
    device: str
    threads: int
    batch: int


@dataclass(frozen=True)
class Failure:
    """Why there is no measurement.

    Args:
        kind: Name of the error class.
        message: What happened.
        hint: What to do.
    """

    kind: str
    message: str
    hint: str


@dataclass(frozen=True)
class Memory:
    """Memory of the measuring process in bytes; None where the system does not tell.

    Args:
        start: Resident, before the runtime is imported (Python, NumPy and the images).
        imported: Resident, once the runtime is imported.
        loaded: Resident, once the model is opened.
        steady: Resident, after the latency samples.
        peak: The largest resident size up to then.
    """

    start: int | None
    imported: int | None
    loaded: int | None
    steady: int | None
    peak: int | None


@dataclass(frozen=True)
class Throughput:
    """Images per second at a batch size, counted over the whole measurement; not 1/latency."""

    batch: int
    images_per_second: float


@dataclass(frozen=True)
class Measurement:
    """What one process found out.

    Args:
        samples: One call each, back to back.
        import_ns: Importing the runtime.
        load_ns: Opening the model.
        first_ns: The first inference.
        memory: Of this process.
        throughput: None where the model cannot take the batch or none was read.
        throughput_failure: Why the model cannot take the batch.
        runtime_version: What the runtime calls itself.
        used: What the session really used.
        labels: The label given to each of the 10,000 test images, one digit each; empty if this
            process was not asked for them.
    """

    samples: Samples
    import_ns: int
    load_ns: int
    first_ns: int
    memory: Memory
    throughput: Throughput | None
    throughput_failure: Failure | None
    runtime_version: str
    used: Mapping[str, str]
    labels: str


@dataclass(frozen=True)
class Latency:
    """Back-to-back latency over all processes of a case, in nanoseconds."""

    count: int
    p50: int
    p90: int
    p99: int
    mean: float
    fastest: int
    process_medians: tuple[int, ...]


@dataclass(frozen=True)
class Accuracy:
    """Top-1 accuracy on test images.

    Args:
        images: How many.
        correct: How many got their label.
    """

    images: int
    correct: int

    def __post_init__(self) -> None:
        if not 0 <= self.correct <= self.images or self.images == 0:
            raise ValueError(f"{self.correct} of {self.images} images")

    @property
    def top1(self) -> float:
        """The share that got its label, 0..1."""
        return self.correct / self.images


@dataclass(frozen=True)
class Row:
    """A case and what came of it: either statistics of the measurements, or a `failure`.

    A failed row keeps what its earlier processes measured.
    """

    case: Case
    measurements: tuple[Measurement, ...]
    latency: Latency | None
    throughput: Throughput | None
    accuracy: Accuracy | None
    failure: Failure | None


@dataclass(frozen=True)
class Skipped:
    """What was not measured although it was there, and why."""

    what: str
    reason: str
    hint: str


@dataclass(frozen=True)
class Run:
    """One results file: the host, the protocol, and every row.

    Args:
        created: ISO 8601, UTC.
        version: Of fmnist-edge.
        host: Facts about the machine, by name.
        versions: Of Python and the packages involved.
        data_sha256: Identity of the data set.
        settings: The protocol.
        rows: One per case, in the order of the plan.
        skipped: What was left out.
    """

    created: str
    version: str
    host: Mapping[str, str]
    versions: Mapping[str, str]
    data_sha256: str
    settings: Settings
    rows: tuple[Row, ...]
    skipped: tuple[Skipped, ...]
    kind: Literal["fmnist-edge run"] = "fmnist-edge run"
    schema_version: int = SCHEMA_VERSION
