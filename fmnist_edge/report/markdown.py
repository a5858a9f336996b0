"""A run as a Markdown page."""

from collections.abc import Iterable, Iterator, Sequence

from fmnist_edge.records import replace
from fmnist_edge.report.cells import Table
from fmnist_edge.report.page import Section, names_of, sections, title_of_several
from fmnist_edge.result import Run


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
    first, *others = sections(run)
    parts = [*_parts("#", first), *(part for each in others for part in _parts("##", each))]
    return "\n\n".join(parts) + "\n"


def markdown_reports(runs: Sequence[Run]) -> str:
    """Return one page of several runs: a part for each, headed by its machine."""
    if len(runs) == 1:
        return markdown_report(runs[0])
    parts = [f"# {title_of_several(runs)}"]
    for run, name in zip(runs, names_of(runs), strict=True):
        first, *others = sections(run)
        parts += _parts("##", replace(first, title=name))
        parts += [part for each in others for part in _parts("###", each)]
    return "\n\n".join(parts) + "\n"


def _parts(level: str, section: Section) -> Iterator[str]:
    yield f"{level} {section.title}"
    if section.table is not None:
        yield markdown_table(section.table)
    if section.items:
        yield _bullets(section.items)
    yield from section.paragraphs


def _bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)
