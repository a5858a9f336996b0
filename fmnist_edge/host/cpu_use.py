"""The CPU time of this process and of everything else on the machine, between two moments."""

import os
import resource
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fmnist_edge.clock import NS_PER_SECOND, now
from fmnist_edge.host.small_files import UnreadableError, read_text
from fmnist_edge.result import CpuUse

_STAT: Final = Path("/proc/stat")
# The columns of a line of /proc/stat (proc_stat(5)); guests are counted in `user` already.
_BUSY: Final = ("user", "nice", "system", "irq", "softirq")
_COLUMNS: Final = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")


@dataclass(frozen=True)
class CpuSnapshot:
    """Counters at one moment; each counts from an arbitrary start.

    Args:
        at_ns: The moment.
        own_ns: CPU time of this process.
        busy_ns: Time that the CPUs were not idle; None where the system does not tell.
        stolen_ns: Time that a hypervisor gave to other machines; None likewise.
        preemptions: How often the system took the CPU away from this process.
        cpus: CPUs that the last two are counted over.
    """

    at_ns: int
    own_ns: int
    busy_ns: int | None
    stolen_ns: int | None
    preemptions: int
    cpus: int


def snapshot(stat: Path = _STAT) -> CpuSnapshot:
    """Return the counters of this moment.

    Args:
        stat: The file of the kernel that holds the time of each CPU.
    """
    used = resource.getrusage(resource.RUSAGE_SELF)
    times = _cpu_times(stat)
    ns_per_tick = NS_PER_SECOND // os.sysconf("SC_CLK_TCK")
    busy = sum(each[name] for each in times for name in _BUSY) if times else None
    stolen = sum(each["steal"] for each in times) if times else None
    return CpuSnapshot(
        at_ns=now(),
        own_ns=round(NS_PER_SECOND * (used.ru_utime + used.ru_stime)),
        busy_ns=None if busy is None else ns_per_tick * busy,
        stolen_ns=None if stolen is None else ns_per_tick * stolen,
        preemptions=used.ru_nivcsw,
        cpus=len(times),
    )


def cpu_use(action: Callable[[], None], so_far: CpuUse | None = None) -> CpuUse:
    """Call `action` and return the CPU time used meanwhile, added to what was used so far."""
    before = snapshot()
    action()
    return between(before, snapshot(), so_far)


def _cpu_times(stat: Path) -> list[dict[str, int]]:
    """Return the ticks of each CPU by kind; none where the file cannot be read."""
    try:
        lines = [line.split() for line in read_text(stat).splitlines()]
        return [
            dict(zip(_COLUMNS, map(int, line[1 : 1 + len(_COLUMNS)]), strict=True))
            for line in lines
            if line and line[0].startswith("cpu") and line[0] != "cpu"
        ]
    except (UnreadableError, ValueError):
        return []


def between(before: CpuSnapshot, after: CpuSnapshot, so_far: CpuUse | None = None) -> CpuUse:
    """Return the CPU time used from one moment to another, added to what was used so far.

    The kernel counts in ticks of some milliseconds, so that the difference of two short moments may
    come out negative; only the sum over many turns means something.
    """
    total = so_far or CpuUse(0, 0, 0, 0, 0, after.cpus)
    own = after.own_ns - before.own_ns
    busy = _difference(before.busy_ns, after.busy_ns)
    others = None if busy is None else busy - own
    return CpuUse(
        wall_ns=total.wall_ns + after.at_ns - before.at_ns,
        own_ns=_sum(total.own_ns, own),
        others_ns=_sum(total.others_ns, others),
        stolen_ns=_sum(total.stolen_ns, _difference(before.stolen_ns, after.stolen_ns)),
        preemptions=_sum(total.preemptions, after.preemptions - before.preemptions),
        cpus=after.cpus or None,
    )


def _difference(before: int | None, after: int | None) -> int | None:
    return None if before is None or after is None else after - before


def _sum(total: int | None, more: int | None) -> int | None:
    return None if total is None or more is None else total + more
