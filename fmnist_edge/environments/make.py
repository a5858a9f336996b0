"""Making an environment: a virtual environment with a runtime and this very package.

Only what a measuring process imports is installed besides the runtime. This package itself is not
installed but linked: a second copy would go its own way as soon as the first is changed or updated.
Its metadata is copied without the list of files, so that no installer takes the linked files for
its own and removes them.
"""

import shlex
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from fmnist_edge import __version__
from fmnist_edge.environments import store
from fmnist_edge.environments.ask import ask
from fmnist_edge.environments.programs import run_program
from fmnist_edge.environments.record import Environment, EnvironmentFile
from fmnist_edge.environments.store import Stored
from fmnist_edge.errors import ArtifactExistsError, EnvironmentNotMadeError, UsageError
from fmnist_edge.files import storage_errors
from fmnist_edge.optional import base_requirements, own_metadata
from fmnist_edge.progress import SILENT, Progress

# What a worker imports of the packages that every install of fmnist-edge has.
_NEEDED: Final = ("msgspec", "numpy", "packaging", "platformdirs")
_PACKAGE: Final = Path(__file__).parents[1]
_STALE: Final = ".replaced"


def make(  # noqa: PLR0913 - each is one independent wish
    name: str,
    packages: Sequence[str],
    *,
    python: str = "",
    wheels: Path | None = None,
    replace: bool = False,
    progress: Progress = SILENT,
) -> Environment:
    """Make a virtual environment with packages that the user names.

    Args:
        name: What it will be called.
        packages: What to install, as pip takes it: "onnxruntime-webgpu==1.27.0".
        python: The Python to make it with, a path or a program; the running one by default.
        wheels: A folder of wheels to install from, without network; None for the package index.
        replace: Whether to replace an environment of this name.
        progress: Told of every step.

    Raises:
        UsageError: The name cannot be one, or another command is at work.
        ArtifactExistsError: There is such an environment, and it is not to be replaced.
        EnvironmentNotMadeError: A package cannot be installed, or the Python cannot be used.
        EnvironmentUnusableError: It was made and cannot measure; it is removed again.
        StorageError: The folder of environments cannot be written to.
    """
    file = EnvironmentFile(
        packages=tuple(packages), made_with=python, wheels=str(wheels.absolute()) if wheels else ""
    )
    uv = shutil.which("uv")
    progress.start(f"Environment {name}", None)
    try:
        with _new(Stored(name, store.folder_of(name), file), replace=replace) as stored:
            _make_empty(stored.folder, _interpreter(python), uv, progress)
            _install(stored, uv, progress)
            with storage_errors(stored.folder):
                _link(stored.folder)
            progress.advance(0, note="asking it what it holds")
            return ask(stored)
    finally:
        progress.finish()


def register(name: str, interpreter: Path, *, replace: bool = False) -> Environment:
    """Give a name to an interpreter that has this fmnist-edge installed itself.

    Args:
        name: What it will be called.
        interpreter: Path of a Python.
        replace: Whether to replace an environment of this name.

    Raises:
        UsageError: The name cannot be one, or another command is at work.
        ArtifactExistsError: There is such an environment, and it is not to be replaced.
        EnvironmentUnusableError: The interpreter cannot measure.
        StorageError: The folder of environments cannot be written to.
    """
    # Not resolved: the link in a virtual environment is what makes Python look for packages there.
    file = EnvironmentFile(interpreter=str(interpreter.absolute()))
    with _new(Stored(name, store.folder_of(name), file), replace=replace) as stored:
        return ask(stored)


@contextmanager
def _new(stored: Stored, *, replace: bool) -> Iterator[Stored]:
    """Yield for the time in which the folder is filled; it is whole afterwards, or as it was."""
    folder = stored.folder
    with store.locked():
        if store.is_stored(stored.name) and not replace:
            raise ArtifactExistsError(
                f"There is an environment called {stored.name!r} already.",
                hint="Choose another name, or replace it with --force.",
            )
        before = folder.with_name(f".{stored.name}{_STALE}")
        with storage_errors(folder):
            shutil.rmtree(before, ignore_errors=True)  # of a process that was killed
            if store.is_stored(stored.name):
                folder.rename(before)
            elif folder.exists():
                shutil.rmtree(folder)  # the beginning of one
        try:
            yield stored
            store.write(stored)
        except BaseException:  # also after Ctrl-C
            shutil.rmtree(folder, ignore_errors=True)
            if before.exists():
                before.rename(folder)
            raise
        shutil.rmtree(before, ignore_errors=True)


def _interpreter(named: str) -> str:
    found = shutil.which(named) if named else sys.executable
    if found is None:
        raise EnvironmentNotMadeError(
            f"There is no Python called {named!r}.",
            hint="Name the path of an interpreter, such as /usr/bin/python3.",
        )
    told = run_program([found, "-E", "-c", "import sys; print(sys.version_info[:2] >= (3, 11))"])
    if told != "True":
        raise EnvironmentNotMadeError(
            f"{found} is no Python that fmnist-edge can use: it needs Python 3.11 or newer.",
            hint="Name another one with --python.",
        )
    return found


def _make_empty(folder: Path, python: str, uv: str | None, progress: Progress) -> None:
    progress.advance(0, note="making a virtual environment")
    command = [uv, "venv", "--python", python] if uv else [python, "-m", "venv"]
    run_program([*command, str(folder)], hint="On Debian: sudo apt install python3-venv")


def _install(stored: Stored, uv: str | None, progress: Progress) -> None:
    python = str(stored.python)
    quiet = ("--disable-pip-version-check", "--progress-bar", "off")
    with_pip = [python, "-m", "pip", "install", *quiet]
    pip = [uv, "pip", "install", "--python", python] if uv else with_pip
    wanted = [*base_requirements(_NEEDED), *stored.file.packages]
    wheels = stored.file.wheels
    hint = "Check the names and the network; --wheels FOLDER installs without network."
    if wheels:
        pip += ["--no-index", "--find-links", wheels]
        hint = (
            "Fetch what is missing on a machine of this kind, with the same Python: python -m pip "
            f"download -d FOLDER {shlex.join(wanted)}"
        )
    run_program([*pip, *wanted], hint=hint, progress=progress)


def _link(folder: Path) -> None:
    """Let an environment have this package."""
    [packages] = folder.glob("lib/python*/site-packages")
    package = packages / _PACKAGE.name
    if package.exists():
        raise UsageError(
            "The packages bring a fmnist-edge of their own.",
            hint="Leave it out: an environment has the fmnist-edge that makes it.",
        )
    package.symlink_to(_PACKAGE.resolve(), target_is_directory=True)
    about = packages / f"{_PACKAGE.name}-{__version__}.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(own_metadata(), encoding="utf-8")
    (about / "INSTALLER").write_text("fmnist-edge\n", encoding="utf-8")
