"""Options that several commands share."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Final

import typer

__all__ = ["ARTIFACTS", "ArtifactsOption", "DataDirOption", "ForceOption", "JsonFlag", "choice"]

ARTIFACTS: Final = Path("artifacts")

ArtifactsOption = Annotated[
    Path, typer.Option("--artifacts", metavar="DIR", help="The folder of artifacts.")
]
DataDirOption = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        metavar="DIR",
        envvar="FMNIST_EDGE_DATA_DIR",
        help="A folder with the four Fashion-MNIST files; only that one is used then.",
    ),
]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace existing files.")]
JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]


def choice(flag: str, names: Iterable[str], text: str) -> Any:  # noqa: ANN401 - as typer.Option
    """An option that takes one of `names`, which come from the tables of the library.

    Args:
        flag: `--name`.
        names: What is allowed; shown in the help and completed in shells.
        text: The help text.
    """
    allowed = list(dict.fromkeys(names))

    def check(given: str) -> str:
        if given not in allowed:
            raise typer.BadParameter(f"{given!r} is not one of {', '.join(allowed)}.")
        return given

    return typer.Option(
        flag,
        metavar=f"[{'|'.join(allowed)}]",
        help=text,
        parser=check,
        autocompletion=lambda: allowed,
    )
