"""Options that several commands share."""

import reprlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer

__all__ = [
    "ARTIFACTS",
    "ArtifactsOption",
    "DataDirOption",
    "ForceOption",
    "JsonFlag",
    "choice",
    "numbers",
]

ARTIFACTS: Final = Path("artifacts")
# Of threads and CPUs: beyond, it is a slip of the finger, and libraries do not take it.
_MOST: Final = 9_999
_DIGITS: Final = 9

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


def numbers(flag: str, given: Sequence[str], *, least: int) -> tuple[int, ...]:
    """Whole numbers from "1,2,4", or from an option that was given several times; each once.

    Args:
        flag: `--name`, for the error message.
        given: What stood after it, each time.
        least: The smallest number that makes sense.

    Raises:
        UsageError: something else stands there.
    """
    from fmnist_edge.errors import UsageError

    parts = [part.strip() for text in given for part in text.split(",")]
    # isdecimal() alone would let other scripts' digits through, and so would int().
    if not all(part.isascii() and part.isdecimal() for part in parts) or not all(
        len(part) <= _DIGITS and int(part) in range(least, _MOST + 1) for part in parts
    ):
        raise UsageError(
            f"{flag} takes whole numbers from {least} to {_MOST}, separated by commas, "
            f"not {reprlib.repr(','.join(given))}.",
            hint=f"For example: {flag} {least},{least + 1}",
        )
    return tuple(dict.fromkeys(map(int, parts)))
