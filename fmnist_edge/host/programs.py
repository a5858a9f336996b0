"""Programs of the system that tell what no file tells."""

import shutil
import subprocess
from collections.abc import Callable, Sequence
from typing import Final

from fmnist_edge.host.small_files import UnreadableError, reason

__all__ = ["Run", "ask", "run_program"]

Run = Callable[[Sequence[str]], str]
"""Runs a program and gives what it wrote to stdout; raises `OSError` where that fails."""

_SECONDS: Final = 3.0
_SHOWN: Final = 200


def run_program(command: Sequence[str]) -> str:
    """Run a program and give what it wrote to stdout.

    Args:
        command: The program's name and its arguments; no shell reads them.

    Raises:
        FileNotFoundError: there is no such program here.
        TimeoutError: it did not end in time.
        ChildProcessError: it ended with an exit code that means failure.
        OSError: it could not be started.
    """
    name, *arguments = command
    program = shutil.which(name)
    if program is None:
        raise FileNotFoundError(f"no {name}")
    try:
        done = subprocess.run(  # noqa: S603 - found by name, and no shell reads the arguments
            (program, *arguments),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise TimeoutError(f"{name} took more than {_SECONDS:g} s") from error
    told = done.stdout.decode("utf-8", errors="replace")
    if done.returncode != 0:
        complaint = (told.strip() or done.stderr.decode("utf-8", errors="replace").strip())[:_SHOWN]
        raise ChildProcessError(
            " ".join(complaint.split()) or f"{name} ended with {done.returncode}"
        )
    return told


def ask(run: Run, command: Sequence[str]) -> str:
    """What `command` tells.

    Raises:
        UnreadableError: it does not tell; the message says why.
    """
    try:
        return run(command)
    except FileNotFoundError as error:
        raise UnreadableError(f"no {command[0]}") from error
    except OSError as error:
        raise UnreadableError(reason(error)) from error
