"""A run as a Markdown page."""

from collections.abc import Iterable, Iterator, Mapping

from fmnist_edge.report.table import Table, benchmark_table, failures
from fmnist_edge.result import Run

__all__ = ["markdown_report", "markdown_table"]


def markdown_table(table: Table) -> str:
    """The cells as a Markdown table, without a newline at the end."""
    rule = ["--:" if numeric else ":--" for numeric in table.numeric]
    lines = (table.headers, rule, *table.rows)
    return "\n".join(f"| {' | '.join(map(_escaped, line))} |" for line in lines)


def _escaped(cell: str) -> str:
    return cell.replace("|", r"\|")  # a file may be called so


def markdown_report(run: Run) -> str:
    """The whole page: table, what failed, what was left out, how it was measured, and where."""
    return "\n\n".join(_sections(run)) + "\n"


def _sections(run: Run) -> Iterator[str]:
    yield "# Fashion-MNIST on this machine"
    yield markdown_table(benchmark_table(run))
    if problems := failures(run):
        yield "## Failed\n\n" + "\n".join(f"- {problem}" for problem in problems)
    if run.skipped:
        lines = (f"- {each.what}: {each.reason}. {each.hint}" for each in run.skipped)
        yield "## Not measured\n\n" + "\n".join(lines)
    yield _method(run)
    yield "## Machine\n\n" + _list(run.host)
    yield "## Versions\n\n" + _list(run.versions)


def _method(run: Run) -> str:
    settings = run.settings
    threads = _each(row.case.threads for row in run.rows)
    batch = _each(row.case.batch for row in run.rows)
    return (
        "## How it was measured\n\n"
        f"Measured {run.created} by fmnist-edge {run.version}, protocol `{settings.protocol}`. "
        f"Every row: {settings.processes} fresh process(es) in shuffled order, each importing only "
        f"its runtime; {settings.warmup_calls} calls to warm up, then {batch} image(s) per call on "
        f"{threads} thread(s), back to back, for at least {settings.min_seconds:g} s and "
        f"{settings.min_samples} calls (at most {settings.max_samples:,}), over "
        f"{settings.distinct_images} different images. "
        "Latency is inference alone, from a prepared input to an output the caller can read; "
        "percentiles are nearest-rank over all calls of all processes, and nothing is left out. "
        f"Accuracy is over all 10,000 test images. Throughput is counted over "
        f"{settings.throughput_seconds:g} s at {settings.throughput_batch} images per call. "
        "*first* is the first inference after opening, *load* the opening itself, both the median "
        "of the processes; RSS is the memory of the whole measuring process after the calls. "
        "`null` does nothing: its row is what the harness adds to every other."
    )


def _each(numbers: Iterable[int]) -> str:
    return " or ".join(map(str, sorted(set(numbers))))


def _list(facts: Mapping[str, str]) -> str:
    return "\n".join(f"- {name}: {value}" for name, value in facts.items())
