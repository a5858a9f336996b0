"""The state of the machine while it was measured, and its energy."""

from collections.abc import Mapping

from fmnist_edge.records import Record


class Reading(Record):
    """One reading of the machine's sensors. What is absent could not be read.

    Args:
        at_seconds: Time since the run began.
        temperatures_celsius: By sensor.
        clocks_mhz: By CPU, or by group of CPUs.
        throttled: Whether a limit is in force now, by name ("under-voltage", "hardware slowdown").
        event_counters: Events since the system started, by name; a rise means that one happened.
        load: Processes that want to run, averaged over one minute.
        on_battery: None where there is no power supply to ask.
        available_bytes: Memory that could be had without swapping.
        unreadable: What could not be read, and why.
    """

    at_seconds: float
    temperatures_celsius: Mapping[str, float]
    clocks_mhz: Mapping[str, float]
    throttled: Mapping[str, bool]
    event_counters: Mapping[str, int]
    load: float | None
    on_battery: bool | None
    available_bytes: int | None
    unreadable: Mapping[str, str]


class EnergyMeter(Record):
    """The source of a run's energy figures.

    Args:
        source: "RAPL" or "Raspberry Pi PMIC"; empty where there is none.
        coverage: What its figures include and what not.
        unavailable: Why there is none.
    """

    source: str
    coverage: str
    unavailable: str


class Energy(Record):
    """Energy of one case, above that of the idle machine, from a measurement of its own.

    Args:
        energy_j: Of the whole machine part that the meter covers, while the calls went on.
        idle_w: Power of the same part, with the process waiting.
        duration_seconds: How long the calls went on.
        calls: Calls in that time.
    """

    energy_j: float
    idle_w: float
    duration_seconds: float
    calls: int

    @property
    def joules_per_call(self) -> float:
        """Energy per call above idle; noise may make it negative."""
        return (self.energy_j - self.idle_w * self.duration_seconds) / self.calls
