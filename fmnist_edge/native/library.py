"""The shared library inside an installed package, found without importing that package."""

import ctypes
import importlib.util
from pathlib import Path

from fmnist_edge.errors import MissingDependencyError


def find_library(package: str, pattern: str, *, extra: str) -> Path:
    """Find the library a package calls.

    Args:
        package: Its import name.
        pattern: The library's path in the package's folder; `*` stands for anything.
        extra: The dependency group that installs the package.

    Raises:
        MissingDependencyError: the package is not installed, or has no such file.
    """
    hint = f"Install it with: pip install 'fmnist-edge[{extra}]'"
    spec = importlib.util.find_spec(package)
    if spec is None:
        raise MissingDependencyError(f"The package {package!r} is not installed.", hint=hint)
    folders = [Path(each) for each in spec.submodule_search_locations or ()]
    found = sorted(path for folder in folders for path in folder.glob(pattern))
    if not found:
        raise MissingDependencyError(
            f"The package {package!r} is installed but holds no {Path(pattern).name}.",
            hint="This needs a package for Linux from its publisher. " + hint,
        )
    return found[-1]


def load_library(path: Path) -> ctypes.CDLL:
    """Load a shared library; whoever loads it again gets the same one.

    Raises:
        MissingDependencyError: the machine cannot load it.
    """
    try:
        return ctypes.CDLL(str(path))
    except OSError as error:
        raise MissingDependencyError(
            f"The library {path.name} cannot be loaded: {error}.",
            hint="Reinstall its package; it may be made for another machine.",
        ) from error
