"""Finding the shared library of an installed package without importing the package."""

import ctypes
import importlib.util
from pathlib import Path

from fmnist_edge.errors import MissingDependencyError
from fmnist_edge.optional import install_command


def find_library(package: str, pattern: str, *, extra: str) -> Path:
    """Return the path of a shared library in a package.

    Args:
        package: Import name of the package.
        pattern: Path of the library in the folder of the package, as a glob pattern.
        extra: Optional dependency group that installs the package.

    Raises:
        MissingDependencyError: The package is not installed, or has no such file.
    """
    hint = f"Install it with: {install_command(extra)}"
    spec = importlib.util.find_spec(package)
    if spec is None:
        raise MissingDependencyError(f"The package {package!r} is not installed.", hint=hint)
    folders = [Path(each) for each in spec.submodule_search_locations or ()]
    found = sorted(path for folder in folders for path in folder.glob(pattern))
    if not found:
        raise MissingDependencyError(
            f"The package {package!r} is installed but holds no {Path(pattern).name}.",
            hint="Only the Linux packages of its publisher have it. " + hint,
        )
    return found[-1]


def load_library(path: Path) -> ctypes.CDLL:
    """Load a shared library.

    Raises:
        MissingDependencyError: The library cannot be loaded.
    """
    try:
        return ctypes.CDLL(str(path))
    except OSError as error:
        raise MissingDependencyError(
            f"The library {path.name} cannot be loaded: {error}.",
            hint="Reinstall its package; it may be made for another machine.",
        ) from error
