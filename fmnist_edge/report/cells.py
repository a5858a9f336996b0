"""Tables as text cells, and how numbers are written in them."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

__all__ = [
    "KILO",
    "MEGA",
    "MISSING",
    "Column",
    "Table",
    "counted",
    "listed",
    "micro",
    "milli",
    "percent",
    "points",
    "probability",
    "sentence",
    "significant",
    "tabulate",
]

T = TypeVar("T")

MISSING: Final = "-"
KILO: Final = 1_000
MEGA: Final = 1_000_000
_SMALL_P: Final = 0.001


@dataclass(frozen=True)
class Table:
    """Cells, and which columns hold numbers.

    Args:
        headers: One per column.
        rows: As many cells each as there are headers.
        numeric: Whether a column is to be aligned to the right.
        spare: Headers of the columns that can be left out where room is short, the first one first.
    """

    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: tuple[bool, ...]
    spare: tuple[str, ...] = ()

    def without(self, header: str) -> "Table":
        """The table without that column."""
        kept = [index for index, each in enumerate(self.headers) if each != header]
        return Table(
            headers=tuple(self.headers[index] for index in kept),
            rows=tuple(tuple(row[index] for index in kept) for row in self.rows),
            numeric=tuple(self.numeric[index] for index in kept),
            spare=tuple(each for each in self.spare if each != header),
        )


@dataclass(frozen=True)
class Column(Generic[T]):
    """A header, and how the cell below is filled."""

    header: str
    cell: Callable[[T], str]
    numeric: bool = True


def tabulate(columns: Sequence[Column[T]], rows: Iterable[T], spare: Sequence[str] = ()) -> Table:
    """A table with a line per row."""
    return Table(
        headers=tuple(column.header for column in columns),
        rows=tuple(tuple(column.cell(row) for column in columns) for row in rows),
        numeric=tuple(column.numeric for column in columns),
        spare=tuple(spare),
    )


def significant(value: float) -> str:
    """Three significant digits and no exponent: 0.123, 12.3, 1230; missing where it has no end."""
    if value == 0:
        return "0"
    if not math.isfinite(value):
        return MISSING
    digits = max(0, 2 - int(f"{value:.2e}".partition("e")[2]))
    return f"{float(f'{value:.3g}'):.{digits}f}"


def micro(nanoseconds: float | None) -> str:
    """Nanoseconds in microseconds."""
    return MISSING if nanoseconds is None else significant(nanoseconds / KILO)


def milli(nanoseconds: float | None) -> str:
    """Nanoseconds in milliseconds."""
    return MISSING if nanoseconds is None else significant(nanoseconds / MEGA)


def percent(share: float | None, digits: int = 2) -> str:
    """A share 0..1 in percent, without the sign."""
    return MISSING if share is None else f"{100 * share:.{digits}f}"


def points(difference: float) -> str:
    """A difference of two shares in percentage points, with its sign: +0.12."""
    # Rounded first, so that no difference is "-0.00".
    return f"{round(100 * difference, 2) + 0.0:+.2f}"


def probability(p_value: float) -> str:
    """A p value as it stands beside a number: p=0.02, p<0.001."""
    return f"p<{_SMALL_P}" if p_value < _SMALL_P else f"p={p_value:.1g}"


def sentence(text: str) -> str:
    """The text with a full stop, unless it has one or is empty."""
    text = text.strip()
    return text if not text or text[-1] in ".!?" else f"{text}."


def listed(names: Sequence[str], at_most: int = 4) -> str:
    """Names in a row: "a, b and c", or "a, b, c, d and 3 more"."""
    shown = list(names) if len(names) <= at_most + 1 else [*names[:at_most], ""]
    if len(shown) < len(names):
        shown[-1] = f"{len(names) - at_most} more"
    return " and ".join(filter(None, (", ".join(shown[:-1]), *shown[-1:])))


def counted(number: int, one: str, many: str = "") -> str:
    """A number and what it counts: "1 row", "2 rows"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
