"""Which rules of which protocols the rows meet."""

from fmnist_edge.report.cells import MISSING, Column, Table, counted, listed, tabulate
from fmnist_edge.report.columns import case_columns
from fmnist_edge.report.rows import ordered, row_names
from fmnist_edge.result import Row, RuleCheck, Run

__all__ = ["rules_table", "unmet"]


def rules_table(run: Run) -> Table:
    """A line per row, a column per protocol: "met", or how many of its rules are."""
    rows = [row for row in ordered(run) if row.rules]
    protocols = dict.fromkeys(_protocol(rule) for row in rows for rule in row.rules)
    return tabulate(
        [*case_columns(run), *(_column(protocol) for protocol in protocols)],
        rows,
    )


def _column(protocol: str) -> Column[Row]:
    def cell(row: Row) -> str:
        own = [rule.met for rule in row.rules if _protocol(rule) == protocol]
        if not own:
            return MISSING
        return "met" if all(own) else f"{sum(own)} of {len(own)}"

    return Column(protocol, cell, numeric=False)


def unmet(run: Run) -> tuple[str, ...]:
    """Each rule that some row does not meet, and what was found instead."""
    found: dict[str, list[tuple[Row, RuleCheck]]] = {}
    for row in ordered(run):
        for rule in row.rules:
            if not rule.met:
                found.setdefault(rule.rule, []).append((row, rule))
    name = row_names(run)
    return tuple(
        f"{rule}: not met by {counted(len(rows), 'row')}: "
        f"{listed([f'{name(row)} ({check.found})' for row, check in rows], len(rows))}."
        for rule, rows in found.items()
    )


def _protocol(rule: RuleCheck) -> str:
    """What stands before the colon: mobile-like."""
    return rule.rule.partition(":")[0]
