"""Finding the files of Fashion-MNIST.

They are looked for in this order:

1. the folder that the user names, and no other one then,
2. the cache, which holds earlier downloads,
3. the system copy, which Debian's package installs,
4. mirrors on the web (this needs the `download` extra),
5. Debian's package, which is fetched and unpacked without being installed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from fmnist_edge.dataset.catalog import FILES, DataFile
from fmnist_edge.dataset.debian import PACKAGE, SYSTEM_FOLDER, fill_from_debian
from fmnist_edge.dataset.mirrors import MIRRORS, fill_from_mirrors
from fmnist_edge.dataset.verify import verify_folder
from fmnist_edge.errors import (
    DatasetCorruptError,
    DatasetNotFoundError,
    MissingDependencyError,
    StorageError,
)
from fmnist_edge.optional import install_command
from fmnist_edge.progress import SILENT, Progress

Source = Literal["data-dir", "cache", "system", "mirror", "debian"]


def _how_to_get_it() -> str:
    return (
        f"Do one of three things: install the system copy (sudo apt install {PACKAGE}); or put the "
        "four files into a folder and name it with --data-dir or FMNIST_EDGE_DATA_DIR; or run once "
        f"with network, which needs: {install_command('download')}"
    )


@dataclass(frozen=True)
class DataFolder:
    """A folder that holds verified files.

    Args:
        path: The folder.
        source: The kind of place in which it was found.
    """

    path: Path
    source: Source


@dataclass(frozen=True)
class Places:
    """The folders of a machine in which the files may be.

    Args:
        cache: Holds earlier downloads; the only folder that is written to.
        system: The folder of Debian's package.
    """

    cache: Path
    system: Path


def usual_places() -> Places:
    """Return the user's cache folder and the folder of Debian's package."""
    # A measuring process is told where the files are, and spared 2 MB of memory.
    import platformdirs  # noqa: PLC0415

    cache = platformdirs.user_cache_path("fmnist-edge", appauthor=False)
    return Places(cache=cache / "fashion-mnist", system=SYSTEM_FOLDER)


def locate(
    data_dir: Path | None = None,
    *,
    files: Sequence[DataFile] = FILES,
    mirrors: Sequence[str] | None = MIRRORS,
    progress: Progress = SILENT,
    places: Places | None = None,
) -> DataFolder:
    """Find verified files of Fashion-MNIST, or fetch them into the cache.

    Args:
        data_dir: Use this folder only.
        files: The files that are needed; others are neither read nor fetched.
        mirrors: Addresses of folders that hold the four files, the preferred one first; None to
            use no network, neither mirrors nor Debian's package.
        progress: Receives the progress of a download, and a line for each source that failed.
        places: Folders to look into on this machine; `usual_places()` by default.

    Raises:
        DatasetNotFoundError: No source has the files, or `data_dir` does not have them.
        DatasetCorruptError: The contents of a file in `data_dir` are not the published ones.
        StorageError: `data_dir` cannot be read, or the cache cannot be written to.
    """
    if data_dir is not None:
        verify_folder(data_dir, files)
        return DataFolder(data_dir, "data-dir")
    places = places or usual_places()
    found = _on_this_machine(places, files, progress)
    if found is None and mirrors is not None:
        found = _from_the_network(places.cache, files, mirrors, progress)
    if found is None:
        tried = "was not fetched (offline)" if mirrors is None else "could not be fetched"
        raise DatasetNotFoundError(
            f"Fashion-MNIST is not on this machine and {tried}.", hint=_how_to_get_it()
        )
    return found


def _on_this_machine(
    places: Places, files: Sequence[DataFile], progress: Progress
) -> DataFolder | None:
    steps: tuple[tuple[Source, Path], ...] = (("cache", places.cache), ("system", places.system))
    for source, folder in steps:
        try:
            verify_folder(folder, files)
        except DatasetNotFoundError:
            continue  # Nothing is wrong: this machine has no such copy.
        except (DatasetCorruptError, StorageError) as error:
            progress.say(f"The {source} copy is passed over: {error.message}")
        else:
            return DataFolder(folder, source)
    return None


def _from_the_network(
    cache: Path, files: Sequence[DataFile], mirrors: Sequence[str], progress: Progress
) -> DataFolder | None:
    steps: tuple[tuple[Source, Callable[[Path, Sequence[DataFile]], None]], ...] = (
        ("mirror", partial(fill_from_mirrors, mirrors=mirrors, progress=progress)),
        ("debian", partial(fill_from_debian, progress=progress)),
    )
    for source, fill in steps:
        try:
            fill(cache, files)
        except (DatasetNotFoundError, DatasetCorruptError, MissingDependencyError) as error:
            progress.say(error.message)
        else:
            return DataFolder(cache, source)
    return None
