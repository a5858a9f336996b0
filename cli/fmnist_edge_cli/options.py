"""Options that several commands share, and checks of their values."""

import math
import re
import reprlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer

ARTIFACTS: Final = Path("artifacts")
# The name that stands for the standard output, as in other programs.
STDOUT: Final = Path("-")
# What every JSON file of this program says about itself.
_OURS: Final = b'"kind": "fmnist-edge '
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
# Those of `fmnist_edge.report.narrow`, which the help does not wait for.
COLUMNS: Final = (
    *("size", "accuracy", "change", "p50", "interval", "dispatch", "p90", "paced", "paced-p90"),
    *("cold", "throughput", "energy", "memory", "ratio", "verdict"),
)
WideFlag = Annotated[bool, typer.Option("--wide", help="Show all columns of the table.")]
ColumnsOption = Annotated[
    str | None,
    typer.Option(
        "--columns",
        metavar="NAME[,NAME...]",
        help=f"Show these columns of the table: {', '.join(COLUMNS)}.",
    ),
]


def _environments() -> list[str]:
    """Return the names that a shell completes."""
    from fmnist_edge.environments import HERE, names

    return [HERE, *names()]


EnvironmentOption = Annotated[
    list[str] | None,
    typer.Option(
        "--environment",
        metavar="NAME",
        help="Use the runtimes of this environment (repeatable; . is this one).",
        autocompletion=_environments,
        show_default=".",
    ),
]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace existing files.")]


def _json_file(given: Path | None) -> Path | None:
    """Return where JSON is to be written; the callback of `JsonOption`.

    Raises:
        typer.BadParameter: Another option stands in the place of the file.
    """
    if given is not None and given != STDOUT and str(given).startswith("-"):
        raise typer.BadParameter(f"a file is needed, or - for the standard output, not {given}.")
    return given


JsonOption = Annotated[
    Path | None,
    typer.Option(
        "--json",
        metavar="FILE",
        callback=_json_file,
        help="Write JSON for scripts to this file; - is the standard output.",
    ),
]


def main_file(named: Path) -> Path:
    """Return the main file of the model that the user named: a SavedModel is a folder.

    Raises:
        ArtifactNotFoundError: The bundle that was named has no such model.
        UsageError: The bundle has several models.
        BundleError: The bundle is damaged, or is none.
        StorageError: The bundle cannot be unpacked.
    """
    from fmnist_edge.pipeline.sources import one_model

    return one_model(named)


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


QuietOption = Annotated[
    bool, typer.Option("--quiet", "-q", help="Show no progress and no remarks.")
]
VerboseOption = Annotated[
    bool, typer.Option("--verbose", "-v", help="Show every step of the progress, a line each.")
]


def check_json(file: Path | None, *, force: bool) -> None:
    """Find out before long work whether JSON may be written to this file.

    Args:
        file: Value of `JsonOption`.
        force: Whether a file that this program did not write may be replaced.

    Raises:
        ArtifactExistsError: Such a file is there.
        StorageError: The file could not be written.
    """
    from fmnist_edge.errors import ArtifactExistsError
    from fmnist_edge.files import check_room, storage_errors

    if file is None or file == STDOUT:
        return
    check_room(file)
    with storage_errors(file):
        foreign = file.exists() and file.stat().st_size > 0 and _OURS not in file.read_bytes()
    if foreign and not force:
        raise ArtifactExistsError(
            f"{file} is there already, and fmnist-edge did not write it.",
            hint="Choose another name, or pass --force where the command has it.",
        )


def column_names(given: str | None, *, wide: bool) -> Sequence[str] | None:
    """Return the columns that `--columns` or `--wide` ask for; None where neither was given.

    Raises:
        UsageError: There is no such column, or both options were given.
    """
    from fmnist_edge.errors import UsageError

    if given is None:
        return COLUMNS if wide else None
    if wide:
        raise UsageError("--wide and --columns contradict each other.")
    names = list(dict.fromkeys(part.strip() for part in given.split(",")))
    unknown = [name for name in names if name not in COLUMNS]
    if unknown:
        raise UsageError(
            f"There is no column {reprlib.repr(unknown[0])}.",
            hint=f"The columns are: {', '.join(COLUMNS)}.",
        )
    return names


_UNITS: Final = {"": 1, "s": 1, "m": 60, "h": 3_600}
_LENGTH: Final = re.compile(r"(?P<number>\d{1,6}(\.\d{1,3})?)(?P<unit>[smh]?)", re.ASCII)
_LEAST_LOAD: Final = 10
_MOST_LOAD: Final = 86_400


def seconds(text: str) -> float:
    """Return the seconds of a length of time such as "90", "90s", "10m" or "1h".

    Args:
        text: A number, and a unit or none.

    Raises:
        typer.BadParameter: It is no such length, or not from 10 s to a day.
    """
    found = _LENGTH.fullmatch(text)
    length = float(found["number"]) * _UNITS[found["unit"]] if found else 0.0
    if not _LEAST_LOAD <= length <= _MOST_LOAD:
        raise typer.BadParameter(
            f"{reprlib.repr(text)} is no length of time from 10s to 24h, such as 90s, 10m or 1h."
        )
    return length


SustainOption = Annotated[
    float | None,
    typer.Option(
        "--sustain",
        parser=seconds,
        metavar="TIME",
        help="Load each row for this long (90s, 10m, 1h), too: at --rate, or back to back.",
    ),
]


def limit_option(what: str, default: str) -> Any:  # noqa: ANN401 - as typer.Option
    """Return the option `--limit`, the time after which a process counts as hung.

    Args:
        what: What is given up, with its article.
        default: The limit that the help names.
    """
    return typer.Option(
        "--limit",
        callback=finite,
        min=0.1,
        max=86_400,
        metavar="SECONDS",
        help=f"Give up {what} that does not answer for this long.",
        show_default=default,
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
