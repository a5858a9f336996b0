"""Evidence that a row was computed on the device that it names."""

from typing import Literal

from fmnist_edge.devices import Account
from fmnist_edge.records import Record


class StrictOpening(Record):
    """The same model, opened so that the runtime may leave no operator to the CPU.

    Args:
        refused: Why the runtime refused that; empty where it opened.
        max_abs_difference: The largest difference of any score to the measured session; None where
            it did not open.
    """

    refused: str
    max_abs_difference: float | None


class CpuTwin(Record):
    """The same model on the same runtime by the same interface, held to the CPU.

    Args:
        refused: Why the runtime refused that; empty where it opened.
        images: Images that both computed.
        agreement: The share of them that both give the same label, 0..1.
        max_abs_difference: The largest difference of any score.
        identical: Whether all scores are the same, bit by bit.
        time_ratio: Time of a call on the device over that of a call on the CPU, from the fastest of
            alternating stretches; None where the twin did not open.
    """

    refused: str
    images: int
    agreement: float
    max_abs_difference: float
    identical: bool
    time_ratio: float | None


class KernelWitness(Record):
    """What the operating system's kernel or the driver counted for this process.

    Args:
        source: "drm" (time of the engines of a GPU, from `/proc/PID/fdinfo`), or "nvml" (memory
            that the process holds on an NVIDIA GPU).
        engine_ns: Time that the engines worked for this process during the timed calls; None where
            it is not counted.
        memory_bytes: Memory on the device that the process holds; None where it is not told.
    """

    source: Literal["drm", "nvml"]
    engine_ns: int | None
    memory_bytes: int | None


class Placement(Record):
    """The certificate of placement of one process: three witnesses.

    Args:
        account: What the runtime itself tells.
        strict: The opening that allows nothing on the CPU.
        kernel: What the kernel counted; None where it counts nothing for this device.
        twin: The same on the CPU.
    """

    account: Account
    strict: StrictOpening
    kernel: KernelWitness | None
    twin: CpuTwin
