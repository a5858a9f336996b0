"""What the codes of a diagnosis mean, and what to do about each, with the command to copy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from fmnist_edge.report.figures import named
from fmnist_edge.report.numbers import listed
from fmnist_edge.report.sentences import filled
from fmnist_edge.result import Diagnosis, Figure, Finding, Run

READY: Final = "Ready to measure."
_MOST_BRIEFS: Final = 4
_AGAIN: Final = "fmnist-edge doctor --quick"
_QUIET: Final = "Close what uses the CPUs, and look again:"
_PERFORMANCE: Final = (
    "echo performance | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor"
)


@dataclass(frozen=True)
class Advice:
    """What a finding means. All texts are templates over its values.

    Args:
        sentence: What was found.
        brief: The same as a part of the verdict; empty where it can be no reason of it.
        cure: What to do, up to the colon before the command, or a sentence; empty where there is
            nothing to do.
        command: To copy; empty where no command does it.
    """

    sentence: str
    brief: str = ""
    cure: str = ""
    command: str = ""


FINDINGS: Final[Mapping[str, Advice]] = {
    "emulated": Advice(
        "{emulator} interprets the instructions of {machine} here, so that neither times nor "
        "memory say anything about such a machine.",
        "an emulator runs it",
        "Measure on the machine itself; what is emulated shows only that files can be opened.",
    ),
    "throttled": Advice(
        "The machine is slowed down now, in {readings_affected} of {readings:reading}: {limits}.",
        "it is slowed down now ({limits})",
        "Let it cool down, give it a heat sink or a fan, and look again:",
        _AGAIN,
    ),
    "throttle-events": Advice(
        "The machine was slowed down while it was looked at; events: {events}.",
        "it was slowed down within two seconds",
        "Let it cool down, give it a heat sink or a fan, and look again:",
        _AGAIN,
    ),
    "clock-changed": Advice(
        "At work, the clock of the {cpu} CPU varied between {from_mhz} and {to_mhz}.",
        "its clock varies at work",
        "Hold the clock at its highest, until the next restart:",
        _PERFORMANCE,
    ),
    "waited-for-cpu": Advice(
        "A program that computes lacks {lost_share} of the CPU time that it could use: other "
        "programs use {others_share} of all CPU time, and the hypervisor gives {stolen_share} to "
        "other machines; up to {limit_share} is accepted.",
        "calls would wait for the CPU",
        _QUIET,
        _AGAIN,
    ),
    "other-programs": Advice(
        "Other programs use {others_share} of all CPU time, and the hypervisor gives "
        "{stolen_share} to other machines; up to {limit_share} together is accepted.",
        "other programs are running",
        _QUIET,
        _AGAIN,
    ),
    "on-battery": Advice(
        "The machine runs on its battery; many machines run slower then.",
        "it runs on its battery",
        "Plug it in.",
    ),
    "memory-pressure": Advice(
        "{available_bytes} of {total_bytes} memory is available; below {limit_share}, the system "
        "may swap.",
        "memory is short",
        "Close what uses the memory; this lists it:",
        "ps -eo rss,comm --sort=-rss | head",
    ),
    "sensor-unreadable": Advice("Not readable: {what}: {why}."),
    "sensor-absent": Advice("Not readable: {what}: the system gives no value."),
    "governor-unknown": Advice("The system does not tell its CPU frequency governor."),
    "other-programs-not-measured": Advice(
        "The time was too short to measure the CPU time of other programs ({regime})."
    ),
    "memory-total-unknown": Advice("The system does not tell how much memory it has."),
    "governor": Advice(
        "The CPU frequency governor is {governor}, which lowers the clock at times.",
        "the governor {governor} may lower its clock",
        "Hold the clock at its highest, until the next restart:",
        _PERFORMANCE,
    ),
    "no-runtime": Advice(
        "None of the runtimes can be used on any device: {runtimes}.",
        "no runtime can be used",
        "See what each lacks:",
        "fmnist-edge devices",
    ),
    "only-numpy": Advice(
        "NumPy is the only runtime here, and it opens .npz models alone.",
        "only .npz models can be measured",
        "Install a runtime for .tflite models:",
        "{command}",
    ),
    "runtime-fails": Advice(
        "{runtime} cannot be used on the CPU: {why}",
        "{runtime} does not work",
        "See what it lacks:",
        "fmnist-edge devices cpu",
    ),
    "devices-not-tried": Advice(
        "What can be used was not tried.",
        cure="Try every runtime on every device:",
        command="fmnist-edge devices",
    ),
    "userland-32-bit": Advice(
        "The programs of this system have 32 bits ({architecture}); LiteRT, ONNX Runtime and "
        "OpenVINO are released for 64 bits only. Usable here: {runtimes}.",
        "its system has 32 bits, for which LiteRT is not released",
        "Install the 64-bit image of the operating system. Whether the CPU can run it shows:",
        "lscpu | grep op-mode",
    ),
    "disk-full": Advice(
        "The disk of the {place} folder has {free_bytes} left; {bytes_needed} are needed.",
        "the disk of the {place} folder is full",
        "Free some space; this shows which disk is full:",
        "df -h . ~/.cache /tmp",
    ),
    "disk-not-writable": Advice(
        "The {place} folder cannot be written to.",
        "the {place} folder cannot be written to",
        "Run from a folder of your own; for temporary files, name one:",
        'export TMPDIR="$HOME/tmp" && mkdir -p "$TMPDIR"',
    ),
    "under-voltage": Advice(
        "Under-voltage {when}: the power supply or its cable is too weak.",
        "its power supply is too weak",
        "Use the power supply that is made for this board, without a hub; then look again:",
        _AGAIN,
    ),
    "throttled-since-boot": Advice(
        "Since it was started, the machine was slowed down: {limits}.",
        "it was slowed down since it was started ({limits})",
        "Give it a heat sink or a fan; under load, watch it with:",
        "watch -n 1 vcgencmd measure_temp",
    ),
    "throttle-count": Advice(
        "Since it was started, the CPU was slowed down by heat; events: {events}.",
        cure="If the count rises during a benchmark, cool the machine; watch it with:",
        command="grep . /sys/devices/system/cpu/cpu0/thermal_throttle/*_count",
    ),
    "busy-programs": Advice(
        "The busiest programs, in shares of one CPU: {programs}.",
        cure="Close them, or wait until they are done; this shows them:",
        command="top -o %CPU",
    ),
    "stolen-time": Advice(
        "The hypervisor gives {stolen_share} of the CPU time to other machines.",
        cure="Measure at another time, or on a machine with CPUs of its own; watch it with:",
        command="vmstat 1",
    ),
    "swap-in-use": Advice(
        "{used_bytes} are swapped out.",
        cure="Close what uses the memory; then bring the rest back:",
        command="sudo swapoff -a && sudo swapon -a",
    ),
    "group-missing": Advice(
        "{file} is open to the group {group}, and this user is not in it.",
        cure="Join the group {group}, then log out and in again:",
        command="sudo usermod -aG {group} $USER",
    ),
    "energy-closed": Advice(
        "The energy counters of the CPU ({file}) are open to root alone.",
        cure="Open them to everybody, until the next restart:",
        command="sudo chmod a+r /sys/class/powercap/*/energy_uj",
    ),
    "no-energy-meter": Advice("Energy is not measured: {why}."),
    "vcgencmd-missing": Advice(
        "The program vcgencmd, which tells of throttling and power, is not installed.",
        cure="Install it (on other systems than Raspberry Pi OS it is in libraspberrypi-bin):",
        command="sudo apt install raspi-utils",
    ),
    "virtual-machine": Advice(
        "This is a {virtual}: it sees few sensors, and cannot see what else runs on its host."
    ),
}
"""What `fmnist-edge doctor` finds."""


def advice(of: Finding) -> Advice:
    """Return what a finding means, filled with its values; an unknown code is its own sentence."""
    known = FINDINGS.get(of.code, Advice(of.code))
    cured = FINDINGS.get(_cause(of), known)
    return Advice(
        filled(known.sentence, of.values),
        filled(known.brief, of.values),
        filled(cured.cure, of.values),
        filled(cured.command, of.values),
    )


def _cause(of: Finding) -> str:
    """Return the code whose cure helps, where what is behind a finding has a code of its own."""
    if of.code == "throttled" and "under-voltage" in str(of.values.get("limits")):
        return "under-voltage"
    stolen, others = of.values.get("stolen_share"), of.values.get("others_share")
    is_stolen = isinstance(stolen, float) and isinstance(others, float) and stolen > others
    return "stolen-time" if is_stolen else of.code


def verdict(of: Diagnosis) -> str:
    """Return in a line whether this machine is ready, or what to expect and why."""
    spoilt = [each for each in of.findings if each.level == "not-ready"]
    if not of.ready:
        return f"Not ready to measure: {_briefs(spoilt)}."
    expected = [each for each in of.findings if each.level == "expect"]
    if not expected:
        return READY
    figures: dict[Figure, None] = dict.fromkeys(
        figure for each in expected for figure in each.figures
    )
    doubts = f": expect SUSPECT figures ({named(figures)})" if figures else ""
    return f"Ready to measure, but {_briefs(expected)}{doubts}."


def hint(run: Run) -> str:
    """Return where to learn what helps against doubts that come from the machine; may be empty."""
    machine = any(each.code in FINDINGS for row in run.rows for each in row.reasons)
    return "What helps on this machine is told by: fmnist-edge doctor" if machine else ""


def _briefs(found: Sequence[Finding]) -> str:
    briefs = tuple(dict.fromkeys(advice(each).brief or each.code for each in found))
    return listed(briefs, _MOST_BRIEFS)
