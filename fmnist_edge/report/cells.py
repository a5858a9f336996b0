"""Tables as text cells; whoever prints them decides what they look like."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from fmnist_edge.result import Figure

T = TypeVar("T")


@dataclass(frozen=True)
class Table:
    """Cells, and which columns hold numbers.

    Args:
        headers: One per column.
        rows: As many cells each as there are headers.
        numeric: Whether a column is to be aligned to the right.
        spare: Headers of the columns that can be left out where room is short, the first one first.
        note: A sentence that belongs under the table; may be empty.
    """

    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: tuple[bool, ...]
    spare: tuple[str, ...] = ()
    note: str = ""

    def without(self, header: str) -> "Table":
        """Return the table without that column."""
        kept = [index for index, each in enumerate(self.headers) if each != header]
        return Table(
            headers=tuple(self.headers[index] for index in kept),
            rows=tuple(tuple(row[index] for index in kept) for row in self.rows),
            numeric=tuple(self.numeric[index] for index in kept),
            spare=tuple(each for each in self.spare if each != header),
            note=self.note,
        )


@dataclass(frozen=True)
class Column(Generic[T]):
    """A header, and how the cell below is filled.

    Args:
        header: Stands above the cells.
        cell: Returns the text of a row.
        numeric: Whether the cells are numbers.
        figure: The figure of a benchmark's row that the cells show.
    """

    header: str
    cell: Callable[[T], str]
    numeric: bool = True
    figure: Figure | None = None


def tabulate(columns: Sequence[Column[T]], rows: Iterable[T], spare: Sequence[str] = ()) -> Table:
    """Return a table with a line per row."""
    return Table(
        headers=tuple(column.header for column in columns),
        rows=tuple(tuple(column.cell(row) for column in columns) for row in rows),
        numeric=tuple(column.numeric for column in columns),
        spare=tuple(spare),
    )
