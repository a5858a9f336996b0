"""Running programs of the system, such as `lscpu` and `vcgencmd`."""

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from typing import Final

from fmnist_edge.host.small_files import UnreadableError, os_reason

Run = Callable[[Sequence[str]], str]
"""Runs a program and returns its stdout; raises `OSError` where that fails."""

_SECONDS: Final = 3.0
_SHOWN: Final = 200


def run_program(command: Sequence[str]) -> str:
    """Run a program in the C locale and return its stdout.

    Args:
        command: Name of the program and its arguments; no shell reads them.

    Raises:
        FileNotFoundError: The program is not installed.
        TimeoutError: The program did not end within 3 s.
        ChildProcessError: The exit code of the program is not 0.
        OSError: The program could not be started.
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
            # Other locales translate the names of fields and print decimal commas.
            env={**os.environ, "LC_ALL": "C"},
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise TimeoutError(f"{name} took more than {_SECONDS:g} s") from error
    output = done.stdout.decode("utf-8", errors="replace")
    if done.returncode != 0:
        message = (output.strip() or done.stderr.decode("utf-8", errors="replace").strip())[:_SHOWN]
        raise ChildProcessError(" ".join(message.split()) or f"{name} ended with {done.returncode}")
    return output


def ask(run: Run, command: Sequence[str]) -> str:
    """Run `command` and return its stdout.

    Raises:
        UnreadableError: The program is not installed or failed; the message says why.
    """
    try:
        return run(command)
    except FileNotFoundError as error:
        raise UnreadableError(f"no {command[0]}") from error
    except OSError as error:
        raise UnreadableError(os_reason(error)) from error
