"""Options that several commands share, and checks of their values."""

import math
import reprlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer

ARTIFACTS: Final = Path("artifacts")
# The largest number of threads, and of a CPU: a larger one is a typing error, which libraries would
# answer with a crash.
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
    """Return an option that takes one of `names`, which come from the tables of the library.

    Args:
        flag: `--name`.
        names: The allowed values; shown in the help and completed in shells.
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


def finite(given: float | None) -> float | None:
    """Return the value of a float option; the callback of every option of that type.

    Click takes "nan" and "inf" for numbers, and lets NaN pass every minimum and maximum.

    Args:
        given: Value of the option; None where it was left out.

    Raises:
        typer.BadParameter: The value is NaN or infinite.
    """
    if given is not None and not math.isfinite(given):
        raise typer.BadParameter(f"{given} is not a finite number.")
    return given


def numbers(flag: str, given: Sequence[str], *, least: int) -> tuple[int, ...]:
    """Return the whole numbers of a list such as "1,2,4", each once, in the given order.

    Args:
        flag: `--name`, for the error message.
        given: Values of the option, which may be given several times.
        least: The smallest number that is allowed.

    Raises:
        UsageError: A value is something else than whole numbers from `least` to 9999.
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
