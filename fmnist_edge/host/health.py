"""Temperatures, clocks, throttling and load, read again and again during a measurement.

The sensors are looked for once, so that a reading is cheap. A value that cannot be read is recorded
with the reason, because an unreadable sensor does not mean a healthy machine.
"""

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final

from fmnist_edge.host.drm import drm_gpus
from fmnist_edge.host.findings import Findings, Probe
from fmnist_edge.host.nvidia import Nvml, nvidia_gpus, open_nvml
from fmnist_edge.host.power_supply import PowerSupplies
from fmnist_edge.host.programs import Run, run_program
from fmnist_edge.host.raspberry_pi import throttling, voltage_alarm
from fmnist_edge.host.sensors import clocks, thermometers, throttle_counters
from fmnist_edge.host.small_files import (
    UnreadableError,
    parse_fields,
    parse_float,
    parse_int,
    read_text,
)
from fmnist_edge.result import Reading, drivers_of

_KIB: Final = 1024


class Health:
    """Reads the sensors of one machine.

    Args:
        root: Folder in which `proc` and `sys` are mounted.
        run: Runs `vcgencmd`, only on a Raspberry Pi whose kernel has no file that tells the same.
        devices: Devices of all cases, such as "cpu" and "cuda"; a GPU that none of them can be on
            is not read.
        nvml: Starts NVIDIA's library.
    """

    def __init__(
        self,
        root: Path = Path("/"),
        run: Run = run_program,
        devices: Collection[str] = (),
        nvml: Callable[[], Nvml] = open_nvml,
    ) -> None:
        self._root = root
        self._supplies = PowerSupplies(root)
        drivers = frozenset(driver for device in devices for driver in drivers_of(device))
        probes: list[Probe | None] = [
            thermometers(root),
            clocks(root),
            throttling(root, run),
            voltage_alarm(root),
            throttle_counters(root),
            nvidia_gpus(root, drivers, nvml),
            drm_gpus(root, drivers),
        ]
        self._probes = tuple(probe for probe in probes if probe is not None)

    def look(self, seconds: float) -> Reading:
        """Read all sensors now.

        Args:
            seconds: Time since the run began; stored in the reading.
        """
        found = Findings()
        for probe in self._probes:
            probe(found)
        if not found.throttled and not found.counters:
            found.unreadable.setdefault("throttling", "nothing here tells of the CPU's limits")
        load = found.ask("load", lambda: parse_load(read_text(self._root / "proc/loadavg")))
        on_battery = found.ask("power supply", self._supplies.on_battery)
        meminfo = self._root / "proc/meminfo"
        available = found.ask("memory", lambda: parse_available(read_text(meminfo)))
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
            accelerators=found.accelerators,
        )


def parse_load(content: str) -> float:
    """Return the number of runnable processes, averaged over one minute.

    Args:
        content: Content of /proc/loadavg, such as "0.26 0.22 0.45 1/89 18751".

    Raises:
        UnreadableError: The content does not begin with a number.
    """
    return parse_float(content.partition(" ")[0])


def parse_available(content: str) -> int:
    """Return the bytes of memory that processes can get without swapping.

    Args:
        content: Content of /proc/meminfo.

    Raises:
        UnreadableError: The content has no such number.
    """
    number = parse_fields(content).get("MemAvailable")
    if number is None:
        raise UnreadableError("no MemAvailable in /proc/meminfo")
    return parse_int(number.removesuffix("kB").strip()) * _KIB
