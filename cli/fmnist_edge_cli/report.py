"""`fmnist-edge report`: a results file as something to read."""

from pathlib import Path
from typing import Annotated

import typer

from fmnist_edge_cli import render
from fmnist_edge_cli.options import ColumnsOption, WideFlag, column_names


def report(
    result: Annotated[Path, typer.Argument(metavar="RESULT.json", help="From bench --json.")],
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
    """Show everything in a results file, or write it as a page.

    --wide and --columns choose the columns of what --short shows.

    \b
    Examples:
      fmnist-edge report result.json
      fmnist-edge report result.json --short
      fmnist-edge report result.json --short --columns size,p50,cold
      fmnist-edge report result.json --out report.md
    """
    from fmnist_edge.errors import UsageError
    from fmnist_edge.files import write_atomically
    from fmnist_edge.report.markdown import markdown_report
    from fmnist_edge.result import read_run

    chosen = column_names(columns, wide=wide)
    if chosen is not None and not short:
        raise UsageError(
            "--wide and --columns choose the columns of --short; the whole report has all of them.",
            hint="Add --short, or leave them out.",
        )
    run = read_run(result)
    if out is None and short:
        render.first_screen(run, result, columns=chosen)
        return
    if out is None:
        render.whole_report(run)
        return
    write_atomically(out, markdown_report(run).encode())
    render.line(f"{out} is written.")
