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
    details: Annotated[
        bool,
        typer.Option("--details", help="Show also cold starts, stages, memory and percentiles."),
    ] = False,
) -> None:
    """Show a results file, or write it as a page.

    The page has all details.

    \b
    Examples:
      fmnist-edge report result.json
      fmnist-edge report result.json --details
      fmnist-edge report result.json --out report.md
    """
    from fmnist_edge.files import write_atomically
    from fmnist_edge.report.markdown import markdown_report
    from fmnist_edge.result import read_run

    run = read_run(result)
    if out is None:
        render.benchmark(run, details=details)
        return
    write_atomically(out, markdown_report(run).encode())
    render.line(f"{out} is written.")
