"""Temperatures, clocks and throttle counters that Linux provides on any machine."""

from collections.abc import Mapping
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Final

from fmnist_edge.host.findings import Findings, Probe
from fmnist_edge.host.small_files import (
    UnreadableError,
    glob_sorted,
    parse_fields,
    parse_float,
    read_int,
    read_or_empty,
    read_text,
)

_CPU: Final = "sys/devices/system/cpu"
# Disks and radios: reading them wakes them or takes milliseconds, and they do not slow a CPU down.
_ELSEWHERE: Final = ("nvme", "drivetemp", "iwlwifi", "ath10k", "ath11k", "ath12k", "mt7", "hidpp")
# A type of thermal zone, and the hwmon chip with the same sensor.
_SAME_AS: Final = {"x86_pkg_temp": "coretemp"}
# A server has hundreds of clocks; reading all would take milliseconds each second.
_MOST_CLOCKS: Final = 16
_EVENTS: Final = {
    "core throttle count": "core_throttle_count",
    "package throttle count": "package_throttle_count",
}


def thermometers(root: Path) -> Probe:
    """Return a probe of all hwmon chips, and of the thermal zones that are not among them.

    The chips of GPUs are left out: they are read with the GPU, where a case may be on it.

    Args:
        root: Folder in which `sys` is mounted.
    """
    return partial(_temperatures, _sensors(root))


def _temperatures(sensors: Mapping[str, Path], found: Findings) -> None:
    for name, path in sensors.items():
        millidegrees = found.ask(f"temperature of {name}", partial(read_int, path))
        if millidegrees is not None:
            found.temperatures[name] = millidegrees / 1000
    if not sensors:
        nowhere = "no sensor in /sys/class/hwmon or /sys/class/thermal"
        found.unreadable["temperature"] = nowhere


def _sensors(root: Path) -> dict[str, Path]:
    chips = [
        (read_or_empty(chip / "name") or chip.name, chip)
        for chip in _all(root, "hwmon/hwmon*")
        if not (chip / "device/drm").is_dir()
    ]
    named = [pair for name, chip in chips for pair in temperatures_of_chip(name, chip)]
    known = {name for name, _ in chips}
    zones = [
        (read_or_empty(zone / "type") or zone.name, zone) for zone in _all(root, "thermal/*_zone*")
    ]
    named += [(kind, zone / "temp") for kind, zone in zones if not _is_of_chip(kind, zone, known)]
    return _with_unique_names(
        [(name, path) for name, path in named if not name.startswith(_ELSEWHERE)]
    )


def _all(root: Path, pattern: str) -> list[Path]:
    return glob_sorted(root / "sys/class", pattern)


def temperatures_of_chip(name: str, chip: Path) -> list[tuple[str, Path]]:
    """Return name and file of each temperature of a hwmon chip.

    Args:
        name: What the names begin with.
        chip: Its folder.
    """
    files = glob_sorted(chip, "temp*_input")
    labels = [
        read_or_empty(path.with_name(path.name.replace("_input", "_label"))) for path in files
    ]
    # The package is as hot as its hottest core, and reading a core wakes it.
    whole_package = any(label.startswith("Package") for label in labels)
    return [
        (" ".join(filter(None, (name, label))), path)
        for path, label in zip(files, labels, strict=True)
        if not (whole_package and label.startswith("Core"))
    ]


def _is_of_chip(kind: str, zone: Path, chips: set[str]) -> bool:
    """Return whether hwmon has this thermal zone, too; the kernel puts underscores in its name."""
    return {kind, kind.replace("-", "_"), _SAME_AS.get(kind, kind)} & chips != set() or any(
        zone.glob("hwmon*")
    )


def _with_unique_names(named: list[tuple[str, Path]]) -> dict[str, Path]:
    """Return the sensors by name; the second sensor of a name gets a number."""
    sensors: dict[str, Path] = {}
    for name, path in named:
        same = sum(known.partition(" #")[0] == name for known in sensors)
        sensors[f"{name} #{same + 1}" if same else name] = path
    return sensors


def clocks(root: Path) -> Probe:
    """Return a probe of the clock in MHz of each group of CPUs, of at most 16 groups.

    Args:
        root: Folder in which `proc` and `sys` are mounted.
    """
    policies = glob_sorted(root / _CPU / "cpufreq", "policy*")[:_MOST_CLOCKS]
    if policies:
        return partial(_requested, {_group(policy): policy for policy in policies})
    cpuinfo = root / "proc/cpuinfo"
    try:
        clocks_of_cpuinfo(read_text(cpuinfo))
    except UnreadableError as error:
        return partial(_no_clock, str(error))
    return partial(_measured, cpuinfo)


def _no_clock(why: str, found: Findings) -> None:
    found.unreadable["clock"] = why


def _requested(policies: Mapping[str, Path], found: Findings) -> None:
    for name, policy in policies.items():
        kilohertz = found.ask(f"clock of {name}", partial(read_int, policy / "scaling_cur_freq"))
        if kilohertz is not None:
            found.megahertz[name] = kilohertz / 1000


def _measured(cpuinfo: Path, found: Findings) -> None:
    found.megahertz |= found.ask("clock", lambda: clocks_of_cpuinfo(read_text(cpuinfo))) or {}


def clocks_of_cpuinfo(content: str) -> dict[str, float]:
    """Return the current clock of each CPU in MHz, of at most 16 CPUs.

    Args:
        content: Content of /proc/cpuinfo.

    Raises:
        UnreadableError: The file holds no clock, or the nominal one only.
    """
    cpus = [parse_fields(part) for part in content.split("\n\n")]
    found = {f"cpu {cpu.get('processor', '?')}": cpu["cpu MHz"] for cpu in cpus if "cpu MHz" in cpu}
    if not found:
        raise UnreadableError("no /sys/devices/system/cpu/cpufreq, no MHz in /proc/cpuinfo")
    if not any("aperfmperf" in cpu.get("flags", "").split() for cpu in cpus):
        # Without these counters, as in most virtual machines, the kernel repeats a constant.
        raise UnreadableError("no /sys/devices/system/cpu/cpufreq; /proc/cpuinfo has a constant")
    return {name: parse_float(number) for name, number in list(found.items())[:_MOST_CLOCKS]}


def _group(policy: Path) -> str:
    numbers = [
        int(word) for word in read_or_empty(policy / "related_cpus").split() if word.isdecimal()
    ]
    return f"cpu {ranges(numbers)}" if numbers else policy.name


def ranges(numbers: list[int]) -> str:
    """Return the numbers as a list of ranges: "0-2,5" for [0, 1, 2, 5]."""
    ordered = sorted(set(numbers))
    breaks = [index for index, (a, b) in enumerate(pairwise(ordered), 1) if b != a + 1]
    edges = [0, *breaks, len(ordered)]
    runs = [ordered[start:stop] for start, stop in pairwise(edges) if start < stop]
    return ",".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)


def throttle_counters(root: Path) -> Probe:
    """Return a probe of Intel's counters of thermal throttling, summed over the CPUs.

    Args:
        root: Folder in which `sys` is mounted.
    """
    files = {
        event: glob_sorted(root / _CPU, f"cpu[0-9]*/thermal_throttle/{name}")
        for event, name in _EVENTS.items()
    }
    return partial(_count, {event: paths for event, paths in files.items() if paths})


def _count(files: Mapping[str, list[Path]], found: Findings) -> None:
    for event, paths in files.items():
        counts = [found.ask(event, partial(read_int, path)) for path in paths]
        known = [count for count in counts if count is not None]
        # A sum of fewer CPUs than before would hide a rise.
        if len(known) == len(counts):
            found.counters[event] = sum(known)
