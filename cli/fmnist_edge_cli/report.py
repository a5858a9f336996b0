"""`fmnist-edge report`: a results file as something to read."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fmnist_edge_cli import render
from fmnist_edge_cli.options import ColumnsOption, WideFlag, column_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fmnist_edge.result import Run


def report(
    results: Annotated[
        list[Path],
        typer.Argument(metavar="RESULT.json", help="From bench --json; several make one report."),
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE.md", help="Write a Markdown page instead."),
    ] = None,
    short: Annotated[
        bool, typer.Option("--short", help="Show only what bench shows at its end.")
    ] = False,
    wide: WideFlag = False,
    columns: ColumnsOption = None,
) -> None:
    """Show everything in results files, or write it as a page.

    --wide and --columns choose the columns of what --short shows.

    \b
    Examples:
      fmnist-edge report result.json
      fmnist-edge report result.json --short
      fmnist-edge report result.json --short --columns size,p50,cold
      fmnist-edge report result.json --out report.md
      fmnist-edge report raspberrypi.local.json laptop.json --out both.md
    """
    from fmnist_edge.errors import UsageError
    from fmnist_edge.files import write_atomically
    from fmnist_edge.report.markdown import markdown_reports
    from fmnist_edge.result import read_run

    chosen = column_names(columns, wide=wide)
    if chosen is not None and not short:
        raise UsageError(
            "--wide and --columns choose the columns of --short; the whole report has all of them.",
            hint="Add --short, or leave them out.",
        )
    runs = [read_run(each) for each in results]
    if out is not None:
        write_atomically(out, markdown_reports(runs).encode())
        render.line(f"{out} is written.")
        return
    for heading, run, result in zip(_headings(runs), runs, results, strict=True):
        if heading:
            render.heading(heading)
        if short:
            render.first_screen(run, result, columns=chosen)
        else:
            render.whole_report(run)


def _headings(runs: "Sequence[Run]") -> "Sequence[str]":
    """Return what stands above each result; nothing where there is only one."""
    from fmnist_edge.report.page import names_of

    return names_of(runs) if len(runs) > 1 else [""]
