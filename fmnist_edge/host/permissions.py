"""Files of the system that would tell more, if this user were allowed to read them."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from fmnist_edge.host.small_files import glob_sorted
from fmnist_edge.result import Closed

# What lets a user in, and the files, as Raspberry Pi OS, Debian and Ubuntu set them up (udev).
_GROUPS: Final = (
    ("video", "dev", "vcio"),
    ("render", "dev/dri", "renderD*"),
)
_COUNTERS: Final = ("sys/class/powercap", "intel-rapl:*/energy_uj")
_BOTH: Final = os.R_OK | os.W_OK


def closed_files(root: Path = Path("/")) -> Sequence[Closed]:
    """Return the files that exist and that this user cannot use, one of each kind.

    Args:
        root: Folder in which `dev` and `sys` are mounted.
    """
    found = []
    for group, folder, pattern in _GROUPS:
        paths = [path for path in glob_sorted(root / folder, pattern) if not _allowed(path, _BOTH)]
        found += [Closed(_shown(path, root), group) for path in paths[:1]]
    folder, pattern = _COUNTERS
    paths = [path for path in glob_sorted(root / folder, pattern) if not _allowed(path, os.R_OK)]
    return [*found, *(Closed(_shown(path, root)) for path in paths[:1])]


def _allowed(path: Path, mode: int) -> bool:
    effective = os.access in os.supports_effective_ids
    return os.access(path, mode, effective_ids=effective)


def _shown(path: Path, root: Path) -> str:
    return f"/{path.relative_to(root).as_posix()}"
