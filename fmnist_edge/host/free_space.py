"""How much can still be written to a folder."""

import os
import shutil
from pathlib import Path

from fmnist_edge.result import DiskSpace


def free_space(place: str, folder: Path | None) -> DiskSpace:
    """Return the free bytes of the disk that holds a folder, or will hold it once it is made.

    Args:
        place: What the folder is for.
        folder: None where there is no such folder at all.
    """
    if folder is None:
        return DiskSpace(place, None, writable=False)
    absolute = folder.absolute()
    there = next(each for each in (absolute, *absolute.parents) if each.exists())
    try:
        free_bytes = shutil.disk_usage(there).free
    except OSError:
        return DiskSpace(place, None, writable=False)
    return DiskSpace(
        place, free_bytes, writable=there.is_dir() and os.access(there, os.W_OK | os.X_OK)
    )
