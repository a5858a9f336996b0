"""Compiling the C sources of this package, once per machine, source and compiler."""

import os
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

import platformdirs

from fmnist_edge.errors import MissingDependencyError
from fmnist_edge.files import sha256_of, storage_errors, write_atomically

_SOURCES: Final = Path(__file__).parent
_COMPILERS: Final = ("cc", "gcc", "clang")
_FLAGS: Final = ("-std=c11", "-O2", "-shared", "-fPIC")
# An old glibc has dlopen in a separate library; in others, this library is empty.
_LIBRARIES: Final = ("-ldl",)
_TIMEOUT_SECONDS: Final = 120.0  # A laptop takes 0.2 s.
_INSTALL: Final = "Install one: sudo apt install gcc libc6-dev"


def compiler() -> tuple[str, ...] | None:
    """Return the command that compiles C: that of CC, or the first of cc, gcc and clang.

    Returns:
        The path of the program and its first arguments; None if there is no compiler.
    """
    named = os.environ.get("CC", "").split()
    for program, *arguments in [named] if named else [[each] for each in _COMPILERS]:
        if found := shutil.which(program):
            return found, *arguments
    return None


def cache_folder() -> Path:
    """Return the folder of compiled sources in the user's cache."""
    return platformdirs.user_cache_path("fmnist-edge", appauthor=False) / "native"


def build(name: str) -> Path:
    """Compile `name`.c to a shared library, unless the cache has it.

    Args:
        name: Name of a source of this package, without suffix.

    Returns:
        The path of the shared library in the cache.

    Raises:
        MissingDependencyError: There is no C compiler, or it does not work.
        StorageError: The cache cannot be written to.
    """
    command = compiler()
    if command is None:
        raise MissingDependencyError(
            f"Calling a runtime from C needs a C compiler; {_absent()}.", hint=_INSTALL
        )
    path = cache_folder() / f"{name}-{_key(command)}.so"
    if not path.is_file():
        write_atomically(path, _compile(name, command))
    return path


def _absent() -> str:
    named = os.environ.get("CC", "").split()
    return f"CC names {named[0]!r}, which is not installed" if named else "none is installed"


def _key(command: tuple[str, ...]) -> str:
    """Return a key of the sources, the compiler and the platform; homes may be shared."""
    sources = sorted(each for each in _SOURCES.iterdir() if each.suffix in {".c", ".h"})
    parts = [*command, *_FLAGS, platform.system(), platform.machine(), *platform.libc_ver()]
    contents = b"".join(each.read_bytes() for each in sources)
    return sha256_of(contents + "\0".join(parts).encode())[:16]


def _compile(name: str, command: tuple[str, ...]) -> bytes:
    source = _SOURCES / f"{name}.c"
    with (
        storage_errors(Path("the folder for temporary files")),
        tempfile.TemporaryDirectory(prefix="fmnist-edge-") as folder,
    ):
        target = Path(folder) / f"{name}.so"
        message = _run([*command, *_FLAGS, "-o", str(target), str(source), *_LIBRARIES])
        if not target.is_file():
            raise MissingDependencyError(
                f"The C compiler {command[0]!r} cannot compile {source.name}: {message}.",
                hint=_INSTALL,
            )
        return target.read_bytes()


def _run(command: list[str]) -> str:
    """Run a compiler and return its first error message."""
    try:
        done = subprocess.run(  # noqa: S603 - found by name, and no shell reads the arguments
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
    except OSError as error:
        return error.strerror or str(error)
    except subprocess.TimeoutExpired:
        return f"it takes longer than {_TIMEOUT_SECONDS:.0f} seconds"
    lines = [line.strip() for line in (done.stderr + done.stdout).splitlines()]
    messages = [line for line in lines if "error" in line] or [line for line in lines if line]
    return (messages or [f"it ended with code {done.returncode}"])[0].rstrip(".")
