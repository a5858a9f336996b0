"""Running the tools that install packages."""

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from fmnist_edge.errors import EnvironmentNotMadeError
from fmnist_edge.progress import SILENT, Progress

_LENGTH: Final = 400


def _unknown(_lines: Sequence[str]) -> str:
    return ""


def run_program(
    command: Sequence[str],
    *,
    hint: str = "",
    progress: Progress = SILENT,
    explain: Callable[[Sequence[str]], str] = _unknown,
) -> str:
    """Run a program, tell its lines as they come, and return them.

    Args:
        command: The program and its arguments.
        hint: What to do where it fails.
        progress: Told of every line.
        explain: Returns a sentence about the lines of a failure; empty where the complaint itself
            is the best that can be said.

    Raises:
        EnvironmentNotMadeError: It failed; the message tells what it said.
    """
    lines = []
    try:
        with subprocess.Popen(  # noqa: S603 - a tool of Python's, and no shell reads the arguments
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        ) as process:
            try:
                for line in process.stdout or ():
                    lines.append(line.strip())
                    if not lines[-1].startswith("WARNING:"):
                        progress.advance(0, note=lines[-1])
            except BaseException:
                process.kill()  # Ctrl-C: it must not go on writing into the folder
                raise
    except OSError as error:
        raise EnvironmentNotMadeError(
            f"{command[0]} cannot be started: {error.strerror}.", hint=hint
        ) from error
    if process.returncode:
        told = explain(lines) or f"{Path(command[0]).name} failed: {_complaint(lines)}."
        raise EnvironmentNotMadeError(told, hint=hint)
    return "\n".join(lines)


def _complaint(lines: Sequence[str]) -> str:
    """Return what a program that failed says about it, from the first line that is marked so on."""
    marks = (place for place, each in enumerate(lines) if each.lower().startswith("error:"))
    text = " ".join(each.removeprefix("ERROR: ") for each in lines[next(marks, 0) :])
    return " ".join(text.split()).removeprefix("error: ")[:_LENGTH].rstrip(".") or "it said nothing"
