"""Where Fashion-MNIST is looked for.

In this order:

1. the folder the user names: that one or an error, never silently another,
2. the cache, where earlier downloads are kept,
3. the system copy, which Debian's package installs,
4. mirrors on the web (needs the `download` extra),
5. Debian's package, fetched and unpacked without installing it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, Literal

import platformdirs

from fmnist_edge.dataset.debian import PACKAGE, SYSTEM_FOLDER, fill_from_debian
from fmnist_edge.dataset.mirrors import MIRRORS, fill_from_mirrors
from fmnist_edge.dataset.verify import verify_folder
from fmnist_edge.errors import (
    DatasetCorruptError,
    DatasetNotFoundError,
    MissingDependencyError,
    StorageError,
)
from fmnist_edge.progress import SILENT, Progress

__all__ = ["DataFolder", "Places", "Source", "locate", "usual_places"]

Source = Literal["data-dir", "cache", "system", "mirror", "debian"]

_WAYS: Final = (
    f"Do one of three things: install the system copy (sudo apt install {PACKAGE}); or put the "
    "four files into a folder and name it with --data-dir or FMNIST_EDGE_DATA_DIR; or run once "
    "with network, which needs: pip install 'fmnist-edge[download]'"
)


@dataclass(frozen=True)
class DataFolder:
    """A folder whose four files are the published ones, and where it came from."""

    path: Path
    source: Source


@dataclass(frozen=True)
class Places:
    """The folders of a machine that are looked into; only `cache` is ever written to."""

    cache: Path
    system: Path


def usual_places() -> Places:
    """The user's cache folder and the folder of Debian's package."""
    cache = platformdirs.user_cache_path("fmnist-edge", appauthor=False)
    return Places(cache=cache / "fashion-mnist", system=SYSTEM_FOLDER)


def locate(
    data_dir: Path | None = None,
    *,
    offline: bool = False,
    mirrors: Sequence[str] = MIRRORS,
    progress: Progress = SILENT,
    places: Places | None = None,
) -> DataFolder:
    """Find Fashion-MNIST, or fetch it into the cache; all four files are verified.

    Args:
        data_dir: Use this folder or fail.
        offline: Use only what is on this machine.
        mirrors: Addresses of folders that hold the four files, the preferred one first.
        progress: Who is told how a download goes, and which source is passed over and why.
        places: Where to look on this machine; `usual_places()` unless told.

    Raises:
        DatasetNotFoundError: it is nowhere, or not in `data_dir`.
        DatasetCorruptError: a file in `data_dir` is not the published one.
        StorageError: `data_dir` cannot be read, or the cache cannot be written to.
    """
    if data_dir is not None:
        verify_folder(data_dir)
        return DataFolder(data_dir, "data-dir")
    places = places or usual_places()
    found = _on_this_machine(places, progress)
    if found is None and not offline:
        found = _from_the_network(places.cache, mirrors, progress)
    if found is None:
        tried = "was not fetched (offline)" if offline else "could not be fetched"
        raise DatasetNotFoundError(f"Fashion-MNIST is not on this machine and {tried}.", hint=_WAYS)
    return found


def _on_this_machine(places: Places, progress: Progress) -> DataFolder | None:
    steps: tuple[tuple[Source, Path], ...] = (("cache", places.cache), ("system", places.system))
    for source, folder in steps:
        try:
            verify_folder(folder)
        except DatasetNotFoundError:
            continue  # as on every machine that is new to this: nothing to tell
        except (DatasetCorruptError, StorageError) as error:
            progress.say(f"The {source} copy is passed over: {error.message}")
        else:
            return DataFolder(folder, source)
    return None


def _from_the_network(cache: Path, mirrors: Sequence[str], progress: Progress) -> DataFolder | None:
    steps: tuple[tuple[Source, Callable[[Path], None]], ...] = (
        ("mirror", partial(fill_from_mirrors, mirrors=mirrors, progress=progress)),
        ("debian", partial(fill_from_debian, progress=progress)),
    )
    for source, fill in steps:
        try:
            fill(cache)
        except (DatasetNotFoundError, DatasetCorruptError, MissingDependencyError) as error:
            progress.say(error.message)
        else:
            return DataFolder(cache, source)
    return None
