"""A diagnosis as a screen: the verdict, what was found by topic, and what to do."""

import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from fmnist_edge.report.devices import unusable_because
from fmnist_edge.report.diagnosis import advice, verdict
from fmnist_edge.report.numbers import counted, duration, listed, percentage, size
from fmnist_edge.result import NO_SIGN, Accelerator, DeviceState, Diagnosis, State

_INDENT: Final = 10
_NARROWEST: Final = 40
_UNKNOWN: Final = frozenset({"unknown", NO_SIGN})
_MOST: Final = 4
_LONGEST: Final = 150
_LINUX: Final = "Linux"
TO_DO: Final = "To do"

Lines = Iterator[str]


def doctor_text(of: Diagnosis, width: int | None = None, *, whole: bool = False) -> Lines:
    """Yield the lines of the screen, the verdict first.

    Args:
        of: What was found.
        width: Of the terminal; None leaves lines as long as they are.
        whole: Whether everything is told: every sensor, and every device with its whole reason.
    """
    yield from verdict_lines(of, width)
    yield ""
    for title, tell in _TOPICS.items():
        for place, text in enumerate(tell(of, whole=whole)):
            start = f"{'' if place else title:<{_INDENT}}"
            yield from _wrapped(text, width, start, " " * _INDENT)
    yield from _to_do(of, width)


def verdict_lines(of: Diagnosis, width: int | None = None) -> Lines:
    """Yield the verdict, in several lines where the terminal is narrow."""
    yield from _wrapped(verdict(of), width, "", "")


def _wrapped(text: str, width: int | None, first: str, others: str) -> Lines:
    if width is None:
        yield f"{first}{text}"
        return
    yield from textwrap.wrap(
        text,
        max(width, _NARROWEST),
        initial_indent=first,
        subsequent_indent=others,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _to_do(of: Diagnosis, width: int | None) -> Lines:
    """Yield each cure once, with what it cures, the worst first; commands are never broken."""
    cures: dict[tuple[str, str], list[str]] = {}
    for each in of.findings:
        told = advice(each)
        if told.cure and (each.level != "note" or told.command):
            cures.setdefault((told.cure, told.command), []).append(told.sentence)
    if cures:
        yield ""
        yield TO_DO
    for (cure, command), why in cures.items():
        # Further reasons with the same cure say much the same; the JSON has them.
        yield from _wrapped(f"- {why[0]} {cure}", width, "", "  ")
        if command:
            yield f"    {command}"


def _known(of: Diagnosis, name: str) -> str:
    """Return a fact about the machine; empty where it is not known."""
    value = str(of.host.get(name, "unknown"))
    return "" if value in _UNKNOWN else value


def _joined(*parts: str) -> str:
    return ", ".join(filter(None, parts))


def _machine(of: Diagnosis, **_: bool) -> Lines:
    cores = of.host.get("cores")
    count = counted(cores, "CPU") if isinstance(cores, int) else ""
    virtual = _known(of, "virtual")
    yield _joined(_known(of, "model"), _known(of, "cpu"), count, _known(of, "gpu"))
    yield _joined(
        _memory(of),
        system if (system := _known(of, "system")) != _LINUX else "",
        f"{_LINUX} {kernel}" if (kernel := _known(of, "kernel")) else "",
        f"Python {of.python}",
        virtual and f"in a {virtual}",
        f"emulated by {emulator}" if (emulator := _known(of, "emulated")) else "",
    )
    kernel_bits = f"kernel of {of.kernel_bits} bits, " if of.kernel_bits else ""
    features = _known(of, "cpu features")
    yield (
        f"{_known(of, 'architecture')}: {kernel_bits}programs of {of.userland_bits} bits"
        f"{f'; {features}' if features else ''}"
    )


def _memory(of: Diagnosis) -> str:
    total = of.host.get("memory_bytes")
    free = min(
        (each.available_bytes for each in of.readings if each.available_bytes is not None),
        default=None,
    )
    swapped = of.swap_used_bytes
    return _joined(
        f"{size(total)} memory" if isinstance(total, int) else "",
        "" if free is None else f"{size(free)} available",
        f"{size(swapped)} swapped out" if swapped else "",
    )


def _runtimes(of: Diagnosis, *, whole: bool) -> Lines:
    if of.devices is None:
        yield f"installed, and not tried: {listed(of.installed, len(of.installed))}"
        return
    usable = [each for each in of.devices if each.state is State.USABLE]
    yield f"usable: {_by_device(usable)}"
    broken = [each for each in of.devices if each.state is State.UNUSABLE]
    for each in broken:
        yield f"{_pair(each)}: {unusable_because(each) if whole else _needs(each)}"
    absent = [each for each in of.devices if each.state is State.NOT_INSTALLED]
    if absent:
        yield f"not installed: {_by_device(absent)}"
    elsewhere = [each for each in of.devices if each.state is State.OTHER_SYSTEM]
    if elsewhere and whole:
        yield f"only on other systems: {_by_device(elsewhere)}"


def _by_device(states: Sequence[DeviceState]) -> str:
    """Return the runtimes of each device: "numpy and litert on cpu; litert on webgpu"."""
    devices: dict[str, list[str]] = {}
    for each in states:
        devices.setdefault(each.device, []).append(each.runtime)
    told = [f"{listed(names, len(names))} on {name}" for name, names in devices.items()]
    return "; ".join(told) or "none"


def _pair(of: DeviceState) -> str:
    return f"{of.runtime} on {of.device}"


def _needs(of: DeviceState) -> str:
    """Return what a device lacks, or the beginning of the reason where that is not known."""
    text = f"needs {of.system}" if of.system else unusable_because(of)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3].rstrip()}..."


def _sensors(of: Diagnosis, *, whole: bool) -> Lines:
    temperatures = {
        name: f"{degrees:.0f} °C"
        for each in of.readings
        for name, degrees in each.temperatures_celsius.items()
    }
    if temperatures:
        yield f"temperature: {_list(temperatures, whole=whole)}"
    for name, gpu in _accelerators(of).items():
        yield f"{name}: {_gpu(gpu)}"
    yield f"energy: {of.meter.source or 'not measured'}{_covering(of, whole=whole)}"
    unread = {name: why for each in of.readings for name, why in each.unreadable.items()}
    # What the system does not tell at all is one line; the reasons of the rest are told in full.
    reasons: dict[str, list[str]] = {}
    for name, why in unread.items():
        reasons.setdefault(why, []).append(name)
    told = [f"{listed(names, _MOST)} ({why})" for why, names in reasons.items()]
    if told:
        yield f"not readable: {'; '.join(told)}"


def _accelerators(of: Diagnosis) -> Mapping[str, Accelerator]:
    return {name: gpu for each in of.readings for name, gpu in each.accelerators.items()}


def _gpu(of: Accelerator) -> str:
    hottest = max(of.temperatures_celsius.values(), default=None)
    return (
        _joined(
            "" if hottest is None else f"{hottest:.0f} °C",
            "" if of.clock_mhz is None else f"{of.clock_mhz:.0f} MHz",
            "" if of.watts is None else f"{of.watts:.1f} W",
            *(f"{name}: {why}" for name, why in of.unreadable.items()),
        )
        or "nothing readable"
    )


def _covering(of: Diagnosis, *, whole: bool) -> str:
    if of.meter.unavailable:
        return f" ({of.meter.unavailable})"
    return f" ({of.meter.coverage})" if whole else ""


def _list(values: Mapping[str, str], *, whole: bool) -> str:
    told = [f"{name} {value}" for name, value in values.items()]
    return listed(told, len(told) if whole else _MOST)


def _clock(of: Diagnosis, *, whole: bool) -> Lines:
    highest = of.host.get("max_frequency_mhz")
    boost, governor = _known(of, "boost"), _known(of, "governor")
    clocks = {
        name: f"{clock:.0f} MHz" for each in of.readings for name, clock in each.clocks_mhz.items()
    }
    yield _joined(
        f"governor {governor}" if governor else "governor not known",
        _known(of, "energy preference"),
        f"up to {highest:.0f} MHz" if isinstance(highest, float) else "",
        f"boost {boost}" if boost else "",
        f"at work {_list(clocks, whole=whole)}" if clocks else "clock not readable",
    )
    yield f"slowed down now: {_now(of)}; since it was started: {_since_boot(of)}"


def _now(of: Diagnosis) -> str:
    asked = {name: False for each in of.readings for name in each.throttled}
    active = [name for name in asked if any(each.throttled.get(name) for each in of.readings)]
    return listed(active, len(active)) if active else "no" if asked else "not known"


def _since_boot(of: Diagnosis) -> str:
    counts = {name: count for each in of.readings for name, count in each.event_counters.items()}
    events = [
        f"{name.removesuffix(' since boot')} {count}" for name, count in counts.items() if count
    ]
    return listed(events, len(events)) if events else "no" if counts else "not known"


def _power(of: Diagnosis, **_: bool) -> Lines:
    supply = _known(of, "power supply")
    yield f"from {'its battery' if supply == 'battery' else supply}" if supply else "not known"


def _noise(of: Diagnosis, **_: bool) -> Lines:
    noise = of.noise
    longest = duration(noise.longest_gap_ns)
    limit = duration(noise.gap_limit_ns)
    yield (
        f"{counted(noise.gaps, 'interruption')} above {limit} while computing for "
        f"{noise.duration_seconds / 2:.1f} s: {percentage(noise.lost_share)} of the time, "
        f"the longest {longest}"
    )
    late = (noise.wakeup_p50_ns, noise.wakeup_p90_ns, noise.wakeup_max_ns)
    p50, p90, latest = map(duration, late)
    yield (f"waking up from a sleep of 1 ms: p50 {p50}, p90 {p90}, at most {latest} late")
    others, stolen = noise.others_share, noise.stolen_share
    programs = [f"{each.name} {percentage(each.cpu_share)}" for each in of.programs]
    load = next((each.load for each in reversed(of.readings) if each.load is not None), None)
    yield _joined(
        "other programs: not known" if others is None else f"other programs {percentage(others)}",
        "stolen: not known" if stolen is None else f"stolen {percentage(stolen)} of all CPU time",
        "" if load is None else f"load {load:.2f}",
        f"busiest: {listed(programs)} of one CPU" if programs else "",
    )
    source = _known(of, "clock source")
    yield f"clock: steps of {duration(noise.clock_resolution_ns)}{f' ({source})' if source else ''}"


def _disk(of: Diagnosis, **_: bool) -> Lines:
    told = []
    for each in of.disk:
        free = "unknown" if each.free_bytes is None else f"{size(each.free_bytes)} free"
        told.append(f"{each.place} {free if each.writable else 'not writable'}")
    yield ", ".join(told)


_TOPICS: Final[Mapping[str, Callable[..., Lines]]] = {
    "Machine": _machine,
    "Runtimes": _runtimes,
    "Sensors": _sensors,
    "Clock": _clock,
    "Power": _power,
    "Noise": _noise,
    "Disk": _disk,
}
