"""Asking the interpreter of an environment what it holds, and refusing what cannot measure."""

import errno
import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from fmnist_edge import __version__
from fmnist_edge.environments.identity import machine, source_digest
from fmnist_edge.environments.record import Description, Environment
from fmnist_edge.environments.store import Stored
from fmnist_edge.errors import EnvironmentUnusableError
from fmnist_edge.optional import own_source
from fmnist_edge.records import RecordError, decode_json

# Without the folder and the PYTHON* variables of this process, which are about another Python.
ALONE: Final = ("-E", "-P")
# A Raspberry Pi takes 3 s after a start of the machine.
_SECONDS: Final = 20.0
_TAIL: Final = 300
# Works in every Python 3, with or without a fmnist-edge of any version.
_PROBE: Final = """
import sys
print("%d.%d" % sys.version_info[:2], sys.version_info >= (3, 11))
try:
    from fmnist_edge import __version__
    print(__version__)
except ImportError:
    print("")
"""


def ask(stored: Stored, seconds: float = _SECONDS) -> Environment:
    """Return an environment with what it tells of itself.

    Args:
        stored: What is written down about it.
        seconds: Time after which its interpreter counts as hung.

    Raises:
        EnvironmentUnusableError: The interpreter is gone, does not start, hangs, is built for
            another machine, or has no or another fmnist-edge.
    """
    python = stored.python
    if not python.exists():
        raise _refusal(stored, f"its interpreter {python} is gone", stored.command)
    done = _run(stored, [*ALONE, "-m", "fmnist_edge.describe"], seconds)
    try:
        told = decode_json(Description, done.stdout)
    except RecordError:
        raise _diagnosis(stored, done.stderr, seconds) from None
    if told.machine != machine():
        raise _refusal(
            stored,
            f"{python} is built for another machine ({told.machine}) than this Python "
            f"({machine()})",
            stored.command,
        )
    if told.version != __version__:
        raise _other_version(stored, told.version)
    if told.source != source_digest():
        raise _refusal(
            stored,
            f"it holds another state of fmnist-edge {__version__}",
            _installation(stored, "--force-reinstall", "--no-deps"),
        )
    return Environment(stored.name, python, told)


def _run(
    stored: Stored, arguments: Sequence[str], seconds: float
) -> subprocess.CompletedProcess[str]:
    python = stored.python
    try:
        return subprocess.run(  # noqa: S603 - the interpreter that the user named
            [str(python), *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            cwd=python.parent,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        what = f"its interpreter {python} did not answer within {seconds:g} s"
        raise _refusal(stored, what, stored.command) from error
    except OSError as error:
        raise _refusal(stored, _not_started(python, error), stored.command) from error


def _not_started(python: Path, error: OSError) -> str:
    # A program that is there and "not found" asks for a loader that this system lacks.
    if error.errno in {errno.ENOEXEC, errno.ENOENT}:
        return f"its interpreter {python} is built for another machine or system"
    return f"its interpreter {python} cannot be started: {error.strerror}"


def _diagnosis(stored: Stored, said: str, seconds: float) -> EnvironmentUnusableError:
    """Return why the environment gave no description."""
    probed = _run(stored, ["-E", "-c", _PROBE], seconds)
    python, _, version = probed.stdout.strip().partition("\n")
    number, _, new_enough = python.partition(" ")
    if probed.returncode != 0 or not new_enough:
        what = f"its interpreter {stored.python} fails: {_last(probed.stderr)}"
        return _refusal(stored, what, stored.command)
    if new_enough != "True":
        what = f"{stored.python} is Python {number}, and fmnist-edge needs 3.11"
        return _refusal(stored, what, stored.command)
    if not version:
        what = f"{stored.python} has no fmnist-edge"
        return _refusal(stored, what, _installation(stored))
    if version != __version__:
        return _other_version(stored, version)
    what = f"its fmnist-edge fails: {_last(said)}"
    return _refusal(stored, what, _installation(stored))


def _other_version(stored: Stored, version: str) -> EnvironmentUnusableError:
    what = f"it holds fmnist-edge {version}, and this is {__version__}"
    return _refusal(stored, what, _installation(stored))


def _installation(stored: Stored, *options: str) -> str:
    """Return the command that gives an environment the fmnist-edge of this program."""
    if not stored.file.interpreter:
        return stored.command
    return shlex.join([str(stored.python), "-m", "pip", "install", *options, own_source()])


def _refusal(stored: Stored, what: str, command: str) -> EnvironmentUnusableError:
    return EnvironmentUnusableError(
        f"The environment {stored.name!r} cannot be used: {what}.", hint=f"Mend it with: {command}"
    )


def _last(said: str) -> str:
    """Return the last line that a program printed, which is where Python names an error."""
    lines = said.strip().splitlines()
    return lines[-1][-_TAIL:].rstrip(".") if lines else "it printed nothing"
