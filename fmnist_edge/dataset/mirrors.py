"""Fetching Fashion-MNIST from mirrors on the web, from the next one whenever one fails."""

from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from fmnist_edge.dataset.cache import keep, lacking, scratch_folder
from fmnist_edge.dataset.catalog import DataFile
from fmnist_edge.dataset.download import MirrorError, download, make_contact
from fmnist_edge.errors import DatasetCorruptError, DatasetNotFoundError
from fmnist_edge.progress import Progress

MIRRORS: Final = (
    "https://fashion-mnist.s3.eu-central-1.amazonaws.com/",
    "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
)


def fill_from_mirrors(
    cache: Path, files: Sequence[DataFile], mirrors: Sequence[str], progress: Progress
) -> None:
    """Put those of `files` into `cache` that it does not hold yet.

    Each file is stored as soon as it is verified, so that an interrupted download continues with
    the next file.

    Args:
        cache: The folder to fill.
        files: The files that are needed.
        mirrors: Addresses of folders that hold the four files, the preferred one first.
        progress: Receives the progress in bytes, and a line for each mirror that failed.

    Raises:
        DatasetNotFoundError: No mirror serves one of the files.
        MissingDependencyError: pooch is not installed.
        StorageError: `cache` cannot be written to.
    """
    queue = deque(mirrors)
    with scratch_folder() as scratch:
        for file in lacking(cache, files):
            _fetch(file, queue, cache, scratch, progress)


def _fetch(
    file: DataFile, queue: deque[str], cache: Path, scratch: Path, progress: Progress
) -> None:
    """Store `file` from the first mirror that serves it; mirrors that fail go to the end."""
    for _ in range(len(queue)):
        mirror = queue[0]
        try:
            make_contact(mirror, file)
            download(mirror, file, scratch, progress)
            keep(cache, scratch, file)
        except MirrorError as error:
            progress.say(f"{file.name} cannot be had from {mirror}: {error}.")
        except DatasetCorruptError as error:
            progress.say(f"{file.name} from {mirror} is not used: {error.message}")
        else:
            return
        (scratch / file.name).unlink(missing_ok=True)
        queue.rotate(-1)
    raise DatasetNotFoundError(f"No mirror serves {file.name}.")
