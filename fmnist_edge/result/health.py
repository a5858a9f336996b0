"""How the machine was doing while it was measured."""

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Energy", "EnergyMeter", "Reading"]


@dataclass(frozen=True)
class Reading:
    """One look at the machine. What is absent could not be read; `unreadable` says why.

    Args:
        seconds: Since the run began.
        temperatures: Degrees Celsius by sensor.
        megahertz: Clock by CPU, or by group of CPUs.
        throttled: Whether a limit is in force now, by name ("under-voltage", "hardware slowdown").
        counters: Events since the system started, by name; a rise means that one happened.
        load: Processes that want to run, averaged over a minute.
        on_battery: None where there is no power supply to ask.
        available_bytes: Memory that could be had without swapping.
        unreadable: What could not be read, and why.
    """

    seconds: float
    temperatures: Mapping[str, float]
    megahertz: Mapping[str, float]
    throttled: Mapping[str, bool]
    counters: Mapping[str, int]
    load: float | None
    on_battery: bool | None
    available_bytes: int | None
    unreadable: Mapping[str, str]


@dataclass(frozen=True)
class EnergyMeter:
    """Where the energy of a run comes from.

    Args:
        source: "RAPL", "Raspberry Pi PMIC", "NVML"; empty where there is none.
        coverage: What its figures include and what not.
        unavailable: Why there is none.
    """

    source: str
    coverage: str
    unavailable: str


@dataclass(frozen=True)
class Energy:
    """Energy of one case, above that of the idle machine, from a measurement of its own.

    Args:
        joules: Of the whole machine part that the meter covers, while the calls went on.
        idle_watts: Of the same part, with the process waiting.
        seconds: For how long.
        calls: Calls in that time.
    """

    joules: float
    idle_watts: float
    seconds: float
    calls: int

    @property
    def joules_per_call(self) -> float:
        """Above idle; may come out negative where it drowns in noise."""
        return (self.joules - self.idle_watts * self.seconds) / self.calls
