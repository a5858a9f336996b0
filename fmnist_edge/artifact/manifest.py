"""What is known of a model file."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Final, Literal

from fmnist_edge.files import sha256_of

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
    "utc_now",
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
        if self.file in {"", ".."} or self.file != Path(self.file).name:
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
