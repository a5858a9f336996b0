"""The CPU time of a row's turns: its own, that of others, and what it lacked because of them."""

from collections.abc import Iterable
from dataclasses import dataclass

from fmnist_edge.result import CpuUse


@dataclass(frozen=True)
class CpuTime:
    """CPU time of one regime, over all processes of a row.

    Args:
        wall_ns: Time that the turns took.
        own_ns: CPU time of the row's own processes.
        others_ns: CPU time of all other processes.
        stolen_ns: Time that a hypervisor gave to other machines.
        capacity_ns: CPU time that all CPUs of the machine could give.
    """

    wall_ns: int
    own_ns: int
    others_ns: int
    stolen_ns: int
    capacity_ns: int

    @classmethod
    def of(cls, uses: Iterable[CpuUse | None]) -> "CpuTime":
        """Add up the uses in which the system told of the CPU time of others."""
        known = [each for each in uses if each and None not in {each.own_ns, each.others_ns}]
        return cls(
            wall_ns=sum(each.wall_ns for each in known),
            own_ns=sum(each.own_ns or 0 for each in known),
            # The sum of many ticks may come out slightly below zero.
            others_ns=max(0, sum(each.others_ns or 0 for each in known)),
            stolen_ns=sum(each.stolen_ns or 0 for each in known),
            capacity_ns=sum(each.wall_ns * (each.cpus or 1) for each in known),
        )

    def usable_ns(self, threads: int) -> int:
        """Return the CPU time that calls on so many threads could use."""
        cpus = self.capacity_ns // max(1, self.wall_ns)
        return self.wall_ns * max(1, min(threads, cpus))

    def lost_ns(self, threads: int) -> int:
        """Return the CPU time that calls on so many threads could use, and others had.

        A runtime that sleeps during a call uses less than it could, and lacks nothing that nobody
        else had. What others do on CPUs that the calls do not need takes nothing from them.
        """
        usable = self.usable_ns(threads)
        lacked = min(usable - self.own_ns, self.others_ns + self.stolen_ns)
        # Some systems count stolen time as the process's own.
        return max(0, lacked, min(self.stolen_ns, usable))
