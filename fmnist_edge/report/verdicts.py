"""What was checked of each row: its figures, with reasons, and the rules of protocols."""

from collections.abc import Iterator
from typing import Final

from fmnist_edge.report import sentences
from fmnist_edge.report.cells import Column, Table, tabulate
from fmnist_edge.report.columns import case_columns
from fmnist_edge.report.figures import named
from fmnist_edge.report.numbers import MISSING, counted, listed, sentence
from fmnist_edge.report.rows import ordered, row_names
from fmnist_edge.result import Row, Run

_Line = tuple[str, str, str, str, str]
_HEADERS: Final = ("row", "verdict", "figures", "why", "what to do")


def verdicts_table(run: Run) -> Table:
    """Return a line per row and reason, and one for a row without reasons."""
    name = row_names(run)
    lines = tuple(line for row in ordered(run) for line in _lines(name(row), row))
    return Table(_HEADERS, lines, (False,) * len(_HEADERS))


def _lines(name: str, row: Row) -> Iterator[_Line]:
    if row.failure:
        failure = row.failure
        yield name, "failed", MISSING, sentence(failure.message), sentence(failure.hint)
        return
    for reason in row.reasons:
        told = sentences.reason(reason)
        yield name, reason.level, named(reason.figures), sentence(told.sentence), told.cure
    if row.verdicts and not row.reasons:
        yield name, "VALID", "all", MISSING, MISSING
    for each in row.not_checked:
        told = sentences.not_checked(each)
        yield name, "not checked", MISSING, sentence(told.sentence), told.cure or MISSING


def rules_table(run: Run) -> Table:
    """Return a line per row, a column per protocol: "met", or how many of its rules are."""
    rows = [row for row in ordered(run) if row.rules]
    protocols = dict.fromkeys(rule.protocol for row in rows for rule in row.rules)
    return tabulate([*case_columns(run), *map(_rules_column, protocols)], rows)


def _rules_column(protocol: str) -> Column[Row]:
    def cell(row: Row) -> str:
        own = [rule.met for rule in row.rules if rule.protocol == protocol]
        if not own:
            return MISSING
        return "met" if all(own) else f"{sum(own)} of {len(own)}"

    return Column(protocol, cell, numeric=False)


def unmet(run: Run) -> tuple[str, ...]:
    """Return each rule that some row does not meet, and what was found instead."""
    name = row_names(run)
    found: dict[str, list[str]] = {}
    for row in ordered(run):
        for rule in row.rules:
            if not rule.met:
                told = sentences.rule(rule)
                found.setdefault(told.sentence, []).append(f"{name(row)} ({told.found})")
    return tuple(
        f"{asked}: not met by {counted(len(rows), 'row')}: {listed(rows, len(rows))}."
        for asked, rows in found.items()
    )
