"""Do the measurements of a case agree with each other, and with what was to be measured?"""

import statistics
from collections.abc import Iterator, Mapping
from typing import Final

from fmnist_edge.bench.machine_checks import Check, Finding
from fmnist_edge.bench.rules import PROCESSES
from fmnist_edge.bench.statistics import drift, turn_spread, variation
from fmnist_edge.bench.wording import counted, percent
from fmnist_edge.clock import NS_PER_SECOND
from fmnist_edge.result import Reason, Row
from fmnist_edge.stats.intervals import paired_ratio, samples_needed

__all__ = ["MEASUREMENT_CHECKS"]

_ALIKE: Final = 1e-6
# MLPerf's audit TEST04: calls on one input may be a tenth faster.
_CACHED: Final = 1.10
_BEYOND_CHANCE: Final = 3.0  # in every process; neighbours do not do that
_SURE: Final = 0.99
# As NVIDIA's trtexec has it.
_STEADY: Final = 0.025
# The next four are proposals of ours, no published rules.
_DRIFTING: Final = 1.10
_TWO_SPEEDS: Final = 1.25
# Whoever takes the CPU away keeps it for some milliseconds, so this is some percent of the time.
_PREEMPTED_PER_SECOND: Final = 10
_PREEMPTED_AT_LEAST: Final = 10
_QUIET: Final = "Close other programs and measure again."


def _outputs_differ(row: Row, _: Mapping[str, str]) -> Iterator[Finding]:
    differences = [each.audit.largest_difference for each in row.measurements]
    # Not ">", which would let what is no number pass.
    wrong = [difference for difference in differences if not difference <= _ALIKE]
    if wrong:
        yield Reason(
            "outputs-differ",
            f"Timed calls answered otherwise than untimed ones in {len(wrong)} of "
            f"{counted(len(differences), 'process')}, by up to {max(wrong):.3g}.",
            "Do not use these times. Try one thread, or another version of the runtime.",
            "INVALID",
        )


def _not_audited(row: Row, _: Mapping[str, str]) -> Iterator[Finding]:
    if not sum(each.audit.compared for each in row.measurements):
        yield Reason(
            "not-audited",
            "No answer of a timed call was compared with an untimed one.",
            "Measure again; a protocol with a turn of back-to-back calls compares some.",
            "INVALID",
        )


def _caches(row: Row, _: Mapping[str, str]) -> Iterator[Finding]:
    ratios = [each.audit.repeat_ratio for each in row.measurements]
    known = [ratio for ratio in ratios if ratio is not None and ratio > 0]
    if not known:
        yield "caching: calls on a single input were not tried"
        return
    median = statistics.median(known)
    if median <= _CACHED:
        return
    found = f"calls on varied inputs take {median:.2f} times as long as on a repeated one"
    # A neighbour's load during one of the two looks just like a cache, but not in all processes.
    sure = paired_ratio([1.0] * len(known), known, _SURE).low > 1
    if sure or min(known) > _BEYOND_CHANCE:
        yield Reason(
            "caches",
            f"Above {_CACHED:.2f}, answers seem to be kept: {found}.",
            "Turn the runtime's cache off, or do not compare this row with others.",
            "INVALID",
        )
    else:
        yield (
            f"caching: {found}, but by {min(known):.2f} to {max(known):.2f} in "
            f"{counted(len(known), 'process')}, which chance explains"
        )


def _few_processes(row: Row, _: Mapping[str, str]) -> Iterator[Finding]:
    found = len(row.measurements)
    if found < PROCESSES:
        yield Reason(
            "few-processes",
            f"There {'was' if found == 1 else 'were'} {counted(found, 'process')}; the same file "
            f"runs at another speed in each, and only {PROCESSES} or more show how much.",
            f"Measure with --processes {PROCESSES}.",
            "SUSPECT",
        )


def _few_samples(row: Row, _: Mapping[str, str]) -> Iterator[Finding]:
    needed = samples_needed(0.9)
    if row.back_to_back and row.back_to_back.count < needed:
        yield Reason(
            "few-samples",
            f"There are {counted(row.back_to_back.count, 'sample')}; a 90th percentile needs "
            f"{needed}.",
            "Measure with a longer protocol.",
            "SUSPECT",
        )


def _unsteady(row: Row, _: Mapping[str, str]) -> Iterator[Finding]:
    medians = row.back_to_back.process_medians if row.back_to_back else ()
    found = variation(medians)
    if found is None:
        yield "spread between processes: there is only one"
    elif found > _STEADY:
        yield Reason(
            "unsteady",
            f"The medians of {counted(len(medians), 'process')} vary by {percent(found)}; up to "
            f"{percent(_STEADY)} is steady.",
            f"{_QUIET} More processes make the interval narrower: "
            f"--processes {2 * max(PROCESSES, len(medians))}",
            "SUSPECT",
        )


def _drifting(row: Row, _: Mapping[str, str]) -> Iterator[Finding]:
    ratios = [drift(each.back_to_back) for each in row.measurements]
    known = [ratio for ratio in ratios if ratio is not None]
    drifted = [ratio for ratio in known if ratio > _DRIFTING]
    if not known:
        yield "drift: there are too few samples in each process"
    elif drifted:
        yield Reason(
            "drift",
            f"In {len(drifted)} of {counted(len(known), 'process')} the speed changed: a third of "
            f"the turns took {percent(max(drifted) - 1)} longer than another third.",
            "Warm the machine up, or cool it, and close what runs beside; then measure again.",
            "SUSPECT",
        )


def _two_speeds(row: Row, _: Mapping[str, str]) -> Iterator[Finding]:
    spread = turn_spread([each.back_to_back for each in row.measurements])
    if spread is not None and spread > _TWO_SPEEDS:
        yield Reason(
            "two-speeds",
            f"The turns have several speeds: a fifth of them took at least "
            f"{percent(spread - 1)} longer than another fifth.",
            f"{_QUIET} On a shared machine, this is the neighbours.",
            "SUSPECT",
        )


def _preempted(row: Row, _: Mapping[str, str]) -> Iterator[Finding]:
    known = [each for each in row.measurements if each.footprint.preempted is not None]
    if not known:
        yield "preemption: the system does not count it"
        return
    times = sum(each.footprint.preempted or 0 for each in known)
    seconds = sum(each.back_to_back.busy_ns for each in known) / NS_PER_SECOND
    if times >= _PREEMPTED_AT_LEAST and times > _PREEMPTED_PER_SECOND * seconds:
        yield Reason(
            "preempted",
            f"The system took the CPU away {counted(times, 'time')} in {seconds:,.1f} s of calls; "
            f"up to {_PREEMPTED_PER_SECOND} per second is usual.",
            _QUIET,
            "SUSPECT",
        )


MEASUREMENT_CHECKS: Final[tuple[Check, ...]] = (
    _outputs_differ,
    _not_audited,
    _caches,
    _few_processes,
    _few_samples,
    _unsteady,
    _drifting,
    _two_speeds,
    _preempted,
)
