"""A run as a Markdown page."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from fmnist_edge.report import notes
from fmnist_edge.report.cells import Table
from fmnist_edge.report.details import details, recall_table
from fmnist_edge.report.health import health
from fmnist_edge.report.method import method
from fmnist_edge.report.numbers import label, quantity
from fmnist_edge.report.table import benchmark_table, failures
from fmnist_edge.report.verdicts import rules_table, unmet, verdicts_table
from fmnist_edge.result import Run, Value


def markdown_table(table: Table) -> str:
    """Return the cells as a Markdown table with its note, without a newline at the end."""
    rule = ["--:" if numeric else ":--" for numeric in table.numeric]
    lines = (table.headers, rule, *table.rows)
    drawn = "\n".join(f"| {' | '.join(map(_escaped, line))} |" for line in lines)
    return f"{drawn}\n\n{table.note}" if table.note else drawn


def _escaped(cell: str) -> str:
    return cell.replace("|", r"\|").replace("\n", " ")  # a file may be called so


def markdown_report(run: Run) -> str:
    """Return the whole page: tables, verdicts, what is missing and why, and how it was measured."""
    return "\n\n".join(_sections(run)) + "\n"


def _sections(run: Run) -> Iterator[str]:
    yield "# Fashion-MNIST on this machine"
    yield markdown_table(benchmark_table(run))
    yield from filter(None, [" ".join(filter(None, _notes(run)))])
    yield from _titled("May the figures be believed?", verdicts_table(run))
    yield from _listed("Remarks", notes.remarks(run))
    yield from _listed("Failed", failures(run))
    yield from _listed("Not measured", notes.skipped(run))
    yield "## How it was measured\n\n" + method(run)
    for title, table in details(run):
        yield from _titled(title, table)
    yield from _titled("Recall of each class, %", recall_table(run))
    yield from _rules(run)
    yield "## Machine\n\n" + _facts(run.host)
    yield "## The machine while it was measured\n\n" + _facts(health(run))
    yield "## Versions\n\n" + _facts({"fmnist-edge": run.version, **run.versions})


def _notes(run: Run) -> Iterator[str]:
    yield notes.interruption_note(run)
    yield notes.tie_note(run)
    yield notes.accuracy_note(run)
    yield from notes.refused(run)
    yield notes.energy_note(run)


def _titled(title: str, table: Table) -> Iterator[str]:
    if table.rows:
        yield f"## {title}\n\n{markdown_table(table)}"


def _rules(run: Run) -> Iterator[str]:
    yield from _titled("Rules met", rules_table(run))
    yield from filter(None, [_bullets(unmet(run))])


def _listed(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield f"## {title}\n\n{_bullets(lines)}"


def _bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _facts(facts: Mapping[str, Value]) -> str:
    return _bullets(f"{label(name)}: {quantity(name, value)}" for name, value in facts.items())
