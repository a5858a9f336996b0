"""Fashion-MNIST from Debian's package of it, fetched and unpacked without being root.

Debian, Raspberry Pi OS and Ubuntu carry the dataset, so a machine that reaches nothing but its
package mirror can still get it.
"""

import shutil
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from fmnist_edge.dataset.cache import keep, lacking, scratch_folder
from fmnist_edge.errors import DatasetNotFoundError
from fmnist_edge.progress import Progress

__all__ = ["PACKAGE", "SYSTEM_FOLDER", "fill_from_debian"]

PACKAGE: Final = "dataset-fashion-mnist"
SYSTEM_FOLDER: Final = Path("/usr/share/datasets/fashion-mnist")

_UPDATE_SECONDS: Final = 120
_DOWNLOAD_SECONDS: Final = 900
_LOCAL_SECONDS: Final = 120
# Without network, give up soon.
_PATIENCE: Final = (
    "-oAcquire::Retries=1",
    "-oAcquire::http::Timeout=10",
    "-oAcquire::https::Timeout=10",
)


def fill_from_debian(cache: Path, progress: Progress) -> None:
    """Bring into `cache` every file it lacks.

    Args:
        cache: The folder to fill.
        progress: Who is told that this is going on.

    Raises:
        DatasetNotFoundError: this is no Debian, or the package cannot be had.
        DatasetCorruptError: the package holds something else than the published files.
        StorageError: `cache` cannot be written to.
    """
    apt_get, dpkg_deb = _tool("apt-get"), _tool("dpkg-deb")
    progress.start(f"Debian package {PACKAGE}", None)
    try:
        with scratch_folder() as scratch:
            scratch.chmod(0o755)  # lets apt, started by root, give up being root for the lists
            package = _download(apt_get, scratch)
            _run((dpkg_deb, "-x", package.name, "."), scratch, _LOCAL_SECONDS)
            for file in lacking(cache):
                keep(cache, scratch / SYSTEM_FOLDER.relative_to("/"), file)
    finally:
        progress.finish()


def _tool(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise _failure(f"there is no {name} here")
    return path


def _download(apt_get: str, scratch: Path) -> Path:
    """The package, downloaded into `scratch`."""
    apt: tuple[str, ...] = (apt_get, "-q", *_PATIENCE)
    if not _lists_it(apt, scratch):
        # The machine's package lists are absent, and only root may fetch them: fetch a private
        # copy. That also fails for a list that has nothing to do with this package, so whether
        # it was good enough is for the download to say.
        apt = (*apt, *_private_lists(scratch))
        with suppress(DatasetNotFoundError):
            _run((*apt, "update"), scratch, _UPDATE_SECONDS)
    _run((*apt, "download", PACKAGE), scratch, _DOWNLOAD_SECONDS)
    for package in scratch.glob(f"{PACKAGE}_*.deb"):
        return package
    raise _failure("apt-get downloaded nothing")


def _lists_it(apt: Sequence[str], scratch: Path) -> bool:
    """Whether the machine's package lists know the package; this asks no network."""
    try:
        _run((*apt, "--print-uris", "download", PACKAGE), scratch, _LOCAL_SECONDS)
    except DatasetNotFoundError:
        return False
    return True


def _private_lists(scratch: Path) -> tuple[str, ...]:
    """The options that make apt keep its package lists in `scratch`."""
    lists, cache = scratch / "lists", scratch / "apt-cache"
    (lists / "partial").mkdir(parents=True)
    (cache / "archives" / "partial").mkdir(parents=True)
    return (
        f"-oDir::State::Lists={lists}",
        f"-oDir::Cache={cache}",
        "-oAcquire::Languages=none",  # translated descriptions are of no use here
    )


def _run(command: Sequence[str], folder: Path, seconds: int) -> None:
    """Run `command` in `folder`, quietly, for at most `seconds`.

    Raises:
        DatasetNotFoundError: it failed; the message ends with its last words.
    """
    name = Path(command[0]).name
    try:
        subprocess.run(  # noqa: S603 - the program was found by name, no shell reads its arguments
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired as error:
        raise _failure(f"{name} did not end within {seconds} seconds") from error
    except subprocess.CalledProcessError as error:
        lines = error.stderr.decode(errors="replace").strip().splitlines()
        raise _failure(f"{name}: {lines[-1] if lines else error}") from error
    except OSError as error:
        raise _failure(f"{name} cannot be run: {error.strerror}") from error


def _failure(reason: str) -> DatasetNotFoundError:
    return DatasetNotFoundError(f"The Debian package {PACKAGE} cannot be fetched: {reason}.")
