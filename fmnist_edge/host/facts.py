"""Facts about the machine that a measurement needs beside it."""

import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from fmnist_edge.host.cpu import cpu_model, features_of, has_hypervisor
from fmnist_edge.host.emulation import emulation
from fmnist_edge.host.power_supply import PowerSupplies
from fmnist_edge.host.programs import Run, run_program
from fmnist_edge.host.small_files import (
    UnreadableError,
    glob_sorted,
    parse_fields,
    parse_int,
    read_int,
    read_or_empty,
)
from fmnist_edge.result import NO_SIGN, Value

UNKNOWN: Final = "unknown"
_KIB: Final = 1 << 10
_CPU: Final = "sys/devices/system/cpu"
_CLOCK_SOURCE: Final = "sys/devices/system/clocksource/clocksource0/current_clocksource"
# The switch of the boost clock: its file under each driver, and the meaning of the content.
_BOOSTS: Final = {
    f"{_CPU}/intel_pstate/no_turbo": {"0": "on", "1": "off"},
    f"{_CPU}/cpufreq/boost": {"1": "on", "0": "off"},
}
_SUPPLIES: Final = {None: UNKNOWN, True: "battery", False: "mains"}
# Files that container engines put into every container.
_CONTAINERS: Final = (".dockerenv", "run/.containerenv", "run/systemd/container")
# Vendor and product names of virtual machines; Arm's CPUs have no flag that tells.
_VIRTUAL: Final = ("QEMU", "KVM", "VMware", "VirtualBox", "innotek", "Xen", "Virtual Machine")


def facts(root: Path = Path("/"), run: Run = run_program) -> Mapping[str, Value]:
    """Return what is known of the machine, by name; "unknown" where the system does not tell.

    The names of the host and of the user are left out, because results are made to be shared.

    Args:
        root: Folder in which `proc` and `sys` are mounted.
        run: Runs `lscpu`.
    """
    cpuinfo = read_or_empty(root / "proc/cpuinfo")
    policy = root / _CPU / "cpu0/cpufreq"
    return {
        "model": _model(root),
        "cpu": cpu_model(root, run) or platform.processor() or UNKNOWN,
        "cores": os.cpu_count() or UNKNOWN,
        "cpu features": features_of(cpuinfo) or UNKNOWN,
        "architecture": platform.machine(),
        "memory_bytes": _bytes(root, "MemTotal"),
        "swap_bytes": _bytes(root, "SwapTotal"),
        "gpu": _gpu(root),
        "system": _system(root),
        "kernel": platform.release(),
        "virtual": _virtual(root, cpuinfo),
        "emulated": emulation(root),
        "governor": _text(policy / "scaling_governor"),
        "energy preference": _text(policy / "energy_performance_preference"),
        "max_frequency_mhz": _megahertz(policy / "cpuinfo_max_freq"),
        "boost": _boost(root),
        "clock source": _text(root / _CLOCK_SOURCE),
        "power supply": _power_supply(root),
        "load_at_start": _load(),
    }


def _text(path: Path) -> str:
    return read_or_empty(path) or UNKNOWN


def _model(root: Path) -> str:
    board = read_or_empty(root / "proc/device-tree/model")  # "Raspberry Pi 5 Model B Rev 1.0"
    return board or _text(root / "sys/class/dmi/id/product_name")


def _bytes(root: Path, name: str) -> int | str:
    fields = parse_fields(read_or_empty(root / "proc/meminfo"))
    try:
        return parse_int(fields.get(name, "").removesuffix("kB").strip()) * _KIB
    except UnreadableError:
        return UNKNOWN


def _gpu(root: Path) -> str:
    """Return the names of the NVIDIA GPUs, from the files of their driver."""
    files = glob_sorted(root / "proc/driver/nvidia/gpus", "*/information")
    models = [parse_fields(read_or_empty(path)).get("Model", "") for path in files]
    return ", ".join(filter(None, models)) or UNKNOWN


def _system(root: Path) -> str:
    release = parse_fields(read_or_empty(root / "etc/os-release"), "=")
    return release.get("PRETTY_NAME", "").strip('"') or platform.system()


def _virtual(root: Path, cpuinfo: str) -> str:
    """Return the signs of a virtual machine or a container; their absence proves nothing."""
    names = ("sys_vendor", "product_name")
    vendor = " ".join(read_or_empty(root / "sys/class/dmi/id" / name) for name in names)
    guest = has_hypervisor(cpuinfo) or any(name in vendor for name in _VIRTUAL)
    contained = any((root / name).exists() for name in _CONTAINERS)
    hints = (*(["container"] if contained else []), *(["virtual machine"] if guest else []))
    return " in a ".join(hints) or NO_SIGN


def _megahertz(path: Path) -> float | str:
    try:
        return read_int(path) / 1000
    except UnreadableError:
        return UNKNOWN


def _boost(root: Path) -> str:
    states = (meaning.get(_text(root / path)) for path, meaning in _BOOSTS.items())
    return next(filter(None, states), UNKNOWN)


def _power_supply(root: Path) -> str:
    try:
        return _SUPPLIES[PowerSupplies(root).on_battery()]
    except UnreadableError:
        return UNKNOWN


def _load() -> float | str:
    if not hasattr(os, "getloadavg"):
        return UNKNOWN
    return os.getloadavg()[0]
