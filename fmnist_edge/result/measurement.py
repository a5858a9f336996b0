"""What one measuring process found out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from fmnist_edge.result.samples import Samples

__all__ = [
    "Audit",
    "BackToBack",
    "Cold",
    "Failure",
    "Footprint",
    "Inputs",
    "Measurement",
    "Memory",
    "Paced",
    "Predictions",
    "Stages",
    "Throughput",
]


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
class Inputs:
    """What the model was fed.

    Args:
        source: "fashion-mnist" (the test images), "file" (the user's), or "synthetic" (noise).
        images: How many there were.
        labelled: Whether their labels are known, so that there is an accuracy.
    """

    source: Literal["fashion-mnist", "file", "synthetic"]
    images: int
    labelled: bool


@dataclass(frozen=True)
class Cold:
    """From nothing to the first answer, in nanoseconds, each part on its own.

    Args:
        start: Starting the process: the interpreter, NumPy and the harness.
        import_: Importing the runtime.
        load: Opening the model.
        first: The first inference.
    """

    start: int
    import_: int
    load: int
    first: int

    @property
    def total(self) -> int:
        """All parts together; reading the images is none of them."""
        return self.start + self.import_ + self.load + self.first


@dataclass(frozen=True)
class BackToBack:
    """Calls one after the other, in turns with other processes.

    Args:
        warmups: Nanoseconds of the calls before the first turn; no statistic uses them.
        samples: Nanoseconds per sample, in order.
        calls_per_sample: 1, or more where one call is too short for the clock.
        kept_every: 1, or n where each n-th sample was kept.
        calls: Calls made in all turns.
        busy_ns: Time that all turns took, everything between the calls included.
        turns: Samples per turn, in order.
        clock_ns: What reading the clock twice takes; part of each sample.
    """

    warmups: Samples
    samples: Samples
    calls_per_sample: int
    kept_every: int
    calls: int
    busy_ns: int
    turns: tuple[int, ...]
    clock_ns: float


@dataclass(frozen=True)
class Paced:
    """Calls at fixed times, as a camera makes them.

    Args:
        rate_hz: Arrivals per second.
        response: Nanoseconds from the scheduled time to the answer.
        service: Nanoseconds of the call alone.
    """

    rate_hz: float
    response: Samples
    service: Samples


@dataclass(frozen=True)
class Stages:
    """From camera bytes to a label, in nanoseconds per pass: three samples each.

    Args:
        prepare: Bytes to the input tensor.
        run: Inference.
        decode: Raw output to scores, and the largest of them.
    """

    prepare: Samples
    run: Samples
    decode: Samples


@dataclass(frozen=True)
class Audit:
    """Was what was timed the real thing?

    Args:
        compared: Answers taken while the clock ran, and compared with those of the accuracy run.
        largest_difference: Of any score between the two.
        repeat_ratio: Time of calls on varied inputs over that of calls on one input, from the
            fastest of alternating stretches; well above 1 tells of a cache. None where it was not
            tried.
    """

    compared: int
    largest_difference: float
    repeat_ratio: float | None


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
class Footprint:
    """What the process really had, as the system tells; None where it does not.

    Args:
        threads: Threads of the process after the latency samples, Python's included.
        cpus: CPUs that it was allowed to use.
        preempted: Times that the system took the CPU away during the back-to-back turns.
    """

    threads: int | None
    cpus: tuple[int, ...] | None
    preempted: int | None


@dataclass(frozen=True)
class Throughput:
    """Images per second at a batch size, counted over the whole measurement; not 1/latency."""

    batch: int
    images_per_second: float


@dataclass(frozen=True)
class Predictions:
    """What the model said about every image.

    Args:
        labels: The class of the highest score of each image, one digit each; for more than ten
            classes, numbers with a space after each.
        confidence: That score as a probability in millionths, one per image.
    """

    labels: str
    confidence: Samples


@dataclass(frozen=True)
class Measurement:
    """What one process found out.

    Args:
        inputs: What the model was fed.
        cold: From nothing to the first answer.
        back_to_back: Calls one after the other.
        paced: Calls at fixed times; None where the protocol leaves them out.
        stages: From image to label; None where the inputs are no images.
        audit: Was what was timed the real thing?
        memory: Of this process.
        footprint: Threads and CPUs of this process.
        throughput: None where the model cannot take the batch or none was read.
        throughput_failure: Why the model cannot take the batch.
        runtime_version: What the runtime calls itself.
        used: What the session really used.
        predictions: Of all images; None if this process was not asked for them.
    """

    inputs: Inputs
    cold: Cold
    back_to_back: BackToBack
    paced: Paced | None
    stages: Stages | None
    audit: Audit
    memory: Memory
    footprint: Footprint
    throughput: Throughput | None
    throughput_failure: Failure | None
    runtime_version: str
    used: Mapping[str, str]
    predictions: Predictions | None = None
