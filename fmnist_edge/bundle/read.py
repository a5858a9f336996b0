"""Using a bundle in place: it is checked, and unpacked into the cache once."""

from dataclasses import dataclass
from pathlib import Path

from fmnist_edge.bundle.archive import open_archive
from fmnist_edge.bundle.cache import bundles_folder, unpack
from fmnist_edge.bundle.index import DATA_FOLDER, BundleIndex


@dataclass(frozen=True)
class OpenedBundle:
    """A bundle whose members lie in a folder, all of them checked.

    Args:
        path: The bundle itself.
        folder: Where its members lie; the same folder for the same bytes.
        index: What it holds.
    """

    path: Path
    folder: Path
    index: BundleIndex

    @property
    def sha256(self) -> str:
        """The SHA-256 of the bundle, hexadecimal."""
        return self.folder.name

    @property
    def models(self) -> tuple[Path, ...]:
        """The main files of its models, in order of their paths."""
        return tuple(self.folder / each for each in self.index.models)

    @property
    def data(self) -> Path | None:
        """A folder with `DATA_FILES`; None where the bundle has no data."""
        return self.folder / DATA_FOLDER if self.index.data_sha256 else None


def open_bundle(path: Path, cache: Path | None = None) -> OpenedBundle:
    """Check a bundle, and unpack it unless it was unpacked before.

    Nothing is written before the archive's directory and index have been checked, and nothing
    outside `cache`. Processes that open the same bundle at the same time do not disturb each other.

    Args:
        path: The bundle.
        cache: The folder of unpacked bundles; `bundles_folder()` by default.

    Raises:
        ArtifactNotFoundError: There is no such file, or it cannot be read.
        BundleError: It is no bundle, or a damaged or a dangerous one, or was made by a newer
            version.
        StorageError: `cache` cannot be written to.
    """
    with open_archive(path) as archive:
        return OpenedBundle(path, unpack(archive, cache or bundles_folder()), archive.index)
