"""An artifact: one model file plus the manifest (`FILE.json`) that says what it is.

The manifest is written last and holds the file's SHA-256, so an artifact is either whole or not
there. A bare model file without a manifest (somebody else's) is a `Model` too; it just has less to
tell.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Final, Literal

from fmnist_edge.errors import (
    ArtifactExistsError,
    ArtifactNotFoundError,
    HashMismatchError,
    ManifestError,
    ModelUnsupportedError,
)
from fmnist_edge.files import sha256_of, storage_errors, write_atomically
from fmnist_edge.records import RecordError, decode_document, encode_json

__all__ = [
    "SCHEMA_VERSION",
    "Artifact",
    "Format",
    "Manifest",
    "Parity",
    "Precision",
    "Quantization",
    "TensorSpec",
    "Training",
    "find_manifests",
    "manifest_path",
    "open_artifact",
    "read_manifest",
    "refuse_to_replace",
    "utc_now",
    "write_artifact",
]

SCHEMA_VERSION: Final = 1  # 1: first
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


class Format(StrEnum):
    """What kind of file a model is kept in; the value is also the file's suffix."""

    KERAS = "keras"
    TFLITE = "tflite"
    ONNX = "onnx"
    NPZ = "npz"


class Precision(StrEnum):
    """The arithmetic a model file asks for."""

    FLOAT32 = "float32"
    INT8 = "int8"


@dataclass(frozen=True)
class Quantization:
    """real = scale x (stored - zero_point), one pair for the whole tensor.

    Args:
        scale: Positive.
        zero_point: In the range of the stored type.
    """

    scale: float
    zero_point: int

    def __post_init__(self) -> None:
        if not self.scale > 0:
            raise ValueError(f"a quantization scale of {self.scale}")


@dataclass(frozen=True)
class TensorSpec:
    """A model's input or output as its file declares it.

    Args:
        name: The name the file gives it.
        shape: One entry per axis; None where the file leaves it open (the batch axis).
        dtype: A NumPy dtype name.
        quantization: None for a tensor of real numbers.
    """

    name: str
    shape: tuple[int | None, ...]
    dtype: str
    quantization: Quantization | None = None


@dataclass(frozen=True)
class Parity:
    """How closely an exported file follows its parent on held-back images.

    Args:
        runtime: What executed the exported file, with its version.
        images: How many images were compared.
        agreement: The share of images given the same label, 0..1.
        max_abs_difference: The largest difference of any class score.
    """

    runtime: str
    images: int
    agreement: float
    max_abs_difference: float


@dataclass(frozen=True)
class Training:
    """How a model came to be, and how good it was.

    Args:
        preset: Name of the architecture and recipe.
        seed: Seed of initial weights, shuffling and dropout.
        data_sha256: Identity of the data set.
        batch_size: Images per step.
        epochs: Epochs run, early stopping included.
        best_epoch: The epoch whose weights were kept, counted from 1.
        history: One value per epoch and metric (loss, accuracy, val_loss, val_accuracy).
        validation_accuracy: On the 5,000 images cut from train, 0..1.
        test_accuracy: On the 10,000 test images, read once, after training.
    """

    preset: str
    seed: int
    data_sha256: str
    batch_size: int
    epochs: int
    best_epoch: int
    history: Mapping[str, tuple[float, ...]]
    validation_accuracy: float
    test_accuracy: float


@dataclass(frozen=True)
class Manifest:
    """What is known of one artifact; its JSON form lies beside the file."""

    file: str
    format: Format
    precision: Precision
    sha256: str
    size_bytes: int
    created: str
    recipe: str
    labels: tuple[str, ...]
    input: TensorSpec
    output: TensorSpec
    tools: Mapping[str, str]
    parent_sha256: str | None = None
    parity: Parity | None = None
    training: Training | None = None
    kind: Literal["fmnist-edge artifact"] = "fmnist-edge artifact"
    schema_version: int = SCHEMA_VERSION

    def __post_init__(self) -> None:
        if not _SHA256.fullmatch(self.sha256):
            raise ValueError(f"{self.sha256!r} is no SHA-256")
        if self.file != Path(self.file).name:
            raise ValueError(f"{self.file!r} is no plain file name")


@dataclass(frozen=True)
class Artifact:
    """A model file whose bytes were read and, where a manifest stands beside it, checked.

    Args:
        path: Where it lies.
        format: From the manifest, or from the suffix.
        payload: The whole file.
        manifest: None for a bare file.
    """

    path: Path
    format: Format
    payload: bytes = field(repr=False)
    manifest: Manifest | None

    @property
    def sha256(self) -> str:
        """SHA-256 of the payload."""
        return self.manifest.sha256 if self.manifest else sha256_of(self.payload)


def utc_now() -> str:
    """The time of day, for people and for ordering: ISO 8601, UTC, to the microsecond."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def manifest_path(path: Path) -> Path:
    """Where the manifest of the model file `path` lies."""
    return path.with_name(path.name + ".json")


def refuse_to_replace(path: Path, *, force: bool) -> None:
    """Stop before long work whose outcome would have no place to go.

    Raises:
        ArtifactExistsError: `path` is there already and `force` is not given.
    """
    if not force and (path.exists() or manifest_path(path).exists()):
        raise ArtifactExistsError(
            f"{path} is there already.", hint="Pass --force to replace it, or choose another name."
        )


def write_artifact(folder: Path, payload: bytes, manifest: Manifest) -> Path:
    """Put an artifact into `folder` and return the model file's path.

    The old manifest goes first and the new one comes last, so that at no moment a manifest stands
    beside a file it does not describe.

    Raises:
        StorageError: the folder cannot be written to; no new artifact is visible then.
    """
    path = folder / manifest.file
    with storage_errors(path):
        manifest_path(path).unlink(missing_ok=True)
    write_atomically(path, payload)
    try:
        write_atomically(manifest_path(path), encode_json(manifest).encode())
    except BaseException:
        path.unlink(missing_ok=True)  # a model file without its manifest would be half an artifact
        raise
    return path


def read_manifest(path: Path) -> Manifest | None:
    """The manifest of the model file `path`; None where it has none.

    Raises:
        ManifestError: there is one, and it makes no sense.
    """
    where = manifest_path(path)
    try:
        text = where.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ManifestError(f"Cannot read the manifest {where}: {error.strerror}.") from error
    try:
        manifest = decode_document(Manifest, text, SCHEMA_VERSION)
    except RecordError as error:
        raise ManifestError(
            f"The manifest {where} cannot be understood: {error}.",
            hint="Export the model again, or remove the manifest to use the bare file.",
        ) from error
    if manifest.file != path.name:
        raise ManifestError(
            f"The manifest {where} describes {manifest.file!r}, not {path.name!r}.",
            hint="Move a model file and its manifest together, and keep both names.",
        )
    return manifest


def open_artifact(path: Path) -> Artifact:
    """Read a model file and check it against its manifest.

    Raises:
        ArtifactNotFoundError: no such file.
        ManifestError: its manifest makes no sense.
        HashMismatchError: the file is not the one its manifest describes.
        ModelUnsupportedError: a bare file whose suffix names no known format.
    """
    manifest = read_manifest(path)
    try:
        payload = path.read_bytes()
    except OSError as error:
        raise ArtifactNotFoundError(
            f"Cannot read {path}: {error.strerror}.", hint="Check the path."
        ) from error
    if manifest is None:
        return Artifact(path, format_of(path), payload, None)
    if sha256_of(payload) != manifest.sha256:
        raise HashMismatchError(
            f"{path} is not the file its manifest describes (its SHA-256 differs): "
            "it was damaged or replaced.",
            hint="Copy it again, or export it again.",
        )
    return Artifact(path, manifest.format, payload, manifest)


def format_of(path: Path) -> Format:
    """The format a bare file's suffix names.

    Raises:
        ModelUnsupportedError: it names none that is known.
    """
    try:
        return Format(path.suffix.removeprefix(".").lower())
    except ValueError as error:
        known = ", ".join(f".{each.value}" for each in Format)
        raise ModelUnsupportedError(
            f"{path} has no suffix that names a model format ({known}).",
            hint="Rename the file to end in its format.",
        ) from error


def find_manifests(folder: Path) -> tuple[Path, ...]:
    """The model files below `folder` that have a manifest beside them, in order of their paths."""
    found = []
    for sidecar in folder.rglob("*.json"):
        path = sidecar.with_suffix("")
        if path.suffix.removeprefix(".") in set(Format) and not path.name.startswith("."):
            found.append(path)
    return tuple(sorted(found))
