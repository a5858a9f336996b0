"""The threads and CPUs of the current process."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from fmnist_edge.errors import UsageError
from fmnist_edge.host.sensors import ranges
from fmnist_edge.host.small_files import UnreadableError, parse_fields, parse_int, read_text
from fmnist_edge.result import Footprint

_STATUS: Final = Path("/proc/self/status")


def footprint(status: Path = _STATUS) -> Footprint:
    """Return the threads and the CPUs of this process.

    Args:
        status: The file of the system that holds the number of threads.
    """
    return Footprint(
        threads=_threads(status),
        cpus=tuple(sorted(os.sched_getaffinity(0))) if hasattr(os, "sched_getaffinity") else None,
    )


def _threads(status: Path) -> int | None:
    try:
        return parse_int(parse_fields(read_text(status)).get("Threads", ""))
    except UnreadableError:
        return None


def pin(cpus: Sequence[int]) -> None:
    """Let this thread, and those it starts from now on, use these CPUs only.

    Args:
        cpus: Numbers as the system counts them, from 0.

    Raises:
        UsageError: there is no such CPU, or this process may not have it, or this system does not
            know how to pin.
    """
    if not hasattr(os, "sched_setaffinity"):
        raise UsageError("This system cannot pin a process to CPUs.", hint="Leave out the CPUs.")
    before = os.sched_getaffinity(0)
    wanted = set(cpus)
    try:
        os.sched_setaffinity(0, wanted)
    except (OSError, ValueError, OverflowError) as error:
        raise _refusal(wanted, before) from error
    # Linux leaves out CPUs that it does not have, as long as one is left.
    if os.sched_getaffinity(0) != wanted:
        os.sched_setaffinity(0, before)
        raise _refusal(wanted, before)


def _refusal(wanted: set[int], allowed: set[int]) -> UsageError:
    missing = ", ".join(map(str, sorted(wanted - allowed)))
    return UsageError(
        f"This process cannot have CPU {missing}." if missing else "There is no CPU to pin to.",
        hint=f"It may use CPU {ranges(sorted(allowed))}.",
    )
