"""Which programs use the CPUs, by their names alone: arguments may hold secrets."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fmnist_edge.clock import NS_PER_SECOND, now
from fmnist_edge.host.small_files import UnreadableError, parse_int, read_text
from fmnist_edge.result import BusyProgram

# Places of the fields after the name in /proc/PID/stat (proc_pid_stat(5)): user and system time.
_USER: Final = 11
_SYSTEM: Final = 12
_LEAST_SHARE: Final = 0.05
_MOST: Final = 3


@dataclass(frozen=True)
class CpuTimes:
    """CPU time of all processes that this user may see, at one moment.

    Args:
        at_ns: The moment.
        ticks: By number and name of the process.
    """

    at_ns: int
    ticks: Mapping[tuple[int, str], int]


def cpu_times(root: Path = Path("/")) -> CpuTimes:
    """Return the CPU time of every process but this one.

    Args:
        root: Folder in which `proc` is mounted.
    """
    found = {}
    for folder in (root / "proc").glob("[0-9]*"):
        if folder.name.isdecimal() and int(folder.name) != os.getpid():
            try:
                name, ticks = parse_stat(read_text(folder / "stat"))
            except UnreadableError:
                continue  # It has ended, or is somebody else's.
            found[int(folder.name), name] = ticks
    return CpuTimes(now(), found)


def parse_stat(content: str) -> tuple[str, int]:
    """Return the name of a process and the ticks that it has used.

    Args:
        content: Content of /proc/PID/stat; the name is between the first "(" and the last ")", and
            may hold any character.

    Raises:
        UnreadableError: The content is something else.
    """
    before, opening, rest = content.partition("(")
    name, closing, after = rest.rpartition(")")
    fields = after.split()
    if not before or not opening or not closing or len(fields) <= _SYSTEM:
        raise UnreadableError("not understood")
    return name, parse_int(fields[_USER]) + parse_int(fields[_SYSTEM])


def busiest(before: CpuTimes, after: CpuTimes) -> Sequence[BusyProgram]:
    """Return the programs that used at least a twentieth of a CPU meanwhile, three at most.

    Processes of the same name count as one program, the busiest first.
    """
    ticks: dict[str, int] = {}
    for key, count in after.ticks.items():
        ticks[key[1]] = ticks.get(key[1], 0) + count - before.ticks.get(key, 0)
    wall_ns = max(1, after.at_ns - before.at_ns)
    ns_per_tick = NS_PER_SECOND // os.sysconf("SC_CLK_TCK")
    shares = {name: count * ns_per_tick / wall_ns for name, count in ticks.items()}
    ranked = sorted(shares, key=lambda name: (-shares[name], name))
    return [
        BusyProgram(_printable(name), shares[name])
        for name in ranked[:_MOST]
        if shares[name] >= _LEAST_SHARE
    ]


def _printable(name: str) -> str:
    """Return a name without what would move the cursor of a terminal."""
    return "".join(each if each.isprintable() else "?" for each in name)
