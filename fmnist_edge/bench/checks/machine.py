"""Checks of the machine: whether it was in a state to be measured on."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final

from fmnist_edge.bench.checks.finding import PACED, TAILS, TIMES, Check, Finding
from fmnist_edge.result import CpuUse, Figure, NotChecked, Reading, Reason, Row, Value, Values

# The limits are proposals of this project; there are no published rules.
_WARMING_CELSIUS: Final = 10.0
_LEAST_FREE_SHARE: Final = 0.10
_CLOCK_CHANGE: Final = 1.05
# CPU time of others, as a share of what all CPUs of the machine could give.
_OTHERS_SHARE: Final = 0.10
_FEWEST_TICKS_NS: Final = 100_000_000  # the kernel counts in ticks of 10 ms or less

# What a reading should hold; the names begin those of `Reading.unreadable`.
_TOPICS: Final[Mapping[str, Callable[[Reading], bool]]] = {
    "temperature": lambda reading: bool(reading.temperatures_celsius),
    "throttling": lambda reading: bool(reading.throttled or reading.event_counters),
    "memory": lambda reading: reading.available_bytes is not None,
}


def _unreadable(row: Row, _: Mapping[str, Value]) -> Iterator[Finding]:
    if not row.readings:
        yield NotChecked("machine-not-read")
        return
    why = {what: text for reading in row.readings for what, text in reading.unreadable.items()}
    for what, text in why.items():
        yield NotChecked("sensor-unreadable", {"what": what, "why": text})
    for topic, is_known in _TOPICS.items():
        known = any(map(is_known, row.readings))
        if not known and not any(what.startswith(topic) for what in why):
            yield NotChecked("sensor-absent", {"what": topic})


def _throttled(row: Row, _: Mapping[str, Value]) -> Iterator[Finding]:
    spoilt = [reading for reading in row.readings if any(reading.throttled.values())]
    names = dict.fromkeys(
        name for reading in spoilt for name, active in reading.throttled.items() if active
    )
    if spoilt:
        values: Values = {
            "readings_affected": len(spoilt),
            "readings": len(row.readings),
            "limits": ", ".join(names),
        }
        yield Reason("throttled", "INVALID", TIMES, values)


def _throttle_events(row: Row, _: Mapping[str, Value]) -> Iterator[Finding]:
    names = dict.fromkeys(name for reading in row.readings for name in reading.event_counters)
    if names and len(row.readings) < 2:  # noqa: PLR2004 - a rise takes two readings
        yield NotChecked("throttle-counters-read-once")
    rises = {name: _rise(row.readings, name) for name in names}
    risen = ", ".join(f"{name}: {rise}" for name, rise in rises.items() if rise)
    if risen:
        yield Reason("throttle-events", "INVALID", TIMES, {"events": risen})


def _rise(readings: Sequence[Reading], name: str) -> int:
    """Return the sum of all rises; a fall means that the counter was cleared."""
    values = [each.event_counters[name] for each in readings if name in each.event_counters]
    return sum(max(0, after - before) for before, after in pairwise(values))


def _warmed_up(row: Row, _: Mapping[str, Value]) -> Iterator[Finding]:
    courses = _courses(row, lambda reading: reading.temperatures_celsius)
    rises = {sensor: max(course) - course[0] for sensor, course in courses.items()}
    sensor = max(rises, key=lambda name: rises[name], default="")
    if sensor and rises[sensor] > _WARMING_CELSIUS:
        values: Values = {
            "sensor": sensor,
            "from_celsius": courses[sensor][0],
            "to_celsius": max(courses[sensor]),
            "limit_celsius": _WARMING_CELSIUS,
        }
        yield Reason("warmed-up", "SUSPECT", ("p50", *TAILS), values)


def _clock_changed(row: Row, _: Mapping[str, Value]) -> Iterator[Finding]:
    """Compare the fastest CPU of each reading, because idle CPUs may be clocked down."""
    fastest = [max(each.clocks_mhz.values()) for each in row.readings if each.clocks_mhz]
    if fastest and max(fastest) > _CLOCK_CHANGE * min(fastest) > 0:
        values: Values = {"cpu": "fastest", "from_mhz": min(fastest), "to_mhz": max(fastest)}
        yield Reason("clock-changed", "SUSPECT", ("p50", *TAILS), values)


def _courses(
    row: Row, of: Callable[[Reading], Mapping[str, float]]
) -> Mapping[str, Sequence[float]]:
    """Return the values of each sensor, in order."""
    courses: dict[str, list[float]] = {}
    for reading in row.readings:
        for sensor, value in of(reading).items():
            courses.setdefault(sensor, []).append(value)
    return courses


def _other_programs(row: Row, _: Mapping[str, Value]) -> Iterator[Finding]:
    regimes: tuple[tuple[str, tuple[Figure, ...], list[CpuUse | None]], ...] = (
        ("back-to-back", ("p50", *TAILS), [each.back_to_back.cpu for each in row.measurements]),
        ("paced", PACED, [each.paced.cpu for each in row.measurements if each.paced]),
    )
    for regime, figures, uses in regimes:
        known = [each for each in uses if each is not None and each.others_ns is not None]
        capacity = sum(each.wall_ns * (each.cpus or 1) for each in known)
        if uses and capacity < _FEWEST_TICKS_NS:
            yield NotChecked("other-programs-not-measured", {"regime": regime})
            continue
        if not capacity:
            continue
        others = max(0, sum(each.others_ns or 0 for each in known)) / capacity
        stolen = sum(each.stolen_ns or 0 for each in known) / capacity
        if others + stolen > _OTHERS_SHARE:
            values: Values = {
                "regime": regime,
                "others_share": others,
                "stolen_share": stolen,
                "limit_share": _OTHERS_SHARE,
            }
            yield Reason("other-programs", "SUSPECT", figures, values)


def _on_battery(row: Row, _: Mapping[str, Value]) -> Iterator[Finding]:
    if any(reading.on_battery for reading in row.readings):
        yield Reason("on-battery", "SUSPECT", ("p50", *TAILS, *PACED))


def _memory_pressure(row: Row, host: Mapping[str, Value]) -> Iterator[Finding]:
    free = [each.available_bytes for each in row.readings if each.available_bytes is not None]
    if not free:
        return
    total = host.get("memory_bytes")
    if not isinstance(total, int):
        yield NotChecked("memory-total-unknown")
    elif min(free) < _LEAST_FREE_SHARE * total:
        values = {
            "available_bytes": min(free),
            "total_bytes": total,
            "limit_share": _LEAST_FREE_SHARE,
        }
        yield Reason("memory-pressure", "SUSPECT", ("p50", *TAILS, "memory", "cold"), values)


def _governor(_: Row, host: Mapping[str, Value]) -> Iterator[Finding]:
    if host.get("governor", "unknown") == "unknown":
        yield NotChecked("governor-unknown")


MACHINE_CHECKS: Final[tuple[Check, ...]] = (
    _throttled,
    _throttle_events,
    _warmed_up,
    _clock_changed,
    _other_programs,
    _on_battery,
    _memory_pressure,
    _governor,
    _unreadable,
)
