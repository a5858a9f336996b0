"""Facts about the machine that a number needs beside it."""

import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Final

__all__ = ["facts"]

UNKNOWN: Final = "unknown"
_GIB: Final = 1 << 30


# Arm's cores name themselves by number; these are what small boards have (Arm's MIDR part numbers).
_ARM_PARTS: Final = {
    "0xd03": "Cortex-A53",
    "0xd04": "Cortex-A35",
    "0xd05": "Cortex-A55",
    "0xd07": "Cortex-A57",
    "0xd08": "Cortex-A72",
    "0xd09": "Cortex-A73",
    "0xd0b": "Cortex-A76",
}


def facts(root: Path = Path("/")) -> Mapping[str, str]:
    """What machine this is, by name; "unknown" where the system does not tell.

    Neither the host's name nor the user's is among them: results are made to be shared.

    Args:
        root: Where `proc` and `sys` are mounted.
    """
    return {
        "model": _model(root),
        "cpu": _cpu(root),
        "cores": str(os.cpu_count() or UNKNOWN),
        "architecture": platform.machine(),
        "memory": _memory(root),
        "system": _system(root),
        "kernel": platform.release(),
        "governor": _text(root / "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        "load at start": _load(),
    }


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip("\0\n ") or UNKNOWN
    except OSError:
        return UNKNOWN


def _fields(path: Path, separator: str) -> dict[str, str]:
    pairs = (line.split(separator, 1) for line in _text(path).splitlines() if separator in line)
    return {key.strip(): value.strip() for key, value in pairs}


def _model(root: Path) -> str:
    board = _text(root / "proc/device-tree/model")  # "Raspberry Pi 5 Model B Rev 1.0"
    return board if board != UNKNOWN else _text(root / "sys/class/dmi/id/product_name")


def _cpu(root: Path) -> str:
    fields = _fields(root / "proc/cpuinfo", ":")
    known = fields.get("model name") or _ARM_PARTS.get(fields.get("CPU part", ""))
    return known or platform.processor() or UNKNOWN


def _memory(root: Path) -> str:
    total = _fields(root / "proc/meminfo", ":").get("MemTotal", "").removesuffix("kB").strip()
    return f"{int(total) * 1024 / _GIB:.1f} GiB" if total.isdigit() else UNKNOWN


def _system(root: Path) -> str:
    name = _fields(root / "etc/os-release", "=").get("PRETTY_NAME", "").strip('"')
    return name or platform.system()


def _load() -> str:
    if not hasattr(os, "getloadavg"):
        return UNKNOWN
    return f"{os.getloadavg()[0]:.2f}"
