"""The memory of the current process."""

from pathlib import Path
from typing import Final

__all__ = ["resident_and_peak"]

_STATUS: Final = Path("/proc/self/status")
_KIB: Final = 1024


def resident_and_peak(status: Path = _STATUS) -> tuple[int | None, int | None]:
    """Resident and peak resident bytes of this process; None where the system does not tell.

    Read from Linux's `/proc`: `getrusage` would count the parent's peak before `exec`, too.
    """
    try:
        lines = status.read_text(errors="replace").splitlines()
    except OSError:
        return None, None
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    return _bytes(fields.get("VmRSS")), _bytes(fields.get("VmHWM"))


def _bytes(field: str | None) -> int | None:
    number = (field or "").replace("kB", "").strip()
    return int(number) * _KIB if number.isdigit() else None
