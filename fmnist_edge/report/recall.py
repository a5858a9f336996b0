"""Which classes a model finds."""

from collections.abc import Sequence
from typing import Final

from fmnist_edge.dataset import LABELS
from fmnist_edge.report.cells import MISSING, Column, Table, percent, tabulate
from fmnist_edge.report.columns import case_columns
from fmnist_edge.report.rows import ordered
from fmnist_edge.result import Row, Run

__all__ = ["recall_table"]

# More classes than that make no table that anybody reads.
_MOST: Final = 20


def recall_table(run: Run) -> Table:
    """Recall of each class in percent where there is an accuracy; empty for too many classes."""
    rows = [
        row
        for row in ordered(run)
        if not row.failure and row.accuracy and not row.case.subject.is_floor
    ]
    classes = max((len(_recall(row)) for row in rows), default=0)
    if classes > _MOST:
        rows = []
    named = LABELS if classes == len(LABELS) else [f"class {index}" for index in range(classes)]
    return tabulate(
        [*case_columns(run), *(_column(index, name) for index, name in enumerate(named))], rows
    )


def _column(index: int, name: str) -> Column[Row]:
    def cell(row: Row) -> str:
        found = _recall(row)
        return percent(found[index], 1) if index < len(found) else MISSING

    return Column(name, cell)


def _recall(row: Row) -> Sequence[float | None]:
    if row.accuracy is None:
        return ()
    confusion = row.accuracy.confusion
    whole = all(len(given) == len(confusion) for given in confusion)
    return row.accuracy.recall if whole else ()
