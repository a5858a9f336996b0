"""What `fmnist-edge doctor` finds: whether this machine is ready to be measured on."""

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from fmnist_edge.records import Record
from fmnist_edge.result.derived import Figure, Value, Values
from fmnist_edge.result.devices import DeviceState
from fmnist_edge.result.health import EnergyMeter, Reading

DIAGNOSIS_SCHEMA_VERSION: Final = 1  # 1: first

FindingLevel = Literal["note", "expect", "not-ready"]
"""How much a finding matters, the least first: nothing is spoilt; figures will be in doubt; there
will be none, or none to be used."""

FINDING_LEVELS: Final[tuple[FindingLevel, ...]] = ("note", "expect", "not-ready")


class Noise(Record):
    """What other work does to a program that is timed. What is None the system does not tell.

    Args:
        duration_seconds: How long was measured: half of it computing, half of it sleeping.
        clock_resolution_ns: The shortest step between two readings of the clock that differ.
        longest_gap_ns: The longest time between two readings that follow each other at once.
        gap_limit_ns: A longer time than this is an interruption.
        gaps: How many interruptions there were.
        lost_share: Their time, as a share of the time of computing.
        others_share: CPU time of all other programs, as a share of what all CPUs could give.
        stolen_share: CPU time that a hypervisor gave to other machines, likewise.
        wakeup_p50_ns: How late a sleep of 1 ms ended: half of them were no later.
        wakeup_p90_ns: 90 % of them were no later.
        wakeup_max_ns: The latest.
        wakeups: How many sleeps there were.
        cpus: CPUs that the shares are counted over.
    """

    duration_seconds: float
    clock_resolution_ns: int
    longest_gap_ns: int
    gap_limit_ns: int
    gaps: int
    lost_share: float
    others_share: float | None
    stolen_share: float | None
    wakeup_p50_ns: int
    wakeup_p90_ns: int
    wakeup_max_ns: int
    wakeups: int
    cpus: int | None


class BusyProgram(Record):
    """A program that used the CPUs meanwhile.

    Args:
        name: Without its arguments.
        cpu_share: CPU time of all its processes, as a share of one CPU; may be above 1.
    """

    name: str
    cpu_share: float


class DiskSpace(Record):
    """What can still be written to a folder.

    Args:
        place: What it is for: "artifacts", "cache" or "temporary".
        free_bytes: None where the system does not tell, or there is no such folder.
        writable: Whether this user may write there.
    """

    place: str
    free_bytes: int | None
    writable: bool


class Closed(Record):
    """A file of the system that this user may not use.

    Args:
        file: Its path.
        group: The group whose members may; empty where only root may.
    """

    file: str
    group: str = ""


class Finding(Record):
    """What speaks for or against measuring here.

    Args:
        code: What was found; `codes.FINDINGS` lists them.
        level: How much it matters.
        values: Its numbers and names.
        figures: The figures that would be in doubt, or not to be used.
    """

    code: str
    level: FindingLevel
    values: Values = msgspec.field(default_factory=dict)
    figures: tuple[Figure, ...] = ()


class Diagnosis(Record):
    """All that is known of a machine before anything is measured on it.

    Args:
        version: Version of fmnist-edge.
        created: When, in UTC.
        ready: Whether no finding has the level "not-ready".
        findings: What speaks for or against measuring here, the worst first.
        host: Facts about the machine, by name, as in a result.
        python: Version of Python.
        kernel_bits: Width of the addresses of the kernel; None where it is not known.
        userland_bits: That of this Python, and so of the runtimes that it loads.
        installed: The runtimes whose packages are installed here; nothing else is known of them.
        devices: Every pair of runtime and device; None where they were not tried.
        readings: The sensors, read twice while a CPU was at work.
        meter: What measures energy here.
        closed: Files of the system that would tell more.
        noise: What other work does to a program that is timed.
        programs: The busiest other programs meanwhile.
        swap_used_bytes: None where the system does not tell.
        disk: Of each folder that fmnist-edge writes to.
    """

    version: str
    created: str
    ready: bool
    findings: tuple[Finding, ...]
    host: Mapping[str, Value]
    python: str
    kernel_bits: int | None
    userland_bits: int
    installed: tuple[str, ...]
    devices: tuple[DeviceState, ...] | None
    readings: tuple[Reading, ...]
    meter: EnergyMeter
    closed: tuple[Closed, ...]
    noise: Noise
    programs: tuple[BusyProgram, ...]
    swap_used_bytes: int | None
    disk: tuple[DiskSpace, ...]
    kind: Literal["fmnist-edge diagnosis"] = "fmnist-edge diagnosis"
    schema_version: int = DIAGNOSIS_SCHEMA_VERSION
