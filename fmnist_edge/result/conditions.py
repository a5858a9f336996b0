"""The state of the machine while a sustained load was at one of its levels."""

import statistics
from collections.abc import Mapping
from dataclasses import dataclass

from fmnist_edge.result.settings import Case
from fmnist_edge.result.sustained import SpeedLevel, Sustained


@dataclass(frozen=True)
class Conditions:
    """What was read during a level; medians, which no single reading decides.

    Args:
        temperatures_celsius: By sensor.
        clock_mhz: Of the fastest CPU, because idle ones may be clocked down, or of the accelerator
            that the case is on; None where no clock is told.
        limits: What limited the machine at some reading, by name.
        others_share: CPU time of others, as a share of what all CPUs could give, 0..1; None where
            the system does not tell.
    """

    temperatures_celsius: Mapping[str, float]
    clock_mhz: float | None
    limits: tuple[str, ...]
    others_share: float | None


def conditions(case: Case, load: Sustained, level: SpeedLevel) -> Conditions:
    """Return the state of the machine while a load was at one of its levels.

    Args:
        case: What was loaded.
        load: The load.
        level: One of its levels.
    """
    readings = [
        each.joined_with(each.accelerators_of(case.device))
        for each in load.readings
        if level.from_seconds <= each.at_seconds <= level.to_seconds
    ]
    shares = [
        each.others_share
        for each in load.windows
        if each.others_share is not None
        and level.from_seconds <= each.at_seconds < level.to_seconds
    ]
    seen: dict[str, list[float]] = {}
    for each in readings:
        for sensor, celsius in each.temperatures_celsius.items():
            seen.setdefault(sensor, []).append(celsius)
    own = [
        each.clock_mhz
        for reading in load.readings
        if level.from_seconds <= reading.at_seconds <= level.to_seconds
        for each in reading.accelerators_of(case.device).values()
        if each.clock_mhz is not None and each.idle is False
    ]
    clocks = own or [max(each.clocks_mhz.values()) for each in readings if each.clocks_mhz]
    return Conditions(
        {sensor: statistics.median(course) for sensor, course in seen.items()},
        statistics.median(clocks) if clocks else None,
        tuple(
            dict.fromkeys(
                name for each in readings for name, active in each.throttled.items() if active
            )
        ),
        statistics.median(shares) if shares else None,
    )
