"""A run as a Markdown page."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from fmnist_edge.report import remarks
from fmnist_edge.report.cells import Table
from fmnist_edge.report.details import details
from fmnist_edge.report.health import health
from fmnist_edge.report.method import method
from fmnist_edge.report.recall import recall_table
from fmnist_edge.report.rules import rules_table, unmet
from fmnist_edge.report.table import benchmark_table, failures
from fmnist_edge.report.verdicts import verdicts_table
from fmnist_edge.result import Run

__all__ = ["markdown_report", "markdown_table"]


def markdown_table(table: Table) -> str:
    """The cells as a Markdown table, without a newline at the end."""
    rule = ["--:" if numeric else ":--" for numeric in table.numeric]
    lines = (table.headers, rule, *table.rows)
    return "\n".join(f"| {' | '.join(map(_escaped, line))} |" for line in lines)


def _escaped(cell: str) -> str:
    return cell.replace("|", r"\|").replace("\n", " ")  # a file may be called so


def markdown_report(run: Run) -> str:
    """The whole page: tables, verdicts, what is missing and why, how it was measured, and where."""
    return "\n\n".join(_sections(run)) + "\n"


def _sections(run: Run) -> Iterator[str]:
    yield "# Fashion-MNIST on this machine"
    yield markdown_table(benchmark_table(run))
    yield from filter(None, [" ".join(filter(None, _notes(run)))])
    yield from _titled("May the rows be believed?", verdicts_table(run))
    yield from _listed("Remarks", remarks.remarks(run))
    yield from _listed("Failed", failures(run))
    yield from _listed(
        "Not measured", [f"{each.what}: {each.reason}. {each.hint}" for each in run.skipped]
    )
    yield "## How it was measured\n\n" + method(run)
    for title, table in details(run):
        yield from _titled(title, table)
    yield from _titled("Recall of each class, %", recall_table(run))
    yield from _rules(run)
    yield "## Machine\n\n" + _facts(run.host)
    yield "## The machine while it was measured\n\n" + _facts(health(run))
    yield "## Versions\n\n" + _facts({"fmnist-edge": run.version, **run.versions})


def _notes(run: Run) -> Iterator[str]:
    yield remarks.tie_note(run)
    yield remarks.accuracy_note(run)
    yield from remarks.refused(run)
    yield remarks.energy_note(run)


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


def _facts(facts: Mapping[str, str]) -> str:
    return _bullets(f"{name}: {value}" for name, value in facts.items())
