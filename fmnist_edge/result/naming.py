"""What a case is called, in words."""

from collections.abc import Collection, Iterable
from typing import Final

from fmnist_edge.devices import CPU
from fmnist_edge.result.settings import Case

_DEVICE: Final = "device"
_COUNTS: Final = ("threads", "batch")


def telling(cases: Iterable[Case]) -> tuple[str, ...]:
    """Return what tells these cases apart besides file and runtime: device, threads, batch.

    The device counts wherever a case is not on the CPU, even if all are on the same one.
    """
    known = list(cases)
    device = (_DEVICE,) if any(case.device != CPU for case in known) else ()
    return (
        *device,
        *(name for name in _COUNTS if len({getattr(case, name) for case in known}) > 1),
    )


def case_name(case: Case) -> str:
    """Return the file, and what runs it, without what is usual.

    For example "a.tflite on litert webgpu, batch 64".
    """
    return f"{case.subject.name} on {how(case, unusual(case))}"


def unusual(case: Case) -> tuple[str, ...]:
    """Return what of device, threads and batch is not the CPU, one thread and one image."""
    return (*telling([case]), *(name for name in _COUNTS if getattr(case, name) != 1))


def how(case: Case, told: Collection[str]) -> str:
    """Return what runs the file: "litert webgpu, 2 threads, batch 64".

    Args:
        case: What is measured.
        told: What of device, threads and batch is told.
    """
    runner = [case.runtime, *([device_name(case)] if _DEVICE in told else [])]
    runner += [f"({case.environment})"] if case.environment else []
    threads = "1 thread" if case.threads == 1 else f"{case.threads} threads"
    counts = {"threads": threads, "batch": f"batch {case.batch}"}
    return ", ".join([" ".join(runner), *(counts[name] for name in _COUNTS if name in told)])


def device_name(case: Case) -> str:
    """Return the device, and whether it may compute in a shorter type than that of the file."""
    return f"{case.device} fast math" if case.fast_math else case.device
