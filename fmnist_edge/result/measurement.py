"""What one measuring process reports: raw samples, memory, and what it really used."""

from collections.abc import Mapping
from typing import Literal

from fmnist_edge.records import Record
from fmnist_edge.result.placement import Placement
from fmnist_edge.result.samples import Samples


class Failure(Record):
    """The reason why there is no measurement.

    Args:
        kind: Name of the error class.
        message: What happened, in one sentence.
        hint: What to do about it; may be empty.
    """

    kind: str
    message: str
    hint: str


class Inputs(Record):
    """The images that the model was given.

    Args:
        source: "fashion-mnist" (the test images), "file" (the user's), or "synthetic" (noise).
        images: How many there were.
        labelled: Whether their labels are known, so that there is an accuracy.
    """

    source: Literal["fashion-mnist", "file", "synthetic"]
    images: int
    labelled: bool


class Cold(Record):
    """A cold start, from nothing to the first answer, part by part.

    Args:
        process_start_ns: Starting the process: the interpreter, NumPy and the harness.
        import_ns: Importing the runtime.
        load_ns: Opening the model.
        first_call_ns: The first inference.
    """

    process_start_ns: int
    import_ns: int
    load_ns: int
    first_call_ns: int

    @property
    def total_ns(self) -> int:
        """All parts together; reading the images is none of them."""
        return self.process_start_ns + self.import_ns + self.load_ns + self.first_call_ns


class CpuUse(Record):
    """CPU time during the turns of one regime.

    It is read just before and just after each turn. A field is None where the system does not tell.
    The kernel counts in ticks, so that a sum over few turns may be slightly below zero.

    Args:
        wall_ns: Time that the turns took.
        own_ns: CPU time of the measuring process.
        others_ns: CPU time of all other processes, the kernel's work for them included.
        stolen_ns: Time that a hypervisor gave to other machines.
        preemptions: How often the system took the CPU away from the measuring process.
        cpus: CPUs that `others_ns` and `stolen_ns` are counted over.
    """

    wall_ns: int
    own_ns: int | None
    others_ns: int | None
    stolen_ns: int | None
    preemptions: int | None
    cpus: int | None = None


class BackToBack(Record):
    """Calls one after the other, in turns with other processes.

    Args:
        warmup_ns: Duration of each call before the first turn; no statistic uses them.
        sample_ns: Duration of each sample, in order.
        calls_per_sample: 1, or more where one call is too short for the clock.
        kept_every: 1, or n where each n-th sample was kept.
        calls: Calls made in all turns.
        busy_ns: Time that all turns took, everything between the calls included.
        turn_samples: Samples per turn, in order.
        clock_ns: Time that two readings of the clock take; it is part of each sample.
        cpu: CPU time during the turns; None where nothing was read.
    """

    warmup_ns: Samples
    sample_ns: Samples
    calls_per_sample: int
    kept_every: int
    calls: int
    busy_ns: int
    turn_samples: tuple[int, ...]
    clock_ns: float
    cpu: CpuUse | None


class Paced(Record):
    """Calls at fixed times, as a camera makes them.

    Args:
        rate_hz: Arrivals per second.
        response_ns: Time from the scheduled start to the answer, of each call.
        service_ns: Duration of the call alone.
        cpu: CPU time during the turns; None where nothing was read.
    """

    rate_hz: float
    response_ns: Samples
    service_ns: Samples
    cpu: CpuUse | None


class Stages(Record):
    """Durations of the steps from camera bytes to a label, one sample per pass.

    Args:
        prepare_ns: Bytes to the input tensor.
        run_ns: Inference.
        decode_ns: Raw output to scores, and the largest of them.
    """

    prepare_ns: Samples
    run_ns: Samples
    decode_ns: Samples


class Audit(Record):
    """Evidence that the timed calls did the real work.

    Args:
        compared: Answers of timed calls that were compared with those of the accuracy run.
        max_abs_difference: The largest difference of any score between the two.
        repeat_ratio: Time of calls on varied inputs over that of calls on one input, from the
            fastest of alternating stretches; well above 1 shows a cache. None where it was not
            tried.
    """

    compared: int
    max_abs_difference: float
    repeat_ratio: float | None


class Memory(Record):
    """Resident memory of the measuring process; None where the system does not tell.

    Args:
        start_bytes: Before the runtime is imported (Python, NumPy and the images).
        imported_bytes: Once the runtime is imported.
        loaded_bytes: Once the model is opened.
        steady_bytes: After the latency samples.
        peak_bytes: The largest resident size up to then.
    """

    start_bytes: int | None
    imported_bytes: int | None
    loaded_bytes: int | None
    steady_bytes: int | None
    peak_bytes: int | None


class Footprint(Record):
    """Threads and CPUs that the process really had; None where the system does not tell.

    Args:
        threads: Threads of the process after the latency samples, Python's included.
        cpus: CPUs that it was allowed to use.
    """

    threads: int | None
    cpus: tuple[int, ...] | None


class Throughput(Record):
    """Images per second at a batch size, counted over the whole measurement; not 1/latency.

    Args:
        batch: Images per call.
        images_per_second: Images over the time of all calls.
    """

    batch: int
    images_per_second: float


class Predictions(Record):
    """The model's answer to every image.

    Args:
        labels: The class of the highest score of each image, one digit each; for more than ten
            classes, numbers with a space after each.
        confidence_millionths: That score as a probability in millionths, one per image.
    """

    labels: str
    confidence_millionths: Samples


class Readback(Record):
    """Evidence that an answer is there when the call returns, on every runtime.

    Args:
        calls: Calls after which the answer was read twice, at once and some time later.
        changed: Calls whose answer had changed in between.
        wait_ns: Time that the shortest first reading took beyond a usual second one.
    """

    calls: int
    changed: int
    wait_ns: float


class Copies(Record):
    """A call with arrays of the host, and one whose input and output stay on the device.

    Args:
        host_ns: Median time of a call that copies the input to the device and the answer back.
        device_ns: Median time of a call without these copies.
    """

    host_ns: float
    device_ns: float


class KernelCache(Record):
    """The folder in which a runtime keeps what it compiles for a device.

    Args:
        before_bytes: Its size when the process started; 0 means that all had to be compiled.
        after_bytes: Its size at the end; 0 means that nothing is kept there.
    """

    before_bytes: int
    after_bytes: int


class Measurement(Record):
    """Everything that one measuring process reports.

    Args:
        inputs: The images that the model was given.
        cold: From nothing to the first answer.
        back_to_back: Calls one after the other.
        paced: Calls at fixed times; None where the protocol leaves them out.
        stages: From image to label; None where the inputs are no images.
        audit: Evidence that the timed calls did the real work.
        memory: Of this process.
        footprint: Threads and CPUs of this process.
        throughput: None where the model cannot take the batch or none was read.
        throughput_failure: Why the model cannot take the batch.
        runtime_version: The version that the runtime reports.
        used: What the session really used.
        predictions: Of all images; None if this process was not asked for them.
        readback: Whether answers are there when calls return; None where it was not tried.
        placement: Where the model ran; None on the CPU.
        copies: Copies to and from the device; None on the CPU, and where the runtime cannot leave
            them out.
        kernel_cache: What the device's compiler kept; None on the CPU.
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
    readback: Readback | None = None
    placement: Placement | None = None
    copies: Copies | None = None
    kernel_cache: KernelCache | None = None
