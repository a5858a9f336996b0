"""The memory of the current process."""

from pathlib import Path
from typing import Final

from fmnist_edge.host.small_files import UnreadableError, parse_fields, parse_int, read_or_empty

_STATUS: Final = Path("/proc/self/status")
_KIB: Final = 1024


def resident_and_peak(status: Path = _STATUS) -> tuple[int | None, int | None]:
    """Return the resident and the peak resident bytes of this process; None where unknown.

    The peak of `getrusage` would include that of the parent process before `exec`.

    Args:
        status: The file of the system that holds both.
    """
    fields = parse_fields(read_or_empty(status))
    return _bytes(fields.get("VmRSS", "")), _bytes(fields.get("VmHWM", ""))


def _bytes(field: str) -> int | None:
    try:
        return parse_int(field.removesuffix("kB").strip()) * _KIB
    except UnreadableError:
        return None
