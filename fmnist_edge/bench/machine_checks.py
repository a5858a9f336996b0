"""Was the machine fit to be measured on?"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final

from fmnist_edge.bench.wording import percent
from fmnist_edge.result import Reading, Reason, Row

__all__ = ["MACHINE_CHECKS", "Check", "Finding"]

Finding = Reason | str
"""A reason for doubt, or what could not be checked and why."""
Check = Callable[[Row, Mapping[str, str]], Iterator[Finding]]
"""Looks at a measured row and the facts about its host."""

_UNKNOWN: Final = "unknown"
_PERFORMANCE: Final = "performance"
# The next three are proposals of ours, no published rules.
_WARMING: Final = 10.0  # degrees Celsius
_LOAD_OF_CORES: Final = 0.5
_LEAST_FREE: Final = 0.10
_LOAD_SECONDS: Final = 60.0  # that the load is averaged over
_GIB: Final = 1 << 30

# What a look at the machine should tell; the names begin those of `Reading.unreadable`.
_TOPICS: Final[Mapping[str, Callable[[Reading], bool]]] = {
    "temperature": lambda reading: bool(reading.temperatures),
    "throttling": lambda reading: bool(reading.throttled or reading.counters),
    "load": lambda reading: reading.load is not None,
    "memory": lambda reading: reading.available_bytes is not None,
}


def _unreadable(row: Row, _: Mapping[str, str]) -> Iterator[Finding]:
    if not row.readings:
        yield "the machine: nobody looked at it"
        return
    why = {what: text for reading in row.readings for what, text in reading.unreadable.items()}
    yield from (f"{what}: {text}" for what, text in why.items())
    for topic, is_told in _TOPICS.items():
        told = any(map(is_told, row.readings))
        if not told and not any(what.startswith(topic) for what in why):
            yield f"{topic}: not told"


def _throttled(row: Row, _: Mapping[str, str]) -> Iterator[Finding]:
    spoilt = [reading for reading in row.readings if any(reading.throttled.values())]
    names = dict.fromkeys(
        name for reading in spoilt for name, active in reading.throttled.items() if active
    )
    if spoilt:
        yield Reason(
            "throttled",
            f"The machine was slowed down in {len(spoilt)} of {len(row.readings)} looks at it: "
            f"{', '.join(names)}.",
            "Cool it, or give it a stronger power supply, and measure again.",
            "INVALID",
        )


def _throttle_events(row: Row, _: Mapping[str, str]) -> Iterator[Finding]:
    names = dict.fromkeys(name for reading in row.readings for name in reading.counters)
    if names and len(row.readings) < 2:  # noqa: PLR2004 - a rise takes two
        yield "throttling events: the counters were read only once"
    rises = {name: _rise(row.readings, name) for name in names}
    risen = ", ".join(f"{name} by {rise:,}" for name, rise in rises.items() if rise)
    if risen:
        yield Reason(
            "throttle-events",
            f"The machine was slowed down between two looks at it; counters rose: {risen}.",
            "Cool it, or give it a stronger power supply, and measure again.",
            "INVALID",
        )


def _rise(readings: Sequence[Reading], name: str) -> int:
    """All steps upwards; steps downwards are somebody clearing the counter."""
    values = [reading.counters[name] for reading in readings if name in reading.counters]
    return sum(max(0, after - before) for before, after in pairwise(values))


def _warmed_up(row: Row, _: Mapping[str, str]) -> Iterator[Finding]:
    courses: dict[str, list[float]] = {}
    for reading in row.readings:
        for sensor, celsius in reading.temperatures.items():
            courses.setdefault(sensor, []).append(celsius)
    rises = {sensor: max(course) - course[0] for sensor, course in courses.items()}
    sensor = max(rises, key=lambda name: rises[name], default="")
    if sensor and rises[sensor] > _WARMING:
        course = courses[sensor]
        yield Reason(
            "warmed-up",
            f"The temperature rose by {rises[sensor]:.1f} °C, from {course[0]:.1f} to "
            f"{max(course):.1f} °C ({sensor}); up to {_WARMING:g} °C is steady.",
            "Measure a second time right away, when the machine is warm, or cool it better.",
            "SUSPECT",
        )


def _busy(row: Row, host: Mapping[str, str]) -> Iterator[Finding]:
    first = next((reading for reading in row.readings if reading.load is not None), None)
    if first is None or first.load is None:
        return
    cores = host.get("cores", "")
    if not (cores.isascii() and cores.isdigit()):
        yield "load: how many cores there are is not known"
        return
    # What this benchmark itself has added since it began is no other program's.
    own = row.case.threads * (1 - math.exp(-max(0.0, first.seconds) / _LOAD_SECONDS))
    load = max(0.0, first.load - own)
    if load > _LOAD_OF_CORES * int(cores):
        yield Reason(
            "busy",
            f"Other programs were running: the load was {load:.2f} on {cores} cores at the start; "
            f"up to {_LOAD_OF_CORES * int(cores):g} leaves room.",
            "Close them, wait a minute, and measure again.",
            "SUSPECT",
        )


def _on_battery(row: Row, _: Mapping[str, str]) -> Iterator[Finding]:
    if any(reading.on_battery for reading in row.readings):
        yield Reason(
            "on-battery",
            "The machine ran on its battery, which many machines save by running slower.",
            "Plug it in and measure again.",
            "SUSPECT",
        )


def _memory_pressure(row: Row, host: Mapping[str, str]) -> Iterator[Finding]:
    free = [each.available_bytes for each in row.readings if each.available_bytes is not None]
    if not free:
        return
    total = _gibibytes(host.get("memory", ""))
    if total is None:
        yield "memory: how much there is in all is not known"
    elif min(free) < _LEAST_FREE * total:
        yield Reason(
            "memory-pressure",
            f"Memory ran short: {percent(min(free) / total)} of {host['memory']} was left; below "
            f"{percent(_LEAST_FREE)} the system may swap.",
            "Close other programs, or measure fewer files at a time.",
            "SUSPECT",
        )


def _gibibytes(text: str) -> float | None:
    """Bytes of "7.9 GiB"; None for anything else."""
    number, _, unit = text.partition(" ")
    plain = number.isascii() and number.replace(".", "", 1).isdigit()
    return float(number) * _GIB if plain and unit == "GiB" and float(number) > 0 else None


def _governor(_: Row, host: Mapping[str, str]) -> Iterator[Finding]:
    governor = host.get("governor", _UNKNOWN)
    if governor == _UNKNOWN:
        yield "governor: the system does not tell how it chooses the CPU's clock"
    elif governor != _PERFORMANCE:
        yield Reason(
            "governor",
            f"The CPU's clock is chosen by the governor {governor}, which slows it down at times.",
            "For the time of the run: sudo cpupower frequency-set -g performance",
            "SUSPECT",
        )


MACHINE_CHECKS: Final[tuple[Check, ...]] = (
    _throttled,
    _throttle_events,
    _governor,
    _warmed_up,
    _busy,
    _on_battery,
    _memory_pressure,
    _unreadable,
)
