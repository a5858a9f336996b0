"""`fmnist-edge report`: a results file as something to read."""

from pathlib import Path
from typing import Annotated

import typer

from fmnist_edge_cli import render


def report(
    result: Annotated[Path, typer.Argument(metavar="RESULT.json", help="From bench --json.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE.md", help="Write a Markdown page instead."),
    ] = None,
    short: Annotated[
        bool, typer.Option("--short", help="Show only what bench shows at its end.")
    ] = False,
    wide: Annotated[
        bool, typer.Option("--wide", help="With --short: show all columns of the table.")
    ] = False,
) -> None:
    """Show everything in a results file, or write it as a page.

    \b
    Examples:
      fmnist-edge report result.json
      fmnist-edge report result.json --short
      fmnist-edge report result.json --out report.md
    """
    from fmnist_edge.files import write_atomically
    from fmnist_edge.report.markdown import markdown_report
    from fmnist_edge.result import read_run

    run = read_run(result)
    if out is None and short:
        render.first_screen(run, result, wide=wide)
        return
    if out is None:
        render.whole_report(run)
        return
    write_atomically(out, markdown_report(run).encode())
    render.line(f"{out} is written.")
