"""The state of the machine over a whole run, in a few lines."""

from collections.abc import Iterable, Mapping, Sequence

from fmnist_edge.report.numbers import counted, listed, size
from fmnist_edge.result import Reading, Run


def health(run: Run) -> Mapping[str, str]:
    """Return what was read, by name; what could not be read has its reason in its place."""
    readings = sorted(
        (each.joined_with(each.accelerators) for row in run.rows for each in row.readings),
        key=lambda reading: reading.at_seconds,
    )
    if not readings:
        return {"health": "not recorded"}
    times = len({reading.at_seconds for reading in readings})
    return {
        "readings": f"{counted(times, 'reading')} over {run.wall_seconds:.0f} s",
        **_ranges("temperature of", "°C", 1, [each.temperatures_celsius for each in readings]),
        **_ranges("clock of", "MHz", 0, [each.clocks_mhz for each in readings]),
        **_ranges("power of", "W", 1, [_watts(each) for each in readings]),
        **_limits(readings),
        **_counters(readings),
        **_range("load", [each.load for each in readings], "{:.2f}"),
        **_power(readings),
        **_memory(readings),
        **{
            f"{name}, not readable": why
            for each in readings
            for name, why in each.unreadable.items()
        },
    }


def _ranges(
    start: str, unit: str, digits: int, readings: Sequence[Mapping[str, float]]
) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in dict.fromkeys(name for each in readings for name in each):
        seen = [each[name] for each in readings if name in each]
        found |= _range(f"{start} {name}", seen, f"{{:.{digits}f}}", unit)
    return found


def _watts(reading: Reading) -> Mapping[str, float]:
    return {name: its.watts for name, its in reading.accelerators.items() if its.watts is not None}


def _range(name: str, seen: Iterable[float | None], form: str, unit: str = "") -> dict[str, str]:
    known = [value for value in seen if value is not None]
    if not known:
        return {}
    ends = dict.fromkeys(form.format(end) for end in (min(known), max(known)))
    return {name: f"{' to '.join(ends)} {unit}".strip()}


def _limits(readings: Sequence[Reading]) -> dict[str, str]:
    asked = dict.fromkeys(name for each in readings for name in each.throttled)
    if not asked:
        return {}
    seen = [name for name in asked if any(each.throttled.get(name) for each in readings)]
    return {"limits in force": listed(seen, len(seen)) if seen else "none seen"}


def _counters(readings: Sequence[Reading]) -> dict[str, str]:
    risen = {}
    asked = dict.fromkeys(name for each in readings for name in each.event_counters)
    for name in asked:
        seen = [each.event_counters[name] for each in readings if name in each.event_counters]
        risen[name] = seen[-1] - seen[0]
    if not asked:
        return {}
    told = [f"{name} {rise:+}" for name, rise in risen.items() if rise]
    return {"events counted": ", ".join(told) if told else "none"}


def _power(readings: Sequence[Reading]) -> dict[str, str]:
    known = [each.on_battery for each in readings if each.on_battery is not None]
    if not known:
        return {}
    return {"power": "battery" if any(known) else "mains"}


def _memory(readings: Sequence[Reading]) -> dict[str, str]:
    known = [each.available_bytes for each in readings if each.available_bytes is not None]
    return {"memory left at least": size(min(known))} if known else {}
