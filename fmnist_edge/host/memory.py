"""The memory of the current process, and what the machine has swapped out."""

from pathlib import Path
from typing import Final

from fmnist_edge.host.small_files import UnreadableError, parse_fields, parse_int, read_or_empty

_STATUS: Final = Path("/proc/self/status")
_MEMINFO: Final = Path("/proc/meminfo")
_KIB: Final = 1024


def resident_and_peak(status: Path = _STATUS) -> tuple[int | None, int | None]:
    """Return the resident and the peak resident bytes of this process; None where unknown.

    The peak of `getrusage` would include that of the parent process before `exec`.

    Args:
        status: The file of the system that holds both.
    """
    fields = parse_fields(read_or_empty(status))
    return _bytes(fields.get("VmRSS", "")), _bytes(fields.get("VmHWM", ""))


def swap_used(meminfo: Path = _MEMINFO) -> int | None:
    """Return the bytes that the system has swapped out; None where it does not tell.

    Args:
        meminfo: The file of the system that holds the sizes.
    """
    fields = parse_fields(read_or_empty(meminfo))
    total, free = (_bytes(fields.get(name, "")) for name in ("SwapTotal", "SwapFree"))
    return None if total is None or free is None else total - free


def _bytes(field: str) -> int | None:
    try:
        return parse_int(field.removesuffix("kB").strip()) * _KIB
    except UnreadableError:
        return None
