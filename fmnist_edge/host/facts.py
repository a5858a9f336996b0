"""Facts about the machine that a number needs beside it."""

import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from fmnist_edge.host.cpu import cores_of, features_of, has_hypervisor
from fmnist_edge.host.nvidia import gpu_names
from fmnist_edge.host.power_supply import PowerSupplies
from fmnist_edge.host.programs import Run, run_program
from fmnist_edge.host.small_files import UnreadableError, as_whole, entries, fields, whole, word
from fmnist_edge.result import Value

__all__ = ["UNKNOWN", "facts"]

UNKNOWN: Final = "unknown"
_KIB: Final = 1 << 10
_CPU: Final = "sys/devices/system/cpu"
_CLOCK_SOURCE: Final = "sys/devices/system/clocksource/clocksource0/current_clocksource"
# Where the makers of drivers put the same switch, and what it says.
_BOOSTS: Final = {
    f"{_CPU}/intel_pstate/no_turbo": {"0": "on", "1": "off"},
    f"{_CPU}/cpufreq/boost": {"1": "on", "0": "off"},
}
_SUPPLIES: Final = {None: UNKNOWN, True: "battery", False: "mains"}
# Files that container engines leave in every container.
_CONTAINERS: Final = (".dockerenv", "run/.containerenv", "run/systemd/container")
# How virtual machines call themselves in the place of a maker; Arm's CPUs have no flag for it.
_VIRTUAL: Final = ("QEMU", "KVM", "VMware", "VirtualBox", "innotek", "Xen", "Virtual Machine")


def facts(root: Path = Path("/"), run: Run = run_program) -> Mapping[str, Value]:
    """What machine this is, by name; "unknown" where the system does not tell.

    Neither the host's name nor the user's is among them: results are made to be shared.

    Args:
        root: Where `proc` and `sys` are mounted.
        run: Runs `nvidia-smi`, where no file tells of a GPU.
    """
    cpuinfo = word(root / "proc/cpuinfo")
    policy = root / _CPU / "cpu0/cpufreq"
    return {
        "model": _model(root),
        "cpu": cores_of(cpuinfo) or platform.processor() or UNKNOWN,
        "cores": os.cpu_count() or UNKNOWN,
        "cpu features": features_of(cpuinfo) or UNKNOWN,
        "architecture": platform.machine(),
        "memory_bytes": _bytes(root, "MemTotal"),
        "swap_bytes": _bytes(root, "SwapTotal"),
        "gpu": _gpu(root, run),
        "system": _system(root),
        "kernel": platform.release(),
        "virtual": _virtual(root, cpuinfo),
        "governor": _text(policy / "scaling_governor"),
        "energy preference": _text(policy / "energy_performance_preference"),
        "max_frequency_mhz": _megahertz(policy / "cpuinfo_max_freq"),
        "boost": _boost(root),
        "clock source": _text(root / _CLOCK_SOURCE),
        "power supply": _power_supply(root),
        "load_at_start": _load(),
    }


def _text(path: Path) -> str:
    return word(path) or UNKNOWN


def _model(root: Path) -> str:
    board = word(root / "proc/device-tree/model")  # "Raspberry Pi 5 Model B Rev 1.0"
    return board or _text(root / "sys/class/dmi/id/product_name")


def _bytes(root: Path, name: str) -> int | str:
    told = fields(word(root / "proc/meminfo")).get(name, "").removesuffix("kB").strip()
    try:
        return as_whole(told) * _KIB
    except UnreadableError:
        return UNKNOWN


def _gpu(root: Path, run: Run) -> str:
    files = entries(root / "proc/driver/nvidia/gpus", "*/information")
    models = [fields(word(path)).get("Model", "") for path in files]
    if any(models):
        return ", ".join(filter(None, models))
    try:
        return gpu_names(run)
    except UnreadableError:
        return UNKNOWN


def _system(root: Path) -> str:
    name = fields(word(root / "etc/os-release"), "=").get("PRETTY_NAME", "").strip('"')
    return name or platform.system()


def _virtual(root: Path, cpuinfo: str) -> str:
    """What hints at a virtual machine or a container; no hint is no proof that there is none."""
    names = ("sys_vendor", "product_name")
    maker = " ".join(word(root / "sys/class/dmi/id" / name) for name in names)
    guest = has_hypervisor(cpuinfo) or any(name in maker for name in _VIRTUAL)
    contained = any((root / name).exists() for name in _CONTAINERS)
    hints = (*(["container"] if contained else []), *(["virtual machine"] if guest else []))
    return " in a ".join(hints) or "no sign of it"


def _megahertz(path: Path) -> float | str:
    try:
        return whole(path) / 1000
    except UnreadableError:
        return UNKNOWN


def _boost(root: Path) -> str:
    told = (meaning.get(_text(root / path)) for path, meaning in _BOOSTS.items())
    return next(filter(None, told), UNKNOWN)


def _power_supply(root: Path) -> str:
    try:
        return _SUPPLIES[PowerSupplies(root).on_battery()]
    except UnreadableError:
        return UNKNOWN


def _load() -> float | str:
    if not hasattr(os, "getloadavg"):
        return UNKNOWN
    return os.getloadavg()[0]
