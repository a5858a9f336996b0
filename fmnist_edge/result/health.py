"""The state of the machine while it was measured, and its energy."""

from collections.abc import Mapping
from typing import Final, TypeVar

import msgspec

from fmnist_edge.records import Record, replace

T = TypeVar("T")

NVIDIA: Final = "nvidia"
"""What the names of NVIDIA's GPUs begin with in a reading."""

NO_SIGN: Final = "no sign of it"
"""A fact about a host for which nothing speaks; its absence is not proved."""

# What the names of the accelerators begin with that a device can be; of others, any can be it.
_DRIVERS: Final[Mapping[str, tuple[str, ...]]] = {
    "cpu": (),
    "cuda": (NVIDIA,),
    "tensorrt": (NVIDIA,),
    "openvino-gpu": ("i915", "xe"),
    "openvino-npu": (),
    "qnn": (),
}


def drivers_of(device: str) -> tuple[str, ...]:
    """Return what the names of the accelerators begin with that a device can be.

    Args:
        device: Name of the device, such as "cuda" or "cpu".

    Returns:
        None of them for a device that is no GPU; the empty text where it can be any.
    """
    return _DRIVERS.get(device, ("",))


class Accelerator(Record):
    """One GPU at a reading of the sensors. What is absent could not be read.

    Args:
        address: Its PCI address; empty where it is on no such bus.
        temperatures_celsius: By sensor.
        clock_mhz: Of its compute units.
        idle: Whether it had nothing to do, so that its clock says nothing about the calls.
        throttled: Whether a limit is in force now, by name ("hardware slowdown", "pl1").
        watts: What it draws, or what the whole board draws.
        unreadable: What could not be read, and why.
    """

    address: str = ""
    temperatures_celsius: Mapping[str, float] = msgspec.field(default_factory=dict)
    clock_mhz: float | None = None
    idle: bool | None = None
    throttled: Mapping[str, bool] = msgspec.field(default_factory=dict)
    watts: float | None = None
    unreadable: Mapping[str, str] = msgspec.field(default_factory=dict)


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
        accelerators: By name ("nvidia 0", "amdgpu card1"); none where every case is on the CPU.
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
    accelerators: Mapping[str, Accelerator] = msgspec.field(default_factory=dict)

    def accelerators_of(self, device: str) -> Mapping[str, Accelerator]:
        """Return the accelerators that a case may have used: all that its device's name allows.

        Args:
            device: Name of the device, such as "cuda" or "cpu".
        """
        begins = drivers_of(device)
        return {name: each for name, each in self.accelerators.items() if name.startswith(begins)}

    def joined_with(self, accelerators: Mapping[str, Accelerator]) -> "Reading":
        """Return this reading with the values of accelerators among those of the machine.

        A limit of "nvidia 0" has the name "nvidia 0 hardware slowdown" then.

        Args:
            accelerators: Some of those of this reading.
        """
        clocks = {name: each.clock_mhz for name, each in accelerators.items()}
        return replace(
            self,
            temperatures_celsius={
                **self.temperatures_celsius,
                **_joined({name: each.temperatures_celsius for name, each in accelerators.items()}),
            },
            clocks_mhz={
                **self.clocks_mhz,
                **{name: clock for name, clock in clocks.items() if clock is not None},
            },
            throttled={
                **self.throttled,
                **_joined({name: each.throttled for name, each in accelerators.items()}),
            },
            unreadable={
                **self.unreadable,
                **_joined({name: each.unreadable for name, each in accelerators.items()}),
            },
        )


def _joined(values: Mapping[str, Mapping[str, T]]) -> dict[str, T]:
    return {f"{name} {key}": value for name, own in values.items() for key, value in own.items()}


class EnergyMeter(Record):
    """The source of a run's energy figures.

    Args:
        source: "RAPL", "Raspberry Pi PMIC" or "NVML"; empty where there is none.
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
