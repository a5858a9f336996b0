"""Who made a file: the versions of everything involved."""

import platform
import subprocess
from pathlib import Path
from typing import Final

from fmnist_edge import __version__
from fmnist_edge.optional import versions_of

__all__ = ["git_revision", "made_with"]

_PATIENCE_SECONDS: Final = 10


def made_with(distributions: tuple[str, ...]) -> dict[str, str]:
    """The versions of Python, of fmnist-edge, and of those named that are installed."""
    own = {"python": platform.python_version(), "fmnist-edge": __version__}
    return own | versions_of(distributions)


def git_revision(checkout: Path = Path(__file__).parents[2]) -> str:
    """The commit that this package is checked out at, with "-dirty" if it was changed since.

    Empty for a package that was installed (perhaps within a checkout of something else), and where
    git is not.
    """
    if not (checkout / ".git").exists():
        return ""
    try:
        found = subprocess.run(
            ("git", "describe", "--always", "--abbrev=12", "--dirty", "--exclude=*"),  # noqa: S607 - whichever git the user has
            cwd=checkout,
            capture_output=True,
            text=True,
            timeout=_PATIENCE_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return found.stdout.strip()
