"""`fmnist-edge`: the table of commands, and the handling of errors."""

import sys
import traceback
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from fmnist_edge import __version__
from fmnist_edge.errors import INTERRUPTED_EXIT_CODE, FmnistEdgeError, InternalError
from fmnist_edge_cli import (
    bench,
    compare,
    data,
    devices,
    environment,
    evaluate,
    export,
    render,
    report,
    study,
    train,
)


class _Commands(TyperGroup):
    """Reports Ctrl-C in a sentence; Typer would end without one."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - as in the base
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            render.interrupted()
            raise typer.Exit(INTERRUPTED_EXIT_CODE) from error


# Plain help, for speed: rich help costs 0.2 s here and a second or two on a Raspberry Pi.
app: Final = typer.Typer(
    name="fmnist-edge",
    cls=_Commands,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    epilog="Start with: fmnist-edge train, fmnist-edge export, fmnist-edge bench. "
    "Each command has examples under --help.",
)

# In the order of their usual use.
app.command("data")(data.data)
app.command("study")(study.study)
app.command("train")(train.train)
app.command("evaluate")(evaluate.evaluate)
app.command("export")(export.export)
app.command("devices")(devices.devices)
app.command("bench")(bench.bench)
app.command("report")(report.report)
app.command("compare")(compare.compare)
app.add_typer(environment.app, name="environment")


def _show_version(value: bool) -> None:
    if value:
        typer.echo(f"fmnist-edge {__version__}")
        raise typer.Exit


@app.callback()
def _fmnist_edge(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Train a Fashion-MNIST classifier, export it, and measure which file to ship to a device."""


def main() -> None:
    """Run the command line; report each error as a sentence and set the exit code."""
    try:
        app()
    except FmnistEdgeError as error:
        render.failure(error)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        render.interrupted()
        sys.exit(INTERRUPTED_EXIT_CODE)
    except Exception as error:  # noqa: BLE001 - the edge of the process
        bug = InternalError(
            f"An unexpected error occurred ({type(error).__name__}: {error}).",
            hint="This is a bug; please report it with the text above.",
        )
        sys.stderr.write(traceback.format_exc())
        render.failure(bug)
        sys.exit(bug.exit_code)
