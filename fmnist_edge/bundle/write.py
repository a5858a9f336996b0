"""Writing a bundle: the same models and data give the same bytes."""

import os
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Final

from fmnist_edge.artifact import SAVED_MODEL_FILE, manifest_path, open_artifact
from fmnist_edge.bundle.index import (
    DATA_FILES,
    INDEX_NAME,
    LARGEST_BUNDLE_BYTES,
    LARGEST_MEMBER_BYTES,
    MODELS_FOLDER,
    MOST_MEMBERS,
    BundleIndex,
    Member,
    data_path,
)
from fmnist_edge.bundle.layout import Entry, directory
from fmnist_edge.bundle.names import problem_of_names
from fmnist_edge.dataset import DATASET_SHA256
from fmnist_edge.dataset.verify import read_verified
from fmnist_edge.errors import ArtifactExistsError, UsageError
from fmnist_edge.files import check_room, sha256_of, write_atomically
from fmnist_edge.records import encode_bytes

SUFFIX: Final = ".zip"
# More than the index and the headers of all members take.
_OVERHEAD_BYTES: Final = 16 << 20


def write_bundle(
    models: Sequence[Path], out: Path, *, data: Path | None, replace: bool = False
) -> BundleIndex:
    """Pack models, with their manifests and further files, into one file.

    Paths in the bundle begin at the deepest folder that holds all models; the name of that folder
    is not among them.

    Args:
        models: Main files of models, with or without manifests; each is checked against its own.
        out: The bundle; its name must end in `SUFFIX`, by which commands know it.
        data: A folder with the data set, packed or unpacked, of which `DATA_FILES` are packed; None
            for none.
        replace: Whether a file that is there is replaced.

    Returns:
        The index of the bundle.

    Raises:
        UsageError: The name of `out` or of a file cannot be used, or the bundle would be too large.
        ArtifactExistsError: `out` is there, and not to be replaced.
        ArtifactNotFoundError: A model, or a file that belongs to one, is gone.
        ManifestError: A manifest cannot be understood.
        HashMismatchError: A model is not the one that its manifest describes.
        ModelUnsupportedError: A file without manifest has no suffix of a model.
        DatasetNotFoundError: `data` lacks a file.
        DatasetCorruptError: A file in `data` is not the published one.
        StorageError: The bundle cannot be written; what was there before is still there.
    """
    check_destination(out, replace=replace)
    files: dict[str, bytes] = {}
    mains = tuple(_add_models(models, files))
    if data is not None:
        files |= {data_path(each): read_verified(data, each) for each in DATA_FILES}
    _check_limits(files)
    index = BundleIndex(
        tuple(sorted(mains)),
        tuple(Member(name, sha256_of(files[name]), len(files[name])) for name in sorted(files)),
        DATASET_SHA256 if data is not None else "",
    )
    write_atomically(out, _archive({INDEX_NAME: encode_bytes(index)} | files))
    return index


def check_destination(out: Path, *, replace: bool) -> None:
    """Check before long work whether a bundle may be written there.

    Raises:
        UsageError: The name does not end in `SUFFIX`.
        ArtifactExistsError: There is such a file, and it is not to be replaced.
        StorageError: The folder cannot be written to.
    """
    if out.suffix.lower() != SUFFIX:
        raise UsageError(
            f"The name of a bundle ends in {SUFFIX}, and {out} does not.",
            hint=f"Name it, for example, {out.with_suffix(SUFFIX) if out.name else 'garments.zip'}",
        )
    if out.exists() and not replace:
        raise ArtifactExistsError(
            f"{out} is there already.", hint="Pass --force to replace it, or choose another name."
        )
    check_room(out)


def _add_models(models: Sequence[Path], files: dict[str, bytes]) -> Iterator[str]:
    """Add the files of each model to `files`, and yield the path of its main file in the bundle."""
    paths = list(dict.fromkeys(Path(os.path.normpath(each.absolute())) for each in models))
    root = os.path.commonpath([_home(each) for each in paths]) if paths else ""
    for path in paths:
        artifact = open_artifact(path)
        folder = PurePosixPath(MODELS_FOLDER, path.parent.relative_to(root).as_posix())
        if artifact.manifest is not None:
            sidecar = manifest_path(path)
            files[str(folder / sidecar.name)] = sidecar.read_bytes()
        for name, payload in artifact.companions.items():
            files[str(folder / name)] = payload
        files[str(folder / path.name)] = artifact.payload
        yield str(folder / path.name)


def _home(model: Path) -> Path:
    """Return the folder that a model lies in; a SavedModel is a folder and carries its name."""
    return model.parent.parent if model.name == SAVED_MODEL_FILE else model.parent


def _check_limits(files: Mapping[str, bytes]) -> None:
    """Refuse what no reader would accept.

    Raises:
        UsageError: A name cannot be in a bundle, or there are too many files, or too large ones.
    """
    problem = problem_of_names((INDEX_NAME, *files))
    if problem:
        raise UsageError(
            f"These models cannot be in one bundle: {problem}.",
            hint="Rename the file, or leave it out.",
        )
    large = [name for name, payload in files.items() if len(payload) > LARGEST_MEMBER_BYTES]
    total = sum(map(len, files.values()))
    if large or len(files) >= MOST_MEMBERS or total > LARGEST_BUNDLE_BYTES - _OVERHEAD_BYTES:
        raise UsageError(
            f"{len(files)} files with {total >> 20} MiB are too much for one bundle, which holds "
            f"at most {MOST_MEMBERS} files of {LARGEST_MEMBER_BYTES >> 20} MiB each, "
            f"{LARGEST_BUNDLE_BYTES >> 20} MiB together.",
            hint="Name fewer models, and make several bundles.",
        )


def _archive(files: Mapping[str, bytes]) -> bytes:
    """Return the bytes of the archive, its members in the order of `files`."""
    parts: list[bytes] = []
    entries: list[Entry] = []
    for name in (INDEX_NAME, *sorted(files.keys() - {INDEX_NAME})):
        start = entries[-1].end if entries else 0
        entries.append(Entry(name, zlib.crc32(files[name]), len(files[name]), start))
        parts += (entries[-1].header, files[name])
    return b"".join((*parts, directory(entries)))
