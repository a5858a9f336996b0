"""The machine and the Python that wheels are gathered for, which need not be those that run."""

import platform
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Final

from packaging.tags import Tag, compatible_tags, cpython_tags

from fmnist_edge.errors import UsageError
from fmnist_edge.records import Record

# The oldest version of the GNU C library that wheels are marked with, by processor, as PEP 600
# counts them. The newest is that of Ubuntu 22.04, so that Debian 12 can load every wheel as well.
_OLDEST_GLIBC: Final[Mapping[str, int]] = {"aarch64": 17, "armv7l": 17, "x86_64": 5}
_NEWEST_GLIBC: Final = 35
# Former names of some of these tags, which older wheels have.
_FORMER_NAMES: Final[Mapping[int, str]] = {
    17: "manylinux2014",
    12: "manylinux2010",
    5: "manylinux1",
}
PLATFORMS: Final = tuple(_OLDEST_GLIBC)
_OLDEST_PYTHON: Final = (3, 11)
_PYTHON: Final = re.compile(r"3\.(?P<minor>[1-9][0-9]?)")


class Target(Record):
    """A kind of machine, and the version of its Python.

    Args:
        platform: The processor, as Linux calls it: "aarch64".
        python: Major and minor version: "3.13".
    """

    platform: str
    python: str

    @property
    def words(self) -> str:
        """How a sentence names it."""
        return f"{self.platform} and Python {self.python}"


def this_machine() -> Target:
    """Return what the running interpreter is."""
    major, minor = sys.version_info[:2]
    return Target(platform.machine(), f"{major}.{minor}")


def checked_target(platform_: str = "", python: str = "") -> Target:
    """Return a target that wheels can be gathered for.

    Args:
        platform_: The processor; empty for the one of this machine.
        python: Major and minor version of Python; empty for the running one.

    Raises:
        UsageError: There is no such processor among those with wheels, or the Python is too old.
    """
    here = this_machine()
    chosen = Target(platform_ or here.platform, python or here.python)
    if chosen.platform not in PLATFORMS or (not platform_ and sys.platform != "linux"):
        raise UsageError(
            f"Wheels are gathered for machines with Linux, not for {chosen.platform} "
            f"({sys.platform if not platform_ else 'unknown'}).",
            hint=f"Name one of them with --platform: {', '.join(PLATFORMS)}.",
        )
    found = _PYTHON.fullmatch(chosen.python)
    if found is None or (3, int(found["minor"])) < _OLDEST_PYTHON:
        raise UsageError(
            f"fmnist-edge does not run on Python {chosen.python!r}.",
            hint="Name the version of Python on that machine, such as --python 3.13; "
            "the oldest is 3.11.",
        )
    return chosen


def platform_tags(target: Target) -> Sequence[str]:
    """Return the tags of the wheels that can be loaded there, the newest first."""
    tags = []
    for minor in range(_NEWEST_GLIBC, _OLDEST_GLIBC[target.platform] - 1, -1):
        tags.append(f"manylinux_2_{minor}_{target.platform}")
        if minor in _FORMER_NAMES:
            tags.append(f"{_FORMER_NAMES[minor]}_{target.platform}")
    return tags


def abi(target: Target) -> str:
    """Return the tag of that Python, which is also the one of its binary interface: "cp313"."""
    return f"cp{target.python.replace('.', '')}"


def wheel_tags(target: Target) -> frozenset[Tag]:
    """Return every tag that a wheel may have to be installed there."""
    major, minor = map(int, target.python.split("."))
    platforms = platform_tags(target)
    return frozenset(
        {
            *cpython_tags((major, minor), [abi(target)], platforms),
            *compatible_tags((major, minor), abi(target), platforms),
        }
    )


def marker_values(target: Target) -> Mapping[str, str]:
    """Return what the markers of a requirement (PEP 508) are evaluated with there."""
    return {
        "implementation_name": "cpython",
        "implementation_version": f"{target.python}.0",
        "os_name": "posix",
        "platform_machine": target.platform,
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": f"{target.python}.0",
        "python_version": target.python,
        "sys_platform": "linux",
    }
