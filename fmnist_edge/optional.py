"""Importing optional packages; this is the only module that does so."""

import importlib
import importlib.util
import json
import re
import shlex
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from fmnist_edge.errors import MissingDependencyError

_DISTRIBUTION: Final = "fmnist-edge"

# The first Python version without a release of the package, as in pyproject.toml.
_PYTHON_BELOW: Final = {"keras": (3, 14), "tensorflow": (3, 14), "tf2onnx": (3, 14)}


def installed(module: str) -> bool:
    """Return whether the top-level package of `module` can be found, without importing it."""
    return importlib.util.find_spec(module.partition(".")[0]) is not None


def has_release(package: str) -> bool:
    """Return whether there is a release of a package for this version of Python.

    Args:
        package: Import name of the package.
    """
    below = _PYTHON_BELOW.get(package)
    return below is None or sys.version_info < below


def require(module: str, *, extra: str) -> Any:  # noqa: ANN401 - the modules are untyped or unknown here
    """Import `module`, which the optional dependency group `extra` installs.

    Raises:
        MissingDependencyError: The module is not installed, or its import fails.
    """
    try:
        return importlib.import_module(module)  # noqa: TID251 - this is the one allowed place
    except (ImportError, OSError, AttributeError) as error:
        # OSError: a shared library is missing. AttributeError: two packages are incompatible.
        package = module.partition(".")[0]
        state = "is installed but cannot be imported" if installed(module) else "is not installed"
        raise MissingDependencyError(
            f"The package {package!r} {state}: {error}.",
            hint=_hint(package, extra),
        ) from error


def own_module(name: str) -> Any:  # noqa: ANN401 - the caller knows what is in it
    """Import a module of this project, for a table whose parts are not all needed.

    Args:
        name: Its full name.
    """
    return importlib.import_module(name)  # noqa: TID251 - as above


def _hint(package: str, extra: str) -> str:
    if has_release(package):
        return f"Install it with: {install_command(extra)}"
    (major, minor), (_, first) = sys.version_info[:2], _PYTHON_BELOW[package]
    return (
        f"TensorFlow has no release for Python {major}.{minor}. "
        f"Training, and exporting from Keras, need Python 3.11 to 3.{first - 1}."
    )


def install_command(*extras: str) -> str:
    """Return the command that installs optional dependencies where this program is installed.

    Args:
        extras: Optional dependency groups of pyproject.toml.
    """
    return pip_command(packages_of(*extras))


def pip_command(packages: str) -> str:
    """Return the command that installs packages where this program is installed.

    Args:
        packages: The arguments of a shell command.
    """
    python = Path(sys.executable)
    shown = python.relative_to(Path.cwd()) if python.is_relative_to(Path.cwd()) else python
    return f"{shlex.quote(str(shown))} -m pip install {packages}"


def packages_of(*extras: str) -> str:
    """Return the packages of optional dependency groups, as the arguments of a shell command.

    The packages are named themselves, because fmnist-edge may have been installed from a folder.
    """
    # It brings the package `email`, in all 2.5 MB that a measuring process can spare.
    from importlib import metadata  # noqa: PLC0415 - as said

    from packaging.requirements import Requirement  # noqa: PLC0415 - only an error waits for it

    wanted = [Requirement(text) for text in metadata.requires(_DISTRIBUTION) or ()]
    packages = [
        f"{each.name}{each.specifier}"
        for extra in extras
        for each in wanted
        if each.marker is not None and each.marker.evaluate({"extra": extra})
    ]
    return shlex.join(dict.fromkeys(packages))


def base_requirements(names: Collection[str]) -> Sequence[str]:
    """Return what fmnist-edge requires of those packages that every install has.

    Args:
        names: Names of distributions.
    """
    from importlib import metadata  # noqa: PLC0415 - as above

    from packaging.requirements import Requirement  # noqa: PLC0415 - as above

    wanted = [Requirement(text) for text in metadata.requires(_DISTRIBUTION) or ()]
    return [
        f"{each.name}{each.specifier}"
        for each in wanted
        if each.name in names and (each.marker is None or each.marker.evaluate({"extra": ""}))
    ]


def own_metadata() -> str:
    """Return what the installation of fmnist-edge says about the package: its file METADATA."""
    from importlib import metadata  # noqa: PLC0415 - as above

    return metadata.distribution(_DISTRIBUTION).read_text("METADATA") or ""


def own_records() -> Mapping[str, bytes]:
    """Return the files beside METADATA that belong to every install of fmnist-edge.

    Those are its commands and its licence, by their path in the folder of the metadata.
    """
    from importlib import metadata  # noqa: PLC0415 - as above

    told = metadata.distribution(_DISTRIBUTION)
    found = {
        path.as_posix().partition(".dist-info/")[2]: path.read_binary()
        for path in told.files or ()
        if ".dist-info/licenses/" in path.as_posix()
    }
    commands = told.read_text("entry_points.txt")
    return found | ({"entry_points.txt": commands.encode()} if commands else {})


def package_folder(name: str) -> Path:
    """Return the folder of a package of this program, without importing it.

    Args:
        name: Import name of the package.

    Raises:
        MissingDependencyError: It is not installed.
    """
    found = importlib.util.find_spec(name)
    if found is None or not found.submodule_search_locations:
        raise MissingDependencyError(
            f"This Python has no {name}, which is a part of fmnist-edge.",
            hint=f"Install fmnist-edge here: {pip_command(_DISTRIBUTION)}",
        )
    return Path(next(iter(found.submodule_search_locations)))


def own_source() -> str:
    """Return what pip installs to have this fmnist-edge elsewhere: a folder, file or release."""
    from importlib import metadata  # noqa: PLC0415 - as above
    from urllib.parse import unquote, urlsplit  # noqa: PLC0415 - a measuring process needs neither

    told = metadata.distribution(_DISTRIBUTION)
    found = json.loads(told.read_text("direct_url.json") or "{}").get("url", "")
    return (
        unquote(urlsplit(found).path)
        if found.startswith("file:")
        else (found or f"{_DISTRIBUTION}=={told.version}")
    )


def providers_of(packages: Collection[str]) -> Mapping[str, Sequence[tuple[str, str]]]:
    """Return name and version of the distributions that brought each package; import none.

    `importlib.metadata.packages_distributions` answers the same for all packages, in seconds where
    TensorFlow is installed.

    Args:
        packages: Names of top-level packages.
    """
    from importlib import metadata  # noqa: PLC0415 - as above

    found: dict[str, list[tuple[str, str]]] = {}
    for each in metadata.distributions():
        files = f"\n{each.read_text('RECORD') or ''}"
        for package in packages:
            if f"\n{package}/__init__.py," in files:
                found.setdefault(package, []).append((each.name, each.version))
    return found


def versions_of(distributions: tuple[str, ...]) -> dict[str, str]:
    """Return the installed version of each distribution, without those that are not installed."""
    found = ((name, _version_in_a_name(name) or _version_of(name)) for name in distributions)
    return {name: version for name, version in found if version}


def _version_in_a_name(distribution: str) -> str:
    """Return the version in the name of the folder with a distribution's metadata, or ""."""
    stem = re.sub(r"[-_.]+", "_", distribution).lower()
    for place in sys.path:
        folders = list(Path(place).glob(f"{stem}-*.dist-info"))
        if folders:
            return folders[0].stem.partition("-")[2] if len(folders) == 1 else ""
    return ""


def _version_of(distribution: str) -> str:
    """Return the version in a distribution's metadata, wherever they are, or ""."""
    from importlib import metadata  # noqa: PLC0415 - as above

    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return ""
