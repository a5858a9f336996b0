"""The memory of the current process."""

from pathlib import Path
from typing import Final

from fmnist_edge.host.small_files import UnreadableError, as_whole, fields, word

__all__ = ["resident_and_peak"]

_STATUS: Final = Path("/proc/self/status")
_KIB: Final = 1024


def resident_and_peak(status: Path = _STATUS) -> tuple[int | None, int | None]:
    """Resident and peak resident bytes of this process; None where the system does not tell.

    Read from Linux's `/proc`: `getrusage` would count the parent's peak before `exec`, too.
    """
    told = fields(word(status))
    return _bytes(told.get("VmRSS", "")), _bytes(told.get("VmHWM", ""))


def _bytes(field: str) -> int | None:
    try:
        return as_whole(field.removesuffix("kB").strip()) * _KIB
    except UnreadableError:
        return None
