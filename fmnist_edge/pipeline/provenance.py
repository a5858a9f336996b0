"""The versions of the software that made a file."""

import platform
import subprocess
from pathlib import Path
from typing import Final

from fmnist_edge import __version__
from fmnist_edge.optional import versions_of

_PATIENCE_SECONDS: Final = 10


def made_with(distributions: tuple[str, ...]) -> dict[str, str]:
    """Return the versions of Python, of fmnist-edge, and of installed distributions."""
    own = {"python": platform.python_version(), "fmnist-edge": __version__}
    return own | versions_of(distributions)


def git_revision(checkout: Path = Path(__file__).parents[2]) -> str:
    """Return the commit of this checkout, with "-dirty" if a file was changed since.

    The result is empty for an installed package (perhaps inside a checkout of something else), and
    on a machine without git.
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
