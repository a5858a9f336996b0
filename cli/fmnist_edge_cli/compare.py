"""`fmnist-edge compare`: two results files of the same cases."""

from pathlib import Path
from typing import Annotated

import typer

from fmnist_edge_cli import render
from fmnist_edge_cli.options import (
    JsonOption,
    QuietOption,
    check_json,
)


def _share(text: str) -> float:
    """0.05 of "5%", "5" and "1.05x"."""
    number = text.strip().removesuffix("%").removesuffix("x")
    try:
        share = float(number) - 1 if text.strip().endswith("x") else float(number) / 100
    except ValueError:
        share = -1.0
    if not 0 <= share < float("inf"):
        raise typer.BadParameter(f"{text!r} is neither like 5% nor like 1.05x.")
    return share


def compare(
    old: Annotated[Path, typer.Argument(metavar="OLD.json", help="From bench --json.")],
    new: Annotated[Path, typer.Argument(metavar="NEW.json", help="From bench --json, later.")],
    fail_above: Annotated[
        float | None,
        typer.Option(
            "--fail-above",
            metavar="PERCENT",
            parser=_share,
            help="End with 93 if a row is surely slower by more than that: 5%, 1.05x.",
        ),
    ] = None,
    json: JsonOption = None,
    quiet: QuietOption = False,
) -> None:
    """Tell what became slower or faster between two runs, and what is only chance.

    Rows are matched by the hash of the model, runtime, device, threads and batch. Runs of different
    protocols or data are refused.

    \b
    Examples:
      fmnist-edge compare before.json after.json
      fmnist-edge compare before.json after.json --fail-above 5%
      fmnist-edge compare laptop.json raspberry-pi.json --json -
    """
    from fmnist_edge.errors import SlowerError, UsageError
    from fmnist_edge.report import compare as comparing
    from fmnist_edge.report.compare_text import comparison_remarks
    from fmnist_edge.report.numbers import listed
    from fmnist_edge.result import read_run

    check_json(json, force=False)
    before, after = read_run(old), read_run(new)
    comparison = comparing.compare(before, after)
    if json is None or not render.json_answer(comparison, json):
        render.comparison(comparison)
    for remark in () if quiet else comparison_remarks(comparison, before, after):
        render.warning(remark)
    if fail_above is None:
        return
    if not comparing.can_be_judged(comparison):
        raise UsageError(
            "--fail-above cannot tell: no row was measured in two processes or more.",
            hint="Measure both again with --processes 3 or more.",
        )
    if slower := comparing.slower_than(comparison, fail_above):
        raise SlowerError(f"Slower by more than {100 * fail_above:g} %: {listed(slower)}.")
