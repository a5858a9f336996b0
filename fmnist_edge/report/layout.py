"""Tables as lines of text: the digits of a column line up, and the lines fit into a width."""

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from fmnist_edge.records import replace
from fmnist_edge.report.cells import Table

_GAP: Final = "  "
# Columns are left out before names become shorter than this.
_SHORT_NAME: Final = 16
_SHORTEST_NAME: Final = 4
# A number, the mark of its verdict, and words behind it: "90.19? tie".
_CELL: Final = re.compile(r"(?P<number>\S*?)(?P<mark>[?!]?)(?P<words> .*)?", re.DOTALL)
_ELLIPSIS: Final = "…"


@dataclass(frozen=True)
class Drawn:
    """A table as lines of text.

    Args:
        header: Two lines or more where a header is wider than what stands under it.
        rows: One line each.
        left_out: Headers of the columns for which there was no room.
    """

    header: tuple[str, ...]
    rows: tuple[str, ...]
    left_out: tuple[str, ...]

    @property
    def rule(self) -> str:
        """The line between header and rows."""
        return "─" * max(map(len, (*self.header, *self.rows)), default=0)


def draw(table: Table, width: int | None = None) -> Drawn:
    """Return a table as lines that are at most `width` characters wide, if that is possible.

    Where it is too wide, names in the first column are shortened, down to a point, then the spare
    columns are left out, one after the other, and then names are shortened as far as it takes.

    Args:
        table: Columns of numbers are aligned to the right, others to the left.
        width: None for as wide as it needs to be.
    """
    whole = replace(table, rows=tuple(tuple(map(_printable, row)) for row in table.rows))
    fitting, left_out = (whole, ()) if width is None else _fitted(whole, width)
    columns = _columns(fitting)
    widths = [max(map(len, column)) for column in columns]
    headers = [
        textwrap.wrap(header, size) if numeric else [header]
        for header, numeric, size in zip(fitting.headers, fitting.numeric, widths, strict=True)
    ]
    height = max(map(len, headers), default=0)
    lines = [[""] * (height - len(header)) + header for header in headers]
    return Drawn(
        header=tuple(_line(cells, fitting.numeric, widths) for cells in zip(*lines, strict=True)),
        rows=tuple(
            _line(row, fitting.numeric, widths) for row in zip(*_cells(fitting), strict=True)
        ),
        left_out=left_out,
    )


def _printable(text: str) -> str:
    """Return the text on one line: a file's name may have any character."""
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)


def _line(cells: Sequence[str], numeric: Sequence[bool], widths: Sequence[int]) -> str:
    aligned = (
        cell.rjust(width) if right else cell.ljust(width)
        for cell, right, width in zip(cells, numeric, widths, strict=True)
    )
    return _GAP.join(aligned).rstrip()


def _cells(table: Table) -> list[Sequence[str]]:
    """Return the cells of each column."""
    if not table.rows:
        return [() for _ in table.headers]
    columns = zip(table.numeric, zip(*table.rows, strict=True), strict=True)
    return [_aligned(cells) if numeric else cells for numeric, cells in columns]


def _columns(table: Table) -> list[Sequence[str]]:
    """Return the cells of each column, and what of its header must stand on one line."""
    return [
        [*(header.split() if numeric else [header]), *cells]
        for header, numeric, cells in zip(table.headers, table.numeric, _cells(table), strict=True)
    ]


def _aligned(cells: Sequence[str]) -> Sequence[str]:
    """Return cells in which the last digits stand below each other, with or without a mark."""
    found = [_CELL.fullmatch(cell) for cell in cells]
    parts = [
        each.groups(default="") if each else (cell, "", "")
        for each, cell in zip(found, cells, strict=True)
    ]
    number, mark, words = (max(map(len, part)) for part in zip(*parts, strict=True))
    return [f"{a:>{number}}{b:<{mark}}{c:<{words}}" for a, b, c in parts]


def _fitted(table: Table, width: int) -> tuple[Table, tuple[str, ...]]:
    """Return a table that fits, and the headers of the columns that were left out."""
    left_out: list[str] = []
    for header in table.spare:
        if _others(table) + min(_first(table), _SHORT_NAME) <= width:
            break
        table = table.without(header)
        left_out.append(header)
    room = max(width - _others(table), _SHORTEST_NAME)
    if table.rows and not table.numeric[0] and _first(table) > room:
        names = shortened([row[0] for row in table.rows], room)
        rows = ((name, *row[1:]) for name, row in zip(names, table.rows, strict=True))
        table = replace(table, rows=tuple(rows))
    return table, tuple(left_out)


def _first(table: Table) -> int:
    return max(map(len, _columns(table)[0]), default=0)


def _others(table: Table) -> int:
    """Return the width of all columns but the first, with the gaps."""
    return sum(len(_GAP) + max(map(len, column)) for column in _columns(table)[1:])


def shortened(names: Sequence[str], width: int) -> Sequence[str]:
    """Return names that are at most so long, in the middle of which something is left out.

    Where that makes two of them the same, the beginning is left out instead, or else the end.
    """
    ways = [
        [_cut(name, width, kept_at_end) for name in names]
        for kept_at_end in (width // 2, width - 1, 0)
    ]
    different = len(set(names))
    return next((way for way in ways if len(set(way)) == different), ways[0])


def _cut(name: str, width: int, kept_at_end: int) -> str:
    if len(name) <= width:
        return name
    return name[: width - 1 - kept_at_end] + _ELLIPSIS + name[len(name) - kept_at_end :]
