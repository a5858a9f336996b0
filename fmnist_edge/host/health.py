"""How the machine is doing, looked at again and again while something is measured.

Where to look is found out once, so that a look costs little. What cannot be read is told with the
reason: "unreadable" is something else than "fine".
"""

from pathlib import Path
from typing import Final

from fmnist_edge.host.findings import Findings, Probe
from fmnist_edge.host.nvidia import gpus
from fmnist_edge.host.power_supply import PowerSupplies
from fmnist_edge.host.programs import Run, run_program
from fmnist_edge.host.raspberry_pi import throttling, voltage_alarm
from fmnist_edge.host.sensors import clocks, thermometers, throttle_counters
from fmnist_edge.host.small_files import UnreadableError, as_decimal, as_whole, fields, text
from fmnist_edge.result import Reading

__all__ = ["Health", "parse_available", "parse_load"]

_KIB: Final = 1024


class Health:
    """Looks at one machine.

    Args:
        root: Where `proc` and `sys` are mounted.
        run: Runs `vcgencmd` and `nvidia-smi`, and only where no file tells the same.
        gpu: Whether to ask for GPUs, too. Each look then starts a process; where nothing is
            measured on a GPU, this work is best left out.
    """

    def __init__(self, root: Path = Path("/"), run: Run = run_program, *, gpu: bool = True) -> None:
        self._root = root
        self._supplies = PowerSupplies(root)
        probes: list[Probe | None] = [
            thermometers(root),
            clocks(root),
            throttling(root, run),
            voltage_alarm(root),
            throttle_counters(root),
        ]
        self._probes = tuple(probe for probe in probes if probe is not None)
        self._gpus = gpus(run) if gpu else None

    def look(self, seconds: float) -> Reading:
        """How it is doing now.

        Args:
            seconds: Since the run began; kept beside what is seen.
        """
        found = Findings()
        for probe in self._probes:
            probe(found)
        if not found.throttled and not found.counters:
            found.unreadable.setdefault("throttling", "nothing here tells of the CPU's limits")
        if self._gpus is not None:
            self._gpus(found)
        load = found.ask("load", lambda: parse_load(text(self._root / "proc/loadavg")))
        on_battery = found.ask("power supply", self._supplies.on_battery)
        available = found.ask("memory", lambda: parse_available(text(self._root / "proc/meminfo")))
        return Reading(
            at_seconds=seconds,
            temperatures_celsius=found.temperatures,
            clocks_mhz=found.megahertz,
            throttled=found.throttled,
            event_counters=found.counters,
            load=load,
            on_battery=on_battery,
            available_bytes=available,
            unreadable=found.unreadable,
        )


def parse_load(told: str) -> float:
    """Processes that want to run, averaged over a minute.

    Args:
        told: By /proc/loadavg: "0.26 0.22 0.45 1/89 18751".

    Raises:
        UnreadableError: no such number stands there.
    """
    return as_decimal(told.partition(" ")[0])


def parse_available(told: str) -> int:
    """Bytes that could be had without swapping.

    Args:
        told: By /proc/meminfo.

    Raises:
        UnreadableError: no such number stands there.
    """
    number = fields(told).get("MemAvailable")
    if number is None:
        raise UnreadableError("no MemAvailable in /proc/meminfo")
    return as_whole(number.removesuffix("kB").strip()) * _KIB
