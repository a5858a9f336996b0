"""`fmnist-edge wheelhouse`: gather what a machine without network installs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from fmnist_edge_cli import render
from fmnist_edge_cli.options import JsonOption, QuietOption, VerboseOption, check_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fmnist_edge.environments.wheelhouse import Gathered, WheelFile
    from fmnist_edge.report.cells import Table

_DEVICE: Final = "device"


def wheelhouse(
    platform: Annotated[
        str,
        typer.Option(
            "--platform",
            metavar="aarch64|x86_64|armv7l",
            help="Processor of the machine, as uname -m tells it there.",
            show_default="this machine's",
        ),
    ] = "",
    python: Annotated[
        str,
        typer.Option(
            "--python",
            metavar="3.N",
            help="Version of Python on the machine.",
            show_default="the one that runs this",
        ),
    ] = "",
    extra: Annotated[
        list[str] | None,
        typer.Option(
            "--extra",
            metavar="NAME[,NAME]",
            help="What to install besides the base (repeatable).",
            show_default=_DEVICE,
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="FOLDER", help="Where to put the wheels.")
    ] = Path("wheels"),
    json: JsonOption = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Gather the wheels that a machine without network needs.

    pip downloads them for the machine and the Python that you name, and the wheel of this very
    fmnist-edge is made beside them. What is there already is not downloaded again. One folder can
    hold the wheels for several kinds of machine; wheels.json in it tells which are for what. The
    last line of the answer is the command that installs from them.

    \b
    Examples:
      fmnist-edge wheelhouse --platform aarch64 --python 3.13 -o wheels/
      fmnist-edge wheelhouse --extra litert,onnx
    """
    from fmnist_edge.environments.wheel_target import checked_target
    from fmnist_edge.environments.wheelhouse import gather

    check_json(json, force=False)
    names = [part.strip() for text in extra or (_DEVICE,) for part in text.split(",")]
    gathered = gather(
        out,
        checked_target(platform, python),
        [name for name in names if name],
        render.progress_display(quiet=quiet, verbose=verbose),
    )
    if json is None or not render.json_answer(_told(gathered, out), json):
        render.table(_table(gathered.wheels))
        render.line(_summary(gathered, out))


def _told(gathered: "Gathered", folder: Path) -> dict[str, object]:
    gathering = gathered.gathering
    return {
        "kind": "fmnist-edge wheelhouse",
        "folder": str(folder),
        "platform": gathering.platform,
        "python": gathering.python,
        "extras": gathering.extras,
        "size_bytes": sum(each.size_bytes for each in gathered.wheels),
        "new": gathered.new,
        "wheels": gathered.wheels,
    }


def _table(wheels: "Sequence[WheelFile]") -> "Table":
    from fmnist_edge.report.cells import Column, tabulate
    from fmnist_edge.report.numbers import mega

    return tabulate(
        (
            Column("package", lambda each: each.name, numeric=False),
            Column("version", lambda each: each.version, numeric=False),
            Column("MB", lambda each: mega(each.size_bytes, 2)),
            Column("file", lambda each: each.file, numeric=False),
        ),
        wheels,
        spare=("file",),
    )


def _summary(gathered: "Gathered", folder: Path) -> str:
    import shlex

    from fmnist_edge.report.numbers import counted, mega

    gathering = gathered.gathering
    size = mega(sum(each.size_bytes for each in gathered.wheels))
    named = f"fmnist-edge[{','.join(gathering.extras)}]" if gathering.extras else "fmnist-edge"
    return (
        f"{folder} has {counted(len(gathered.wheels), 'wheel')} ({size} MB) for "
        f"{gathering.target.words}; {len(gathered.new)} of them are new. Install there with: "
        f"python3 -m pip install --no-index --find-links {shlex.quote(str(folder))} "
        f"{shlex.quote(named)}"
    )
