"""Which figures of a row may be believed: marks in tables, and names in sentences."""

from collections.abc import Collection, Mapping
from typing import Final

from fmnist_edge.report.numbers import MISSING, listed
from fmnist_edge.result import Figure, Level, Row

_MARKS: Final[Mapping[Level | None, str]] = {"SUSPECT": "?", "INVALID": "!"}
MARKS_NOTE: Final = (
    "A number with ? is SUSPECT (in doubt), one with ! is INVALID (not to be used); the reasons "
    "say why, and what to do."
)
# Names of figures and of groups of them, the largest group first.
_GROUPS: Final[Mapping[str, frozenset[Figure]]] = {
    "p90 to p99.9": frozenset({"p90", "p95", "p99", "p99.9"}),
    "p95 to p99.9": frozenset({"p95", "p99", "p99.9"}),
    "p99 and above": frozenset({"p99", "p99.9"}),
    "paced": frozenset({"paced-p50", "paced-p90"}),
}
_CALLS: Final[frozenset[Figure]] = frozenset(
    {"ratio", "p50", "throughput", *_GROUPS["p90 to p99.9"], *_GROUPS["paced"]}
)
_NUMBERS: Final[frozenset[Figure]] = frozenset({*_CALLS, "cold"}) - {"ratio"}
_ALL: Final[Mapping[str, frozenset[Figure]]] = {
    "all times": _CALLS | {"cold"},
    "all times but x fastest": _NUMBERS,
    "all times but cold": _CALLS,
    **_GROUPS,
}
_NAMES: Final[Mapping[Figure, str]] = {
    "ratio": "x fastest",
    "paced-p50": "paced p50",
    "paced-p90": "paced p90",
}


def mark(level: Level | None, text: str) -> str:
    """Return a number with the mark of its verdict: "12.3?"; what is missing has none."""
    return text if text == MISSING else f"{text}{_MARKS.get(level, '')}"


def marked(row: Row, figure: Figure, text: str) -> str:
    """Return a number of a row with the mark of its verdict; a failed row has none.

    Of a row that may not have run on its device, only the mark is left: its numbers are those of
    something else.
    """
    if row.failure or text == MISSING:
        return text
    if elsewhere(row):
        return _MARKS["INVALID"]
    return mark(row.verdicts.get(figure), text)


def elsewhere(row: Row) -> bool:
    """Return whether a row may not have run on its device, which spoils every figure."""
    return any(reason.spoils_all for reason in row.reasons)


def is_marked(text: str) -> bool:
    """Return whether a cell with a number carries a mark."""
    return text.endswith(tuple(_MARKS.values()))


def named(figures: Collection[Figure]) -> str:
    """Return the names of figures, groups together: "p50 and p90 to p99.9"."""
    left, names = dict.fromkeys(figures), []
    for name, group in _ALL.items():
        if group <= left.keys():
            names.append(name)
            left = dict.fromkeys(each for each in left if each not in group)
    names = [*(_NAMES.get(each, each) for each in left), *names]
    return listed(names, len(names))
