"""What spoils the figures that a reader sees, in a line each, with its cure.

`sentences` and `notes` tell every reason in full; here, reasons with the same cure share a line.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from fmnist_edge.report.figures import named
from fmnist_edge.report.numbers import counted, listed
from fmnist_edge.result import LEVELS, Figure, Level, Reason, Row

_LEVELS: Final[Mapping[Level, str]] = {
    "SUSPECT": "In doubt (?)",
    "INVALID": "Not to be used (!)",
}
_NAMED: Final = 2

_QUIET: Final = "Close other programs and measure again."
_COOLER: Final = "Cool the machine and measure again."
_LONGER: Final = "Measure with a longer protocol."
_FIND_OUT: Final = "The whole report tells which operators ran where."
BRIEFS: Final[Mapping[str, tuple[str, str]]] = {
    "not-certified": ("nothing shows where it ran", _FIND_OUT),
    "not-on-device": ("not all of it ran on the device", _FIND_OUT),
    "strict-refused": ("not all of it ran on the device", _FIND_OUT),
    "strict-differs": ("not all of it ran on the device", _FIND_OUT),
    "no-witness": ("nothing shows that the device computed", _FIND_OUT),
    "differs-from-cpu": (
        "the device computes something else",
        "Export the file otherwise (docs/accelerators.md).",
    ),
    "shorter-type": ("the device computes in a shorter type", "Measure with --fast-math."),
    "returns-early": ("calls return before the answer is there", "Do not use these times."),
    "outputs-differ": (
        "timed calls gave other outputs than untimed ones",
        "Try another version of the runtime.",
    ),
    "not-audited": ("no output of a timed call was checked", _LONGER),
    "answers-cached": (
        "the runtime seems to keep outputs",
        "Turn its cache off, or do not compare it.",
    ),
    "too-few-processes": ("too few processes", "Measure with --processes 5."),
    "too-few-samples": ("too few calls", _LONGER),
    "process-medians-vary": ("processes differ", _QUIET),
    "speed-drifts": ("the speed drifted", _QUIET),
    "several-speeds": ("calls have several speeds", _QUIET),
    "interrupted": ("calls were interrupted", _QUIET),
    "waited-for-cpu": ("calls waited for the CPU", _QUIET),
    "other-programs": ("other programs were running", _QUIET),
    "ratio-drifts": ("the ratio drifted", _LONGER),
    "ratio-undecided": ("the rank is not decided", "Measure with more --processes."),
    "accelerator-clock-changed": (
        "the clock of the device changed",
        "Set it to a fixed clock, and measure again.",
    ),
    "emulated": ("an emulator ran it", "Measure on the machine itself."),
    "throttled": ("the machine was slowed down", _COOLER),
    "throttle-events": ("the machine was slowed down", _COOLER),
    "clock-changed": (
        "the CPU clock changed",
        "Use the governor performance, and measure again.",
    ),
    "on-battery": ("the machine ran on its battery", "Plug it in and measure again."),
    "memory-pressure": ("memory was short", _QUIET),
}
"""Each code of a reason in a few words, and what to do about it."""
# What schema 2 called them.
_OLDER: Final[Mapping[str, str]] = {
    "few-processes": "too-few-processes",
    "few-samples": "too-few-samples",
    "unsteady": "process-medians-vary",
    "drift": "speed-drifts",
    "two-speeds": "several-speeds",
    "preempted": "interrupted",
    "busy": "other-programs",
}


@dataclass
class _Trouble:
    """Reasons with the same cure.

    Args:
        spoilt: Each figure of a row (by its place) that they spoil.
        whys: How many figures each reason spoils.
    """

    spoilt: set[tuple[int, Figure]] = field(default_factory=set)
    whys: dict[str, int] = field(default_factory=dict)


def doubts(rows: Sequence[Row], shown: Iterable[Figure]) -> tuple[str, ...]:
    """Return a line per level and cure, the worst and then the one of most figures first.

    Args:
        rows: Rows that did not fail.
        shown: The figures that the reader sees; reasons that spoil others alone are not told.
    """
    seen = tuple(shown)
    found: dict[tuple[Level, str], _Trouble] = {}
    for place, row in enumerate(rows):
        for reason in row.reasons:
            spoilt = {(place, figure) for figure in reason.figures if figure in seen}
            if spoilt:
                why, cure = _brief(reason)
                trouble = found.setdefault((reason.level, cure), _Trouble())
                trouble.spoilt |= spoilt
                trouble.whys[why] = trouble.whys.get(why, 0) + len(spoilt)
    ranked = sorted(
        found.items(),
        key=lambda each: (LEVELS.index(each[0][0]), len(each[1].spoilt)),
        reverse=True,
    )
    return tuple(_told(*group, trouble, len(rows), seen) for group, trouble in ranked)


def _brief(reason: Reason) -> tuple[str, str]:
    """Return what a reason is in short; a code of another schema is its own text."""
    code = _OLDER.get(reason.code, reason.code)
    return BRIEFS.get(code, (code, "fmnist-edge report tells more."))


def _told(level: Level, cure: str, trouble: _Trouble, rows: int, shown: Sequence[Figure]) -> str:
    places = {place for place, _ in trouble.spoilt}
    figures = {figure for _, figure in trouble.spoilt}
    where = "all rows" if len(places) == rows > 1 else counted(len(places), "row")
    whys = sorted(trouble.whys, key=lambda why: -trouble.whys[why])
    return (
        f"{_LEVELS[level]}: {named([each for each in shown if each in figures])} of {where}: "
        f"{listed(whys, _NAMED)}. {cure}"
    )
