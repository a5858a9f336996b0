"""Who made a file: the versions of everything involved."""

import platform

from fmnist_edge import __version__
from fmnist_edge.optional import versions_of

__all__ = ["made_with"]


def made_with(distributions: tuple[str, ...]) -> dict[str, str]:
    """The versions of Python, of fmnist-edge, and of those named that are installed."""
    own = {"python": platform.python_version(), "fmnist-edge": __version__}
    return own | versions_of(distributions)
