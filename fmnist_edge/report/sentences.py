"""What the codes of a result mean, in a sentence each, and what to do about it.

A sentence is a template over the values that come with its code (`result.codes` names them). Each
value is written with the unit that its name ends in; a format, as in `{samples:sample}`, is what a
count counts.
"""

import string
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from fmnist_edge.optional import packages_of
from fmnist_edge.report.numbers import counted, quantity
from fmnist_edge.result import (
    NotChecked,
    Percentile,
    Reason,
    Remark,
    RuleCheck,
    Skipped,
    Value,
    Values,
)


@dataclass(frozen=True)
class Told:
    """A sentence, and what to do about it.

    Args:
        sentence: Of a rule, what it asks for.
        cure: Ends in a full stop or in a command to copy; empty where there is nothing to do.
        found: Of a rule, what there was instead.
    """

    sentence: str
    cure: str = ""
    found: str = ""


_QUIET: Final = "Close other programs and measure again."
_COOLER: Final = "Cool the machine, or give it a stronger power supply, and measure again."
_LONGER: Final = "Measure with a longer protocol."

_FIND_OUT: Final = "See what can be used here: fmnist-edge devices"

REASONS: Final[Mapping[str, Told]] = {
    "not-certified": Told(
        "In {processes_affected:process}, the runtime did not tell where the model ran, so that "
        "nothing shows that it was on {device}.",
        _FIND_OUT,
    ),
    "not-on-device": Told(
        "{on_device} of {operators:operator} ran on {device}; elsewhere: {elsewhere}.",
        "Do not use these numbers for {device}. Export the file so that the device has all of its "
        "operators (docs/accelerators.md).",
    ),
    "strict-refused": Told(
        "The runtime says that all operators run on {device}, and refuses the model where nothing "
        "may run on the CPU: {why}.",
        "Do not use these numbers for {device}.",
    ),
    "strict-differs": Told(
        "A session that leaves nothing to the CPU gives other scores on {device}, by up to "
        "{max_abs_difference}.",
        "Do not use these numbers for {device}.",
    ),
    "no-witness": Told(
        "Nothing outside of the runtime shows that {device} computed: in "
        "{processes_affected:process}, scores and times are those of the CPU, or the kernel "
        "counted no work.",
        _FIND_OUT,
    ),
    "differs-from-cpu": Told(
        "On {device}, only {agreement_share} of {images:image} get the label that the same file "
        "gets on the CPU.",
        "Do not ship this file to that device; export it with another precision or input type "
        "(docs/accelerators.md).",
    ),
    "shorter-type": Told(
        "The scores on {device} differ from those on the CPU by up to {max_abs_difference}, as "
        "those of a shorter type than float32 do.",
        "Measure with --fast-math, which allows a shorter type, or on another device.",
    ),
    "returns-early": Told(
        "Calls return before their answer is there: {changed} of {calls:answer} changed after the "
        "call, and reading one took {wait_ns} longer at once than later.",
        "Do not use these times.",
    ),
    "outputs-differ": Told(
        "Timed calls gave other outputs than untimed calls in {processes_affected} of "
        "{processes:process}, by up to {max_abs_difference}.",
        "Do not use these times. Try one thread, or another version of the runtime.",
    ),
    "not-audited": Told(
        "No output of a timed call was compared with that of an untimed call.",
        "Measure again with a protocol that has a turn of back-to-back calls.",
    ),
    "answers-cached": Told(
        "Calls on varied inputs take {repeat_ratio} times as long as calls on one repeated input; "
        "above {limit_ratio}, the runtime seems to keep outputs.",
        "Turn the runtime's cache off, or do not compare this row with others.",
    ),
    "too-few-processes": Told(
        "The row was measured in {processes:process}; the same file runs at another speed in each "
        "process, and only {processes_needed} or more show how much.",
        "Measure with --processes {processes_needed}.",
    ),
    "too-few-samples": Told(
        "The row has {samples:{regime} sample}; a 90th percentile needs {samples_needed}.", _LONGER
    ),
    "process-medians-vary": Told(
        "The {regime} medians of {processes:process} vary by {variation_share}; up to "
        "{limit_share} is steady.",
        f"{_QUIET} More processes (--processes) make the interval narrower.",
    ),
    "speed-drifts": Told(
        "The speed changed in {processes_affected} of {processes:process}: a third of the turns "
        "took {slower_share} longer than another third.",
        "Let the machine warm up, or cool it, close other programs, and measure again.",
    ),
    "several-speeds": Told(
        "The turns have several speeds: a fifth of them took at least {slower_share} longer than "
        "another fifth.",
        f"{_QUIET} On a shared machine, other tenants cause this.",
    ),
    "interrupted": Told(
        "The system interrupted the {calls:{regime} call} {interruptions:time} "
        "({interrupted_share}), often enough to decide these percentiles.",
        _QUIET,
    ),
    "waited-for-cpu": Told(
        "The back-to-back calls lacked {lost_share} of the CPU time that they could use, because "
        "other programs used {others_share} of all CPU time and the hypervisor gave {stolen_share} "
        "to other machines; up to {limit_share} is accepted.",
        _QUIET,
    ),
    "other-programs": Told(
        "During the paced calls, other programs used {others_share} of all CPU time, and the "
        "hypervisor gave {stolen_share} to other machines; up to {limit_share} together is "
        "accepted.",
        _QUIET,
    ),
    "ratio-drifts": Told(
        "The ratio to the fastest row changed by {change_share} from one third of the turns to "
        "another in {processes:process}; up to {limit_share} is steady.",
        _LONGER,
    ),
    "ratio-undecided": Told(
        "The row may take {low_ratio} to {high_ratio} times as long as the fastest row; an "
        "interval that holds 1 and reaches beyond {limit_ratio} decides no rank.",
        f"{_QUIET} More processes (--processes) make the interval narrower.",
    ),
    "emulated": Told(
        "{emulator} interprets the instructions of {machine} here, so that neither times nor "
        "memory say anything about such a machine.",
        "Measure on the machine itself; labels and accuracy hold.",
    ),
    "throttled": Told(
        "The machine was slowed down in {readings_affected} of {readings:reading} of its sensors: "
        "{limits}.",
        _COOLER,
    ),
    "throttle-events": Told(
        "The machine was slowed down between two readings of its sensors; events: {events}.",
        _COOLER,
    ),
    "clock-changed": Told(
        "The clock of the {cpu} CPU varied between {from_mhz} and {to_mhz}.",
        "Use the governor performance, cool the machine, and measure again.",
    ),
    "accelerator-clock-changed": Told(
        "The clock of {accelerator} varied between {from_mhz} and {to_mhz} while it worked.",
        "Fix its clock (of NVIDIA's with nvidia-smi --lock-gpu-clocks), and measure again.",
    ),
    "on-battery": Told(
        "The machine ran on its battery; many machines run slower then.",
        "Plug it in and measure again.",
    ),
    "memory-pressure": Told(
        "At the least, {available_bytes} of {total_bytes} memory was available; below "
        "{limit_share}, the system may swap.",
        "Close other programs, or measure fewer files at a time.",
    ),
}
"""Why figures may not be believed."""

NOT_CHECKED: Final[Mapping[str, Told]] = {
    "machine-not-read": Told("The sensors of the machine were not read."),
    "sensor-unreadable": Told("{what}: {why}"),
    "sensor-absent": Told("{what}: the system gives no value"),
    "governor-unknown": Told("The system does not tell its CPU frequency governor."),
    "caching-not-tried": Told("Whether the runtime keeps outputs was not tried."),
    "caching-in-one-process": Told(
        "Calls on varied inputs take {repeat_ratio} times as long as calls on one repeated input "
        "in a single process, which may be chance.",
        "Measure with --processes 5.",
    ),
    "caching-undecided": Told(
        "Calls on varied inputs take {repeat_ratio} times as long as calls on one repeated input, "
        "but {min_ratio} to {max_ratio} times in {processes:process}, which may be chance.",
        _QUIET,
    ),
    "one-process": Told(
        "A single process shows no spread between processes.", "Measure with --processes 5."
    ),
    "too-few-samples-for-drift": Told(
        "Each process has too few samples to show whether the speed changed.", _LONGER
    ),
    "interruptions-not-counted": Told("The system does not count interruptions of a process."),
    "other-programs-not-measured": Told(
        "The {regime} calls were too short to measure the CPU time of other programs.", _LONGER
    ),
    "throttle-counters-read-once": Told("The throttle counters were read only once."),
    "memory-total-unknown": Told("The system does not tell how much memory it has."),
}
"""What could not be checked."""

REMARKS: Final[Mapping[str, Told]] = {
    "ran-on": Told(
        "All {operators:operator} ran on {unit}: the runtime says so, and opens the model with "
        "nothing left to the CPU."
    ),
    "unlike-the-cpu": Told(
        "Scores differ from those of the same runtime held to the CPU by up to "
        "{max_abs_difference}, and a call takes {time_ratio} times as long as there."
    ),
    "timed-unlike-the-cpu": Told(
        "Scores are those of the same runtime held to the CPU, and a call takes {time_ratio} times "
        "as long as there."
    ),
    "seen-by-the-kernel": Told(
        "The kernel counted {engine_ns} of work on the device for the timed calls."
    ),
    "seen-by-the-driver": Told(
        "The driver counts {memory_bytes} of the device's memory for this process."
    ),
    "copies": Told(
        "Copies to and from the device are {copies_share} of a call: {host_ns} with them, "
        "{device_ns} without."
    ),
    "mostly-dispatch": Told(
        "Mostly dispatch: {dispatch_share} of a call is not arithmetic but the call itself and "
        "reading the weights; an image takes {image_ns} in a batch of {batch}."
    ),
    "slower-than-numpy": Told("Slower than plain NumPy on a {network} network ({numpy_p50_ns})."),
    "samples-are-means": Told(
        "Each sample is the mean of {calls_per_sample:call}, because one is too short for the "
        "clock; a mean hides slow calls."
    ),
    "samples-thinned": Told("Of {calls:call}, one sample in {kept_every} was kept."),
    "synthetic-inputs": Told("The inputs are noise, not images, so that there is no accuracy."),
    "computes-in": Told("The file is float32, but the runtime computes in {precision}."),
    "cannot-keep-up": Told(
        "Cannot keep up with calls at {rate_hz}: a call takes {service_p50_ns}, and half of the "
        "answers come later than {paced_p50_ns} after they were due."
    ),
    "paced-is-slower": Told(
        "Called at {rate_hz}, an answer takes {paced_p50_ns}: {times} times as long as back to "
        "back. The call itself takes {service_p50_ns} of it."
    ),
    "governor": Told(
        "The CPU frequency governor is {governor}, which lowers the clock at times.",
        "For the time of the run: sudo cpupower frequency-set -g performance",
    ),
    "warmed-up": Told(
        "The temperature rose from {from_celsius} to {to_celsius} ({sensor}) during the run.",
        "Measure again while the machine is warm to see whether it is as fast then.",
    ),
    "slows-down": Told(
        "Under the sustained load, a call took {first_ns} in the first seconds and {lasting_ns} at "
        "the end, {times_ratio} times as long; the last change was after {after_seconds} of load."
    ),
    "speeds-up": Told(
        "Under the sustained load, a call took {first_ns} in the first seconds and {lasting_ns} at "
        "the end, {times_ratio} times as long; the last change was after {after_seconds} of load."
    ),
    "changed-for-a-while": Told(
        "Under the sustained load, the speed had {levels:level}, from {from_ns} to {to_ns} per "
        "call, and ended about where it began, at {lasting_ns}."
    ),
    "gets-less-done": Told(
        "Under the sustained load, less got done in the end: the time over the number of calls "
        "rose from {first_ns} to {lasting_ns}, {times_ratio} times as much, with a last change "
        "after {after_seconds} of load; the median call does not show it."
    ),
    "slower-and-warmer": Told(
        "Between the first seconds and the last level, the temperature rose from {from_celsius} to "
        "{to_celsius} ({sensor}).",
        "A heat sink, a fan or a lower rate (--rate) may keep the first speed.",
    ),
    "slower-at-a-lower-clock": Told(
        "Between the first seconds and the last level, the clock fell from {from_mhz} to {to_mhz}."
    ),
    "slower-under-limits": Told(
        "At the last level, limits were in force that were not in the first seconds: {limits}.",
        "Cool the machine, or give it a stronger power supply, if it is to keep the first speed.",
    ),
    "slower-beside-others": Told(
        "Other programs had {from_share} of all CPU time in the first seconds and {to_share} at "
        "the last level, so that the lasting speed is not that of the machine alone.",
        _QUIET,
    ),
}
"""What a reader should know of a row."""

RULES: Final[Mapping[str, Told]] = {
    "min-samples": Told("at least {samples_needed:sample}", found="{samples:sample}"),
    "min-seconds": Told("at least {seconds_needed} of calls", found="{seconds} of calls"),
    "windows": Told("exactly {processes_needed:window}", found="{processes:process}"),
    "window-seconds": Told(
        "each window at least {seconds_needed}", found="the shortest took {seconds}"
    ),
    "median-throughput": Told(
        "median throughput of the windows", found="{calls_per_second} calls per second"
    ),
    "early-stopping-p90": Told("p90 by early stopping", found="{bound_ns}"),
    "reference-accuracy": Told(
        "accuracy at least {share_needed} of the float reference", found="{share} of {reference}"
    ),
    "min-processes": Told("at least {processes_needed:process}", found="{processes:process}"),
}
"""What a protocol asks for, and what was found."""

NOT_FOUND: Final[Mapping[str, str]] = {
    "median-throughput": "no time passed",
    "early-stopping-p90": "there is no p90",
    "reference-accuracy": "the accuracy, or that of a float reference, is not known",
}
"""What is told of a rule where there is nothing to hold against it."""

SKIPPED: Final[Mapping[str, Told]] = {
    "no-runtime": Told(
        "None of the runtimes in use ({runtimes}) opens {format} files.",
        "fmnist-edge export makes files that they open.",
    ),
    "not-installed": Told(
        "{runtime} is not installed.", "Install it with: python -m pip install {packages}"
    ),
    "slow-import": Told(
        "{runtime} takes seconds to import, and this protocol must end soon.",
        "Ask for it with: --runtime {runtime}",
    ),
    "same-file": Told(
        "It is the same file as {path}, which is measured.",
        "Name it alone to measure it under this name: fmnist-edge bench FILE",
    ),
    "other-batches": Told(
        "It is made for {batch:image} per call, so that other batch sizes are left to other files.",
        "Name that batch size alone to be told of nothing else: --batch {batch}",
    ),
    "other-environment": Told(
        "Here it does not run on {device}; in the environment {environment} it does.",
        "Measure it there alone with: --environment {environment}",
    ),
    "no-device": Told(
        "None of {runtimes} runs on {device}.",
        "What can be used here is shown by: fmnist-edge devices",
    ),
    "no-environment": Told(
        "The environments in use ({environments}) have none of {runtimes}.",
        "What they hold is shown by: fmnist-edge environment list",
    ),
}
"""Why something was not measured; `runtime` is known besides the code's values."""

REFUSALS: Final[Mapping[str, Told]] = {
    "too-few-samples": Told("fewer than {samples_needed:sample}"),
    "samples-are-means": Told("each sample is the mean of several calls"),
}
"""Why a percentile is not given."""


def reason(of: Reason) -> Told:
    """Return why figures may not be believed, and what to do."""
    return _told(REASONS, of.code, of.values)


def not_checked(of: NotChecked) -> Told:
    """Return what could not be checked."""
    return _told(NOT_CHECKED, of.code, of.values)


def remark(of: Remark) -> Told:
    """Return what a reader should know of a row."""
    return _told(REMARKS, of.code, of.values)


def rule(of: RuleCheck) -> Told:
    """Return what a rule asks for, with its protocol, and what was found."""
    told = _told(RULES, of.rule, of.values)
    if of.rule not in RULES:  # the rule is its own text
        told = Told(of.rule, found=told.sentence)
    elif not _names(RULES[of.rule].found) <= of.values.keys():
        told = Told(told.sentence, found=NOT_FOUND.get(of.rule, "not known"))
    return Told(f"{of.protocol}: {told.sentence}", found=told.found)


def skipped(of: Skipped) -> Told:
    """Return what was not measured, why, and what to do."""
    extra = of.values.get("extra")
    packages = packages_of(str(extra)) if extra else ""
    told = _told(SKIPPED, of.code, {"runtime": of.runtime or "", "packages": packages, **of.values})
    what = f"{of.path} on {of.runtime}" if of.runtime else of.path
    return Told(f"{what}: {told.sentence}", told.cure)


def refusal(of: Percentile) -> str:
    """Return why a percentile is not given, as part of a sentence; empty where it is."""
    if of.refusal is None:
        return ""
    values: Values = {} if of.samples_needed is None else {"samples_needed": of.samples_needed}
    return _told(REFUSALS, of.refusal, values).sentence


class _Number:
    """A value in a template."""

    def __init__(self, name: str, value: Value) -> None:
        self._name = name
        self._value = value

    def __format__(self, noun: str) -> str:
        """Return the value with its unit, or with what it counts."""
        if noun and isinstance(self._value, int):
            return counted(self._value, noun)
        return quantity(self._name, self._value)


class _Filling(dict[str, object]):
    """The values of a template; what a damaged file lacks is a question mark."""

    def __missing__(self, name: str) -> _Number:
        return _Number(name, "?")


def _told(sentences: Mapping[str, Told], code: str, values: Values) -> Told:
    """Return the sentence of a code, filled with its values.

    Schema 2 wrote the sentence itself. A code that a later version wrote is told as it is.
    """
    if "text" in values:
        return Told(str(values["text"]), str(values.get("cure", "")))
    template = sentences.get(code)
    if template is None:
        filling = {name: _Number(name, value) for name, value in values.items()}
        found = ", ".join(f"{name} {value}" for name, value in filling.items())
        return Told(f"{code} ({found})" if found else code)
    return Told(
        filled(template.sentence, values),
        filled(template.cure, values),
        filled(template.found, values),
    )


def filled(template: str, values: Values) -> str:
    """Return a template with its values, each with its unit or with what it counts.

    Args:
        template: Names the values as `str.format` does.
        values: One that is missing becomes a question mark.
    """
    return template.format_map(
        _Filling({name: _Number(name, value) for name, value in values.items()})
    )


def _names(template: str) -> set[str]:
    """Return the names of the values that a template takes."""
    names = set()
    for _, name, form, _ in string.Formatter().parse(template):
        names |= {name} if name else set()
        names |= _names(form) if form else set()
    return names
