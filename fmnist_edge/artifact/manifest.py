"""What is known of a model file."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Final, Literal

from fmnist_edge.files import sha256_of

__all__ = [
    "SAVED_MODEL_FILE",
    "SCHEMA_VERSION",
    "Artifact",
    "Calibration",
    "Format",
    "LayerFidelity",
    "Manifest",
    "PairedAccuracy",
    "Parity",
    "Precision",
    "Quantization",
    "TensorSpec",
    "Training",
    "display_name",
    "utc_now",
]

SCHEMA_VERSION: Final = 1  # 1: first
SAVED_MODEL_FILE: Final = "saved_model.pb"  # TensorFlow's name for it; the folder has the model's
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


class Format(StrEnum):
    """What kind of file a model is kept in."""

    KERAS = "keras"
    TFLITE = "tflite"
    ONNX = "onnx"
    ORT = "ort"
    OPENVINO = "openvino"
    SAVED_MODEL = "saved-model"
    NPZ = "npz"

    @property
    def suffix(self) -> str:
        """How the name of the (main) file ends."""
        return _SUFFIXES.get(self.value, f".{self.value}")


_SUFFIXES: Final = {"openvino": ".xml", "saved-model": ".pb"}


class Precision(StrEnum):
    """The arithmetic a model file asks for.

    Attributes:
        FLOAT32: 32-bit floating point throughout.
        FLOAT16: Weights kept in 16 bits; what a runtime computes in is its own choice.
        INT8: 8-bit integers throughout, input and output included where the format has them.
        INT8_FLOAT_IO: 8-bit integers inside, float32 input and output.
        INT8_DYNAMIC: 8-bit weights; activations are quantized while the model runs.
        INT16X8: 16-bit activations, 8-bit weights.
        INT4: 4-bit weights; activations are quantized to 8 bits while the model runs.
    """

    FLOAT32 = "float32"
    FLOAT16 = "float16"
    INT8 = "int8"
    INT8_FLOAT_IO = "int8-float-io"
    INT8_DYNAMIC = "int8-dynamic"
    INT16X8 = "int16x8"
    INT4 = "int4"


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
class PairedAccuracy:
    """A file and its parent on the same labelled images.

    Args:
        parent: Share of images that the parent labels right, 0..1.
        own: Share of images that the file labels right, 0..1.
        lost: Images that only the parent labels right.
        gained: Images that only the file labels right.
        p_value: Of McNemar's exact test: how likely so uneven a split of lost and gained is if
            neither is the better one.
    """

    parent: float
    own: float
    lost: int
    gained: int
    p_value: float


@dataclass(frozen=True)
class LayerFidelity:
    """How much of one layer's output survives.

    Args:
        layer: Its name, or "scores" for the last.
        sqnr_db: Signal-to-quantization-noise ratio, 10 log10(sum x^2 / sum (x - x')^2), in decibel;
            None where nothing differs.
    """

    layer: str
    sqnr_db: float | None


@dataclass(frozen=True)
class Parity:
    """How closely an exported file follows its parent.

    Args:
        runtime: What executed the exported file, with its version.
        images: How many images were compared.
        agreement: The share of images given the same label, 0..1.
        max_abs_difference: The largest difference of any class probability.
        mean_abs_difference: The mean difference over all classes and images.
        accuracy: Where the images' labels are known.
        layers: Layer by layer, first to last, where the file was looked into.
    """

    runtime: str
    images: int
    agreement: float
    max_abs_difference: float
    mean_abs_difference: float
    accuracy: PairedAccuracy | None = None
    layers: tuple[LayerFidelity, ...] = ()


@dataclass(frozen=True)
class Calibration:
    """What a quantizer saw.

    Args:
        source: "train", or the name of the user's file.
        images: How many.
        seed: Of their choice; None where all were used.
        method: How ranges were taken from them.
    """

    source: str
    images: int
    seed: int | None
    method: str


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
    """What is known of one artifact; its JSON form lies beside the (main) file.

    Args:
        companions: SHA-256 of each further file that belongs to it, by its path from the main
            file's folder.
    """

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
    scores: Literal["probabilities", "logits"] = "probabilities"
    companions: Mapping[str, str] = field(default_factory=dict)
    parent_sha256: str | None = None
    calibration: Calibration | None = None
    parity: Parity | None = None
    training: Training | None = None
    kind: Literal["fmnist-edge artifact"] = "fmnist-edge artifact"
    schema_version: int = SCHEMA_VERSION

    def __post_init__(self) -> None:
        if not _SHA256.fullmatch(self.sha256):
            raise ValueError(f"{self.sha256!r} is no SHA-256")
        if self.file in {"", ".."} or self.file != Path(self.file).name:
            raise ValueError(f"{self.file!r} is no plain file name")
        for name, digest in self.companions.items():
            path = PurePosixPath(name)
            if not name or path.is_absolute() or ".." in path.parts:
                raise ValueError(f"{name!r} is no path inside the model's folder")
            if not _SHA256.fullmatch(digest):
                raise ValueError(f"{digest!r} is no SHA-256")


@dataclass(frozen=True)
class Artifact:
    """A model file whose bytes were read and, where a manifest stands beside it, checked.

    Args:
        path: Where it lies.
        format: From the manifest, or from the suffix.
        payload: The whole (main) file.
        manifest: None for a bare file.
        companions: The other files, whole, by their paths from the main file's folder.
    """

    path: Path
    format: Format
    payload: bytes = field(repr=False)
    manifest: Manifest | None
    companions: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    @property
    def sha256(self) -> str:
        """SHA-256 of the payload."""
        return self.manifest.sha256 if self.manifest else sha256_of(self.payload)

    @property
    def size_bytes(self) -> int:
        """Of all its files."""
        return len(self.payload) + sum(map(len, self.companions.values()))


def display_name(path: Path) -> str:
    """A model file's name as people know it: of its folder, where the format is a folder."""
    return path.parent.name if path.name == SAVED_MODEL_FILE else path.name


def utc_now() -> str:
    """The time of day, for people and for ordering: ISO 8601, UTC, to the microsecond."""
    return datetime.now(UTC).isoformat(timespec="microseconds")
