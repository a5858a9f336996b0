"""The folder of environments: one folder each, and a file in it that marks it as whole."""

import fcntl
import re
import shlex
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import platformdirs

from fmnist_edge.environments.record import HERE, SCHEMA_VERSION, EnvironmentFile
from fmnist_edge.errors import EnvironmentNotFoundError, EnvironmentUnusableError, UsageError
from fmnist_edge.files import storage_errors, write_atomically
from fmnist_edge.records import RecordError, decode_document, encode_json

_FILE: Final = "environment.json"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class Stored:
    """An environment as it is written down.

    Args:
        name: As the user calls it.
        folder: Its folder.
        file: What is known of it.
    """

    name: str
    folder: Path
    file: EnvironmentFile

    @property
    def python(self) -> Path:
        """The interpreter."""
        return Path(self.file.interpreter or self.folder / "bin/python")

    @property
    def command(self) -> str:
        """The command that makes or registers this environment anew."""
        file = self.file
        options = (("--use", file.interpreter), ("--python", file.made_with))
        given = [*options, ("--wheels", file.wheels)]
        chosen = [word for flag, value in given if value for word in (flag, value)]
        words = ["environment", "add", self.name, *file.packages, *chosen, "--force"]
        return f"fmnist-edge {shlex.join(words)}"


def environments_folder() -> Path:
    """Return the folder of environments among the user's data."""
    return platformdirs.user_data_path("fmnist-edge", appauthor=False) / "environments"


def folder_of(name: str) -> Path:
    """Return the folder of an environment, which need not exist.

    Raises:
        UsageError: The name cannot be one of an environment.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"An environment cannot be called {name!r}.",
            hint="Use letters, digits, dots, dashes and underscores, a letter or digit first.",
        )
    return environments_folder() / name


def names() -> Sequence[str]:
    """Return the names of the environments in the order of the alphabet."""
    return sorted(path.parent.name for path in environments_folder().glob(f"*/{_FILE}"))


def is_stored(name: str) -> bool:
    """Return whether there is an environment of that name, and not merely a beginning of one."""
    return (folder_of(name) / _FILE).is_file()


def read(name: str) -> Stored:
    """Return what is written down about an environment.

    Raises:
        UsageError: The name cannot be one of an environment.
        EnvironmentNotFoundError: There is none of that name.
        EnvironmentUnusableError: Its file is damaged.
    """
    folder = folder_of(name)
    try:
        text = (folder / _FILE).read_bytes()
        return Stored(name, folder, decode_document(EnvironmentFile, text, SCHEMA_VERSION))
    except (FileNotFoundError, NotADirectoryError) as error:
        known = ", ".join((HERE, *names()))
        raise EnvironmentNotFoundError(
            f"There is no environment called {name!r} (known are: {known}).",
            hint=f"Make it with: fmnist-edge environment add {name} PACKAGE",
        ) from error
    except (OSError, RecordError) as error:
        raise EnvironmentUnusableError(
            f"The environment {name!r} cannot be used: {folder / _FILE}: {error}.",
            hint=f"Remove it with: fmnist-edge environment remove {name}",
        ) from error


def interpreter_of(name: str) -> Path:
    """Return the interpreter of an environment, or its folder where its file is damaged.

    Raises:
        UsageError: The name cannot be one of an environment.
        EnvironmentNotFoundError: There is none of that name.
    """
    try:
        return read(name).python
    except EnvironmentUnusableError:
        return folder_of(name)


def write(stored: Stored) -> None:
    """Mark an environment as whole.

    Raises:
        StorageError: Its folder cannot be written to.
    """
    write_atomically(stored.folder / _FILE, encode_json(stored.file).encode())


def remove(name: str) -> None:
    """Remove an environment; an interpreter that was registered stays as it is.

    Raises:
        UsageError: The name cannot be one of an environment, or another command is at work.
        EnvironmentNotFoundError: There is none of that name.
        StorageError: It cannot be removed.
    """
    folder = folder_of(name)
    if not is_stored(name):
        read(name)
    with locked(), storage_errors(folder):
        (folder / _FILE).unlink()  # first, so that what is left of a folder is no environment
        shutil.rmtree(folder)


@contextmanager
def locked() -> Iterator[None]:
    """Let no other command change the folder of environments meanwhile.

    Raises:
        UsageError: Another command does just now.
        StorageError: The folder cannot be made or written to.
    """
    path = environments_folder() / ".lock"
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.open("w")
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UsageError(
                "Another fmnist-edge adds or removes an environment just now.",
                hint="Wait for its end, then run the command again.",
            ) from error
        yield
