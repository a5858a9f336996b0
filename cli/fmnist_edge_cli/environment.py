"""`fmnist-edge environment`: interpreters with other runtimes, or other versions of them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from fmnist_edge_cli import render
from fmnist_edge_cli.options import JsonOption, QuietOption, VerboseOption, check_json

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fmnist_edge.environments import Description
    from fmnist_edge.pipeline.environments import Listed
    from fmnist_edge.report.cells import Table

app: Final = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _environment() -> None:
    """Keep other runtimes and versions beside this one.

    Packages such as onnxruntime, onnxruntime-gpu and onnxruntime-webgpu bring the same module, so
    that one environment can have only one of them. Each environment is a folder of its own with
    one Python, one set of packages, and the fmnist-edge that made it.

    \b
    Examples:
      fmnist-edge environment add webgpu onnxruntime-webgpu
      fmnist-edge environment list
      fmnist-edge environment remove webgpu
    """


def _names() -> list[str]:
    """Return the names that a shell completes."""
    from fmnist_edge.environments import names

    return list(names())


NameArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="Its name.", autocompletion=_names)
]


@app.command("add")
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="How to call it.")],
    packages: Annotated[
        list[str] | None,
        typer.Argument(metavar="PACKAGE", help="What to install, as pip takes it."),
    ] = None,
    wheels: Annotated[
        Path | None,
        typer.Option(
            "--wheels",
            metavar="FOLDER",
            exists=True,
            file_okay=False,
            help="Install from the wheels in this folder, without network.",
        ),
    ] = None,
    python: Annotated[
        str | None,
        typer.Option(
            "--python",
            metavar="PYTHON",
            help="Make it with this Python, a path or a program.",
            show_default="the one that runs this",
        ),
    ] = None,
    use: Annotated[
        Path | None,
        typer.Option(
            "--use",
            metavar="PATH/bin/python",
            help="Make nothing: name a Python that has this fmnist-edge installed already.",
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace an environment of this name.")
    ] = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Make an environment, or give a name to a Python.

    uv makes it where it is installed, else venv and pip do. Besides the packages that you name, it
    has what a measuring process needs (NumPy and three small packages), and this fmnist-edge itself
    by a link, so that both always have the same code. It lies in the folder of your data, and
    a half-made one never remains.

    \b
    Examples:
      fmnist-edge environment add webgpu onnxruntime-webgpu
      fmnist-edge environment add old onnxruntime==1.23.2 --python python3.12
      fmnist-edge environment add offline ai-edge-litert --wheels wheels/
      fmnist-edge environment add theirs --use ~/their-venv/bin/python
    """
    from fmnist_edge import environments
    from fmnist_edge.errors import UsageError

    if (use is None) == (not packages):
        raise UsageError(
            "An environment needs packages to install, or --use with a Python that has them.",
            hint="For example: fmnist-edge environment add webgpu onnxruntime-webgpu",
        )
    if use is not None:
        if wheels is not None or python is not None:
            raise UsageError("--use installs nothing; --wheels and --python contradict it.")
        made = environments.register(name, use, replace=force)
    else:
        made = environments.make(
            name,
            packages or (),
            python=python or "",
            wheels=wheels,
            replace=force,
            progress=render.progress_display(quiet=quiet, verbose=verbose),
        )
    told = made.description
    held = _libraries(told) or "no runtime that fmnist-edge knows"
    render.line(f"The environment {name} has Python {told.python} and {held}.")


@app.command("list")
def list_(json: JsonOption = None) -> None:
    """List the environments and what they hold.

    Those that cannot be used say why. The one called . is that of this program itself.

    \b
    Examples:
      fmnist-edge environment list
      fmnist-edge environment list --json -
    """
    from fmnist_edge.pipeline.environments import list_environments

    check_json(json, force=False)
    found = list_environments()
    told = {"kind": "fmnist-edge environments", "environments": found}
    if json is None or not render.json_answer(told, json):
        render.table(_table(found))
        for each in found:
            if each.problem:
                render.line(f"{each.problem} {each.cure}")


def _table(found: "Sequence[Listed]") -> "Table":
    from fmnist_edge.report.cells import Column, tabulate
    from fmnist_edge.report.numbers import MISSING

    def told(tell: "Callable[[Description], str]") -> "Callable[[Listed], str]":
        return lambda each: (each.description and tell(each.description)) or MISSING

    return tabulate(
        (
            Column("environment", lambda each: each.name, numeric=False),
            Column("usable", lambda each: "no" if each.problem else "yes", numeric=False),
            Column("Python", told(lambda known: known.python), numeric=False),
            Column("fmnist-edge", told(lambda known: known.version), numeric=False),
            Column("runtimes", told(_libraries), numeric=False),
            Column("path", lambda each: each.path, numeric=False),
        ),
        found,
        spare=("fmnist-edge", "path"),
    )


def _libraries(known: "Description") -> str:
    """Return the distributions of the runtimes, each once: "onnxruntime-webgpu 1.27.0"."""
    each = (f"{library.distribution} {library.version}" for library in known.runtimes.values())
    return ", ".join(dict.fromkeys(each))


@app.command("remove")
def remove(name: NameArgument) -> None:
    """Remove an environment.

    A Python that was named with --use stays as it is.

    \b
    Examples:
      fmnist-edge environment remove webgpu
    """
    from fmnist_edge import environments

    environments.remove(name)
    render.line(f"The environment {name} is removed.")
