"""Sensors of the GPUs that Linux drives itself: Intel's, AMD's, VideoCore and others.

Sources: Linux kernel, Documentation/gpu (amdgpu: hwmon interfaces; xe: frequency and throttle
reasons) and the attributes of i915's `gt` folder.
"""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from fmnist_edge.host.findings import Findings, Probe
from fmnist_edge.host.sensors import temperatures_of_chip
from fmnist_edge.host.small_files import glob_sorted, parse_fields, read_int, read_or_empty
from fmnist_edge.result import NVIDIA, Accelerator

# Files below a GPU's folder that hold its clock, and what one of their units is in MHz.
_CLOCKS: Final = {
    "drm/card*/gt_act_freq_mhz": 1.0,  # i915
    "tile0/gt0/freq0/act_freq": 1.0,  # xe
    "hwmon/hwmon*/freq1_input": 1e-6,  # amdgpu
}
_LIMITS: Final = (
    "drm/card*/gt/gt*/throttle_reason_*",  # i915
    "tile*/gt*/freq0/throttle/reason_*",  # xe
)
_WATTS: Final = ("hwmon/hwmon*/power1_average", "hwmon/hwmon*/power1_input")
_MICRO: Final = 1e-6


@dataclass(frozen=True)
class _Gpu:
    """The files of one GPU.

    Args:
        folder: Of the device.
        address: Its PCI address; empty where it is on no such bus.
        temperatures: File of each temperature, by name.
        clock: File with the clock.
        clock_unit_mhz: What one of its units is.
        limits: Files that tell whether a limit is in force, by its name.
        watts: File with the power in microwatts.
    """

    folder: Path
    address: str
    temperatures: Mapping[str, Path]
    clock: Path | None
    clock_unit_mhz: float
    limits: Mapping[str, Sequence[Path]]
    watts: Path | None


def drm_gpus(root: Path, drivers: AbstractSet[str]) -> Probe | None:
    """Return a probe of all GPUs with a driver of the kernel's; None where no case can be on one.

    Args:
        root: Folder in which `sys` is mounted.
        drivers: What the devices of the cases allow (`drivers_of`).
    """
    begins = tuple(drivers - {NVIDIA})
    # A display without a GPU has no render node.
    nodes = glob_sorted(root / "sys/class/drm", "renderD*") if begins else []
    own = {
        name: gpu
        for name, gpu in map(_gpu, nodes)
        if name.startswith(begins) and not name.startswith(NVIDIA)
    }
    return partial(_read_all, own) if own else None


def _gpu(node: Path) -> tuple[str, _Gpu]:
    """Return name and files of the GPU behind a render node."""
    folder = node / "device"
    event = parse_fields(read_or_empty(folder / "uevent"), "=")
    cards = [card.name for card in glob_sorted(folder, "drm/card*")]
    limits: dict[str, list[Path]] = {}
    for path in _all(folder, _LIMITS):
        limits.setdefault(path.name.rpartition("reason_")[2], []).append(path)
    limits.pop("status", None)  # whether there is any
    clock = next(iter(_all(folder, _CLOCKS)), None)
    unit = next((unit for name, unit in _CLOCKS.items() if _all(folder, [name])), 1.0)
    name = " ".join([event.get("DRIVER", "GPU"), *(cards or [node.name])[:1]])
    return name, _Gpu(
        folder,
        event.get("PCI_SLOT_NAME", ""),
        {
            label or "GPU": path
            for chip in glob_sorted(folder, "hwmon/hwmon*")
            for label, path in temperatures_of_chip("", chip)
        },
        clock,
        unit,
        limits,
        next(iter(_all(folder, _WATTS)), None),
    )


def _all(folder: Path, patterns: Iterable[str]) -> list[Path]:
    return [path for pattern in patterns for path in glob_sorted(folder, pattern)]


def _read_all(gpus: Mapping[str, _Gpu], found: Findings) -> None:
    for name, gpu in gpus.items():
        # Reading a sensor would wake a GPU that is switched off, and nothing computes on it.
        if read_or_empty(gpu.folder / "power/runtime_status") != "suspended":
            found.accelerators[name] = _read(gpu)


def _read(gpu: _Gpu) -> Accelerator:
    found = Findings()
    for name, path in gpu.temperatures.items():
        millidegrees = found.ask(f"temperature {name}", partial(read_int, path))
        if millidegrees is not None:
            found.temperatures[name] = millidegrees / 1000
    for name, paths in gpu.limits.items():
        values = [found.ask(f"throttling {name}", partial(read_int, path)) for path in paths]
        if None not in values:
            found.throttled[name] = any(values)
    if not gpu.limits:
        found.unreadable["throttling"] = "the driver has no file that tells of limits"
    clock = None if gpu.clock is None else found.ask("clock", partial(read_int, gpu.clock))
    microwatts = None if gpu.watts is None else found.ask("power", partial(read_int, gpu.watts))
    return Accelerator(
        address=gpu.address,
        temperatures_celsius=found.temperatures,
        clock_mhz=None if clock is None else clock * gpu.clock_unit_mhz,
        idle=_idle(gpu, clock),
        throttled=found.throttled,
        watts=None if microwatts is None else microwatts * _MICRO,
        unreadable=found.unreadable,
    )


def _idle(gpu: _Gpu, clock: int | None) -> bool | None:
    """Return whether the GPU has nothing to do; None where nobody tells.

    Intel's drivers tell the clock 0 of a GPU that sleeps between two pieces of work.
    """
    if clock == 0:
        return True
    busy = read_or_empty(gpu.folder / "gpu_busy_percent")  # amdgpu
    return busy == "0" if busy else None if clock is None else False
