"""`fmnist-edge`: the commands together, and the handling of errors."""

import sys
import traceback
from typing import Annotated, Any, Final

import typer

from fmnist_edge import __version__
from fmnist_edge.errors import INTERRUPTED_EXIT_CODE, FmnistEdgeError, InternalError
from fmnist_edge_cli.commands import LazyGroup


class _Commands(LazyGroup):
    """Reports Ctrl-C in a sentence; Typer would end without one."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - as in the base
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            from fmnist_edge_cli import render

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
    except (FmnistEdgeError, KeyboardInterrupt) as error:
        sys.exit(_told(error))
    except Exception as error:  # noqa: BLE001 - the edge of the process
        bug = InternalError(
            f"An unexpected error occurred ({type(error).__name__}: {error}).",
            hint="This is a bug; please report it with the text above.",
        )
        sys.stderr.write(traceback.format_exc())
        sys.exit(_told(bug))


def _told(error: FmnistEdgeError | KeyboardInterrupt) -> int:
    """Report what ended the command, and return the exit code."""
    from fmnist_edge_cli import render

    if isinstance(error, KeyboardInterrupt):
        render.interrupted()
        return INTERRUPTED_EXIT_CODE
    render.failure(error)
    return error.exit_code
