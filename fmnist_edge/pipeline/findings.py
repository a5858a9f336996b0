"""What speaks for or against measuring on a machine: the codes of a diagnosis.

Whatever a benchmark would say of its rows comes from the benchmark's own checks.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Final

from fmnist_edge.bench.checks.cpu_time import CpuTime
from fmnist_edge.bench.checks.machine import (
    LEAST_FREE_SHARE,
    Conditions,
    machine_findings,
    throttled,
)
from fmnist_edge.bench.remarks import governor
from fmnist_edge.devices import CPU
from fmnist_edge.host.raspberry_pi import SINCE_BOOT
from fmnist_edge.optional import install_command
from fmnist_edge.result import (
    NO_SIGN,
    CpuUse,
    Diagnosis,
    Finding,
    FindingLevel,
    Level,
    NotChecked,
    Reason,
    State,
    Values,
)
from fmnist_edge.result.diagnosis import FINDING_LEVELS
from fmnist_edge.runtimes import RUNTIMES
from fmnist_edge.session import DefaultUse

LEAST_FREE_BYTES: Final = 64 << 20
"""A result, and what runtimes compile for a device, take a few megabytes."""

_LEVELS: Final[Mapping[Level, FindingLevel]] = {
    "VALID": "note",
    "SUSPECT": "expect",
    "INVALID": "not-ready",
}
_LEAST_STOLEN: Final = 0.01
_PLAIN: Final = "numpy"
_LITERT: Final = "litert"
_VCGENCMD: Final = "no vcgencmd"
_UNDER_VOLTAGE: Final = "under-voltage"
_SINCE_BOOT: Final = " since boot"
_THIRTY_TWO: Final = 32
TEMPORARY: Final = "temporary"


def findings(of: Diagnosis, busy: CpuUse, resting: CpuUse) -> tuple[Finding, ...]:
    """Return what was found on a machine, the worst first.

    Args:
        of: What was read and measured; its own findings are not looked at.
        busy: CPU time while this process computed.
        resting: CPU time while it slept.
    """
    found = [
        *_of_a_benchmark(of, busy, resting),
        *(each for table in _FINDINGS for each in table(of)),
    ]
    unique = list({(each.code, str(each.values)): each for each in found}.values())
    return tuple(sorted(unique, key=lambda each: FINDING_LEVELS.index(each.level), reverse=True))


def _of_a_benchmark(of: Diagnosis, busy: CpuUse, resting: CpuUse) -> Iterator[Finding]:
    """Yield what the checks of a benchmark say of a row on the CPU, and on each other device."""
    seen = Conditions(of.readings, CpuTime.of([busy]), CpuTime.of([resting]))
    for each in machine_findings(seen, of.host):
        yield _finding(each)
    for device in sorted({device for _, device in _usable(of)} - {CPU}):
        there = Conditions(of.readings, seen.back_to_back, seen.paced, device)
        yield from map(_finding, throttled(there, of.host))
    for remark in governor(of.host):
        yield Finding(remark.code, "expect", remark.values)


def _finding(of: Reason | NotChecked) -> Finding:
    if isinstance(of, NotChecked):
        return Finding(of.code, "note", of.values)
    return Finding(of.code, _LEVELS[of.level], of.values, of.figures)


def _usable(of: Diagnosis) -> Collection[tuple[str, str]]:
    """Return the runtimes and devices that can be used."""
    return {(each.runtime, each.device) for each in of.devices or () if each.state is State.USABLE}


def _have(of: Diagnosis) -> set[str]:
    """Return the runtimes that can be used; if they were not tried, those that are installed."""
    if of.devices is not None:
        return {runtime for runtime, _ in _usable(of)}
    return set(of.installed)


def _runtimes(of: Diagnosis) -> Iterator[Finding]:
    have = _have(of)
    if of.devices is None:
        yield Finding("devices-not-tried", "note")
    if not have:
        names = dict.fromkeys(each.runtime for each in of.devices or ())
        yield Finding("no-runtime", "not-ready", {"runtimes": ", ".join(names)})
    elif have == {_PLAIN} and of.userland_bits != _THIRTY_TWO:
        yield Finding("only-numpy", "expect", {"command": install_command(_LITERT)})
    for each in of.devices or ():
        failure = each.probed.failure if each.probed is not None else None
        by_default = RUNTIMES[each.runtime].DEFAULT_USE is not DefaultUse.ON_REQUEST
        if each.device == CPU and each.state is State.UNUSABLE and failure is not None:
            values: Values = {
                "runtime": each.runtime,
                "why": f"{failure.message} {failure.hint}".strip(),
            }
            yield Finding("runtime-fails", "expect" if by_default else "note", values)


def _userland(of: Diagnosis) -> Iterator[Finding]:
    if of.userland_bits == _THIRTY_TWO:
        others = sorted(_have(of) - {_PLAIN})
        values: Values = {
            "architecture": of.host.get("architecture", "unknown"),
            "runtimes": ", ".join(others) or _PLAIN,
        }
        yield Finding("userland-32-bit", "note" if others else "not-ready", values)


def _disk(of: Diagnosis) -> Iterator[Finding]:
    for each in of.disk:
        if not each.writable:
            level: FindingLevel = "not-ready" if each.place == TEMPORARY else "note"
            yield Finding("disk-not-writable", level, {"place": each.place})
        elif each.free_bytes is not None and each.free_bytes < LEAST_FREE_BYTES:
            values: Values = {
                "place": each.place,
                "free_bytes": each.free_bytes,
                "bytes_needed": LEAST_FREE_BYTES,
            }
            yield Finding("disk-full", "not-ready", values)


def _limits(of: Diagnosis) -> Iterator[Finding]:
    """Yield limits of the power supply apart from those of heat: their cures are others."""
    now = {name for each in of.readings for name, active in each.throttled.items() if active}
    counted = {name: count for each in of.readings for name, count in each.event_counters.items()}
    before = [name for name in SINCE_BOOT.values() if counted.get(name)]
    if any(name.startswith(_UNDER_VOLTAGE) for name in now):
        yield Finding("under-voltage", "not-ready", {"when": "now"})
    elif any(name.startswith(_UNDER_VOLTAGE) for name in before):
        yield Finding("under-voltage", "expect", {"when": "since boot"})
    heat = [name for name in before if not name.startswith(_UNDER_VOLTAGE)]
    if heat:
        limits = ", ".join(name.removesuffix(_SINCE_BOOT) for name in heat)
        yield Finding("throttled-since-boot", "expect", {"limits": limits})
    events = [
        f"{name}: {count}"
        for name, count in counted.items()
        if count and name not in SINCE_BOOT.values()
    ]
    if events:
        yield Finding("throttle-count", "note", {"events": ", ".join(events)})


def _company(of: Diagnosis) -> Iterator[Finding]:
    """Yield who has the time that this program lacks."""
    if of.programs:
        named = ", ".join(f"{each.name} {each.cpu_share:.0%}" for each in of.programs)
        yield Finding("busy-programs", "note", {"programs": named.replace("%", " %")})
    stolen = of.noise.stolen_share
    if stolen is not None and stolen >= _LEAST_STOLEN:
        yield Finding("stolen-time", "note", {"stolen_share": stolen})
    total = of.host.get("memory_bytes")
    used = of.swap_used_bytes
    if isinstance(total, int) and used is not None and used >= LEAST_FREE_SHARE * total:
        yield Finding("swap-in-use", "note", {"used_bytes": used})


def _sensors(of: Diagnosis) -> Iterator[Finding]:
    for closed in of.closed:
        if closed.group:
            values = {"group": closed.group, "file": closed.file}
            yield Finding("group-missing", "note", values)
        else:
            yield Finding("energy-closed", "note", {"file": closed.file})
    unreadable = [why for each in of.readings for why in each.unreadable.values()]
    on_raspberry_pi = str(of.host.get("model")).startswith("Raspberry Pi")
    if on_raspberry_pi and (_VCGENCMD in unreadable or _VCGENCMD in of.meter.unavailable):
        yield Finding("vcgencmd-missing", "note")
    if of.meter.unavailable:
        yield Finding("no-energy-meter", "note", {"why": of.meter.unavailable})
    virtual = of.host.get("virtual", NO_SIGN)
    if virtual != NO_SIGN:
        yield Finding("virtual-machine", "note", {"virtual": virtual})


_FINDINGS: Final[tuple[Callable[[Diagnosis], Iterator[Finding]], ...]] = (
    _userland,
    _runtimes,
    _disk,
    _limits,
    _company,
    _sensors,
)
