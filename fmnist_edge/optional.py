"""Packages that not every install has: ask for them here, and nowhere else."""

import importlib
import importlib.util
from importlib import metadata
from typing import Any

from fmnist_edge.errors import MissingDependencyError

__all__ = ["installed", "require", "versions_of"]


def installed(module: str) -> bool:
    """Whether the top-level package of `module` could be imported, without importing it."""
    return importlib.util.find_spec(module.partition(".")[0]) is not None


def require(module: str, *, extra: str) -> Any:  # noqa: ANN401 - the modules are untyped or unknown here
    """Import `module`, which the optional dependency group `extra` installs.

    Raises:
        MissingDependencyError: it is not installed, or its import fails.
    """
    try:
        return importlib.import_module(module)  # noqa: TID251 - this is the one allowed place
    except (ImportError, OSError, AttributeError) as error:
        # OSError: a shared library is missing. AttributeError: two packages do not fit together.
        package = module.partition(".")[0]
        state = "is installed but cannot be imported" if installed(module) else "is not installed"
        raise MissingDependencyError(
            f"The package {package!r} {state}: {error}.",
            hint=f"Install it with: pip install 'fmnist-edge[{extra}]'",
        ) from error


def versions_of(distributions: tuple[str, ...]) -> dict[str, str]:
    """The installed version of each distribution; those that are absent are left out."""
    found = {}
    for name in distributions:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
