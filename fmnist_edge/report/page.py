"""The whole report on a run, section by section; whoever shows it decides what it looks like."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from fmnist_edge.report import notes
from fmnist_edge.report.cells import Table
from fmnist_edge.report.crossover import crossover_table, crossovers, in_words
from fmnist_edge.report.decision import decision
from fmnist_edge.report.details import details, recall_table
from fmnist_edge.report.health import health
from fmnist_edge.report.method import method
from fmnist_edge.report.numbers import counted, label, quantity
from fmnist_edge.report.rows import other_versions
from fmnist_edge.report.table import benchmark_table, failures
from fmnist_edge.report.verdicts import rules_table, unmet, verdicts_table
from fmnist_edge.result import Run, Value

TITLE = "Fashion-MNIST on this machine"


@dataclass(frozen=True)
class Section:
    """A part of the report.

    Args:
        title: Its heading.
        table: Stands first; may be missing.
        items: A list below.
        paragraphs: Text below that; `*` and backquotes are those of Markdown.
        in_words: Tells what the table tells, for those who show no wide tables.
    """

    title: str
    table: Table | None = None
    items: tuple[str, ...] = ()
    paragraphs: tuple[str, ...] = ()
    in_words: tuple[str, ...] = ()


def sections(run: Run) -> Iterator[Section]:
    """Yield what has something to say: first the table and which file to ship."""
    yield Section(TITLE, benchmark_table(run), decision(run), tuple(_notes(run)))
    for section in _about(run):
        if (section.table and section.table.rows) or section.items or section.paragraphs:
            yield section


def title_of_several(runs: Sequence[Run]) -> str:
    """Return the heading of a page of several runs."""
    return f"Fashion-MNIST, {counted(len(runs), 'result')}"


def names_of(runs: Sequence[Run]) -> tuple[str, ...]:
    """Return what tells runs apart: their hosts, and dates where two are of the same host."""
    hosts = [run.host_name or "This machine" for run in runs]
    return tuple(
        f"{host}, {run.created}" if hosts.count(host) > 1 else host
        for host, run in zip(hosts, runs, strict=True)
    )


def _notes(run: Run) -> Iterator[str]:
    told = (
        notes.interruption_note(run),
        notes.tie_note(run),
        notes.accuracy_note(run),
        *notes.refused(run),
        notes.energy_note(run),
    )
    yield " ".join(filter(None, told))


def _about(run: Run) -> Iterator[Section]:
    found = crossovers(run)
    yield Section(
        "Other devices beside the CPU",
        crossover_table(run, found),
        tuple(in_words(run, each) for each in found),
    )
    yield Section(
        "May the figures be believed?",
        verdicts_table(run),
        in_words=(*notes.reasons(run), *notes.not_checked(run)),
    )
    yield Section("Remarks", items=notes.remarks(run))
    yield Section("Failed", items=failures(run))
    yield Section("Not measured", items=notes.skipped(run))
    yield Section("How it was measured", paragraphs=method(run))
    for title, table in details(run):
        yield Section(title, table)
    yield Section("Recall of each class, %", recall_table(run))
    yield Section("Rules met", rules_table(run), unmet(run))
    yield Section("Machine", items=_facts(run.host))
    yield Section("The machine while it was measured", items=_facts(health(run)))
    versions = {"fmnist-edge": run.version, **run.versions, **other_versions(run)}
    yield Section("Versions", items=_facts(versions))


def _facts(facts: Mapping[str, Value]) -> tuple[str, ...]:
    return tuple(f"{label(name)}: {quantity(name, value)}" for name, value in facts.items())
