"""Checks of the machine: whether it was in a state to be measured on.

They take what was seen of the machine and not the row, so that `fmnist-edge doctor` applies the
same ones before anything is measured.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from fmnist_edge.bench.checks.cpu_time import CpuTime
from fmnist_edge.bench.checks.finding import NUMBERS, PACED, TAILS, TIMES, Check, Finding
from fmnist_edge.devices import CPU
from fmnist_edge.result import (
    NO_SIGN,
    Accelerator,
    Figure,
    NotChecked,
    Reading,
    Reason,
    Row,
    Value,
    Values,
)

# The limits are proposals of this project; there are no published rules.
LEAST_FREE_SHARE: Final = 0.10
"""Of the machine's memory; with less, it may swap."""
_CLOCK_CHANGE: Final = 1.05
# CPU time that a row lacked because others had it, as a share of what its calls could use.
_LOST_SHARE: Final = 0.10
# CPU time of others while a row mostly sleeps, as a share of what all CPUs could give.
_OTHERS_SHARE: Final = 0.10
# The kernel counts in ticks of 10 ms or less: the sum over some turns is right to some ticks, which
# must be little beside the limits.
_FEWEST_NS: Final = 1_000_000_000

# What a reading should hold; the names begin those of `Reading.unreadable`.
_TOPICS: Final[Mapping[str, Callable[[Reading], bool]]] = {
    "temperature": lambda reading: bool(reading.temperatures_celsius),
    "throttling": lambda reading: bool(reading.throttled or reading.event_counters),
    "memory": lambda reading: reading.available_bytes is not None,
}


@dataclass(frozen=True)
class Conditions:
    """What was seen of the machine during a measurement.

    Args:
        readings: Readings of the sensors, in order.
        back_to_back: CPU time of calls one after the other.
        paced: CPU time of calls at fixed times; None where there were none.
        device: Name of the device.
        threads: Threads of the calls.
    """

    readings: Sequence[Reading]
    back_to_back: CpuTime
    paced: CpuTime | None
    device: str = CPU
    threads: int = 1

    @classmethod
    def of(cls, row: Row) -> "Conditions":
        """Return what was seen during the measurement of a row."""
        paced = CpuTime.of(each.paced.cpu for each in row.measurements if each.paced)
        return cls(
            readings=row.readings,
            back_to_back=CpuTime.of(each.back_to_back.cpu for each in row.measurements),
            paced=None if row.paced is None else paced,
            device=row.case.device,
            threads=row.case.threads,
        )

    @property
    def joined(self) -> Sequence[Reading]:
        """The readings, with the values of the accelerators that the device can be."""
        return [each.joined_with(each.accelerators_of(self.device)) for each in self.readings]


def _unreadable(seen: Conditions, _: Mapping[str, Value]) -> Iterator[Finding]:
    if not seen.readings:
        yield NotChecked("machine-not-read")
        return
    why = {what: text for reading in seen.readings for what, text in reading.unreadable.items()}
    for what, text in why.items():
        yield NotChecked("sensor-unreadable", {"what": what, "why": text})
    for topic, is_known in _TOPICS.items():
        known = any(map(is_known, seen.readings))
        if not known and not any(what.startswith(topic) for what in why):
            yield NotChecked("sensor-absent", {"what": topic})


def _emulated(_: Conditions, host: Mapping[str, Value]) -> Iterator[Finding]:
    emulator = str(host.get("emulated", NO_SIGN))
    if emulator != NO_SIGN:
        values: Values = {"machine": host.get("architecture", "unknown"), "emulator": emulator}
        yield Reason("emulated", "INVALID", (*TIMES, "memory"), values)


def _accelerators(seen: Conditions) -> Mapping[str, Sequence[Accelerator]]:
    """Return the readings of each accelerator that the row may have used."""
    found: dict[str, list[Accelerator]] = {}
    for reading in seen.readings:
        for name, accelerator in reading.accelerators_of(seen.device).items():
            found.setdefault(name, []).append(accelerator)
    return found


def _unreadable_accelerator(seen: Conditions, _: Mapping[str, Value]) -> Iterator[Finding]:
    found = _accelerators(seen)
    if seen.readings and not found and seen.device != CPU:
        yield NotChecked("sensor-absent", {"what": f"sensors of the device {seen.device}"})
    for name, states in found.items():
        why = {what: text for each in states for what, text in each.unreadable.items()}
        for what, text in why.items():
            yield NotChecked("sensor-unreadable", {"what": f"{name}: {what}", "why": text})
        if not why.keys() & {"sensors", "clock"} and not _working_clocks(states):
            yield NotChecked("sensor-absent", {"what": f"{name}: clock while it works"})


def _working_clocks(states: Sequence[Accelerator]) -> Sequence[float]:
    """Return the clocks that say something about the calls: those of an accelerator at work."""
    return [each.clock_mhz for each in states if each.clock_mhz is not None and each.idle is False]


def throttled(seen: Conditions, _: Mapping[str, Value]) -> Iterator[Finding]:
    """Yield the limits of the machine, which feeds every accelerator, and of the accelerators.

    Args:
        seen: What was seen of the machine; accelerators count that its device can be.
    """
    spoilt = [reading for reading in seen.joined if any(reading.throttled.values())]
    names = dict.fromkeys(
        name for reading in spoilt for name, active in reading.throttled.items() if active
    )
    if spoilt:
        values: Values = {
            "readings_affected": len(spoilt),
            "readings": len(seen.readings),
            "limits": ", ".join(names),
        }
        yield Reason("throttled", "INVALID", NUMBERS, values)


def _throttle_events(seen: Conditions, _: Mapping[str, Value]) -> Iterator[Finding]:
    names = dict.fromkeys(name for reading in seen.readings for name in reading.event_counters)
    if names and len(seen.readings) < 2:  # noqa: PLR2004 - a rise takes two readings
        yield NotChecked("throttle-counters-read-once")
    rises = {name: _rise(seen.readings, name) for name in names}
    risen = ", ".join(f"{name}: {rise}" for name, rise in rises.items() if rise)
    if risen:
        yield Reason("throttle-events", "INVALID", NUMBERS, {"events": risen})


def _rise(readings: Sequence[Reading], name: str) -> int:
    """Return the sum of all rises; a fall means that the counter was cleared."""
    values = [each.event_counters[name] for each in readings if name in each.event_counters]
    return sum(max(0, after - before) for before, after in pairwise(values))


def _clock_changed(seen: Conditions, _: Mapping[str, Value]) -> Iterator[Finding]:
    """Compare the fastest CPU of each reading, because idle CPUs may be clocked down."""
    fastest = [max(each.clocks_mhz.values()) for each in seen.readings if each.clocks_mhz]
    if fastest and max(fastest) > _CLOCK_CHANGE * min(fastest) > 0:
        values: Values = {"cpu": "fastest", "from_mhz": min(fastest), "to_mhz": max(fastest)}
        yield Reason("clock-changed", "SUSPECT", ("p50", *TAILS), values)


def _accelerator_clock_changed(seen: Conditions, _: Mapping[str, Value]) -> Iterator[Finding]:
    for name, states in _accelerators(seen).items():
        clocks = _working_clocks(states)
        if clocks and max(clocks) > _CLOCK_CHANGE * min(clocks):
            values: Values = {
                "accelerator": name,
                "from_mhz": min(clocks),
                "to_mhz": max(clocks),
            }
            yield Reason("accelerator-clock-changed", "SUSPECT", ("p50", *TAILS), values)


def _waited_for_cpu(seen: Conditions, _: Mapping[str, Value]) -> Iterator[Finding]:
    """Find CPU time that calls one after the other could have used and others had."""
    time = seen.back_to_back
    if time.capacity_ns < _FEWEST_NS:
        yield NotChecked("other-programs-not-measured", {"regime": "back-to-back"})
        return
    lost = time.lost_ns(seen.threads) / time.usable_ns(seen.threads)
    if lost > _LOST_SHARE:
        values: Values = {
            "lost_share": lost,
            "others_share": time.others_ns / time.capacity_ns,
            "stolen_share": time.stolen_ns / time.capacity_ns,
            "limit_share": _LOST_SHARE,
        }
        figures: tuple[Figure, ...] = ("p50", *TAILS, "throughput", "cold")
        yield Reason("waited-for-cpu", "SUSPECT", figures, values)


def _other_programs(seen: Conditions, _: Mapping[str, Value]) -> Iterator[Finding]:
    """Find CPU time of others at fixed arrivals: it delays waking up, or keeps the CPUs awake."""
    time = seen.paced
    if time is None:
        return
    if time.capacity_ns < _FEWEST_NS:
        yield NotChecked("other-programs-not-measured", {"regime": "paced"})
        return
    others, stolen = time.others_ns / time.capacity_ns, time.stolen_ns / time.capacity_ns
    if others + stolen > _OTHERS_SHARE:
        values: Values = {
            "others_share": others,
            "stolen_share": stolen,
            "limit_share": _OTHERS_SHARE,
        }
        yield Reason("other-programs", "SUSPECT", PACED, values)


def _on_battery(seen: Conditions, _: Mapping[str, Value]) -> Iterator[Finding]:
    if any(reading.on_battery for reading in seen.readings):
        yield Reason("on-battery", "SUSPECT", ("p50", *TAILS, *PACED))


def _memory_pressure(seen: Conditions, host: Mapping[str, Value]) -> Iterator[Finding]:
    free = [each.available_bytes for each in seen.readings if each.available_bytes is not None]
    if not free:
        return
    total = host.get("memory_bytes")
    if not isinstance(total, int):
        yield NotChecked("memory-total-unknown")
    elif min(free) < LEAST_FREE_SHARE * total:
        values = {
            "available_bytes": min(free),
            "total_bytes": total,
            "limit_share": LEAST_FREE_SHARE,
        }
        yield Reason("memory-pressure", "SUSPECT", ("p50", *TAILS, "memory", "cold"), values)


def _governor(_: Conditions, host: Mapping[str, Value]) -> Iterator[Finding]:
    if host.get("governor", "unknown") == "unknown":
        yield NotChecked("governor-unknown")


_CHECKS: Final[tuple[Callable[[Conditions, Mapping[str, Value]], Iterator[Finding]], ...]] = (
    _emulated,
    throttled,
    _throttle_events,
    _clock_changed,
    _accelerator_clock_changed,
    _waited_for_cpu,
    _other_programs,
    _on_battery,
    _memory_pressure,
    _governor,
    _unreadable,
    _unreadable_accelerator,
)


def machine_findings(seen: Conditions, host: Mapping[str, Value]) -> Iterator[Finding]:
    """Yield what speaks against figures that are measured under these conditions.

    Args:
        seen: What was seen of the machine.
        host: Facts about it, by name.
    """
    for check in _CHECKS:
        yield from check(seen, host)


def _of_row(row: Row, host: Mapping[str, Value]) -> Iterator[Finding]:
    yield from machine_findings(Conditions.of(row), host)


MACHINE_CHECKS: Final[tuple[Check, ...]] = (_of_row,)
