"""The verdict of every row, with each of its reasons."""

from collections.abc import Iterator
from typing import Final

from fmnist_edge.report.cells import MISSING, Column, Table, sentence, tabulate
from fmnist_edge.report.rows import ordered, row_names
from fmnist_edge.result import Row, Run

__all__ = ["verdicts_table"]

_Line = tuple[str, str, str, str]
_HEADERS: Final = ("row", "verdict", "why", "what to do")


def verdicts_table(run: Run) -> Table:
    """A line per row and reason; one for a row without."""
    name = row_names(run)
    lines = [line for row in ordered(run) for line in _lines(name(row), row)]
    columns: list[Column[_Line]] = [
        Column(header, lambda line, index=index: line[index], numeric=False)  # type: ignore[misc]
        for index, header in enumerate(_HEADERS)
    ]
    return tabulate(columns, lines)


def _lines(name: str, row: Row) -> Iterator[_Line]:
    if row.failure:
        yield name, "failed", sentence(row.failure.message), sentence(row.failure.hint)
        return
    if row.verdict is None:
        return
    for reason in row.verdict.reasons:
        yield name, reason.level, sentence(reason.text), sentence(reason.cure)
    if not row.verdict.reasons:
        yield name, row.verdict.level, MISSING, MISSING
    for text in row.verdict.unknown:
        yield name, "not checked", sentence(text), MISSING
