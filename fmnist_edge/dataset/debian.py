"""Fetching Fashion-MNIST from Debian's package, without being root.

Debian, Raspberry Pi OS and Ubuntu have a package of the dataset, so that a machine that can reach
its package mirror only can still get the files.
"""

import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from fmnist_edge.dataset.cache import keep, lacking, scratch_folder
from fmnist_edge.dataset.catalog import DataFile
from fmnist_edge.errors import DatasetNotFoundError
from fmnist_edge.progress import Progress

PACKAGE: Final = "dataset-fashion-mnist"
SYSTEM_FOLDER: Final = Path("/usr/share/datasets/fashion-mnist")

_UPDATE_SECONDS: Final = 120
_DOWNLOAD_SECONDS: Final = 900
_LOCAL_SECONDS: Final = 120
# Without network, apt gives up after seconds instead of minutes.
_SHORT_TIMEOUTS: Final = (
    "-oAcquire::Retries=1",
    "-oAcquire::http::Timeout=10",
    "-oAcquire::https::Timeout=10",
)


def fill_from_debian(cache: Path, files: Sequence[DataFile], progress: Progress) -> None:
    """Put those of `files` into `cache` that it does not hold yet.

    Args:
        cache: The folder to fill.
        files: The files that are needed.
        progress: Receives the start and the end of the work.

    Raises:
        DatasetNotFoundError: The system has no apt, or the package cannot be fetched.
        DatasetCorruptError: The package holds something else than the published files.
        StorageError: `cache` cannot be written to.
    """
    apt_get, dpkg_deb = _tool("apt-get"), _tool("dpkg-deb")
    progress.start(f"Debian package {PACKAGE}", None)
    try:
        with scratch_folder() as scratch:
            scratch.chmod(0o755)  # apt, if started by root, reads the lists as another user
            package = _download(apt_get, scratch)
            _run((dpkg_deb, "-x", package.name, "."), scratch, _LOCAL_SECONDS)
            for file in lacking(cache, files):
                keep(cache, scratch / SYSTEM_FOLDER.relative_to("/"), file)
    finally:
        progress.finish()


def _tool(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise _failure(f"there is no {name} here")
    return path


def _download(apt_get: str, scratch: Path) -> Path:
    """Download the package into `scratch` and return its path."""
    apt: tuple[str, ...] = (apt_get, "-q", *_SHORT_TIMEOUTS)
    if not _lists_it(apt, scratch):
        # The system's package lists are absent, and only root may fetch them: fetch a private
        # copy. An update also fails because of lists that this package is not in, so that only the
        # download shows whether it succeeded.
        apt = (*apt, *_private_lists(scratch))
        with suppress(DatasetNotFoundError):
            _run((*apt, "update"), scratch, _UPDATE_SECONDS)
    _run((*apt, "download", PACKAGE), scratch, _DOWNLOAD_SECONDS)
    for package in scratch.glob(f"{PACKAGE}_*.deb"):
        return package
    raise _failure("apt-get downloaded nothing")


def _lists_it(apt: Sequence[str], scratch: Path) -> bool:
    """Return whether the system's package lists hold the package; no network is used."""
    try:
        _run((*apt, "--print-uris", "download", PACKAGE), scratch, _LOCAL_SECONDS)
    except DatasetNotFoundError:
        return False
    return True


def _private_lists(scratch: Path) -> tuple[str, ...]:
    """Return the options that make apt keep its package lists in `scratch`."""
    lists, cache = scratch / "lists", scratch / "apt-cache"
    (lists / "partial").mkdir(parents=True)
    (cache / "archives" / "partial").mkdir(parents=True)
    return (
        f"-oDir::State::Lists={lists}",
        f"-oDir::Cache={cache}",
        "-oAcquire::Languages=none",  # translated descriptions are not needed
    )


def _run(command: Sequence[str], folder: Path, seconds: int) -> None:
    """Run `command` in `folder`, quietly, for at most `seconds`.

    Raises:
        DatasetNotFoundError: The command failed; the message ends with the last line of its stderr.
    """
    # A measuring process imports this module, and runs no program.
    import subprocess  # noqa: PLC0415

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
