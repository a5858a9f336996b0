"""The manifest of a model file: what it is, where it comes from, and how it was verified."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Final, Literal

import msgspec

from fmnist_edge.files import sha256_of
from fmnist_edge.records import Record

SCHEMA_VERSION: Final = 1  # 1: first
SAVED_MODEL_FILE: Final = (
    "saved_model.pb"  # TensorFlow's name of it; the folder carries the model's name
)
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


class Format(StrEnum):
    """The file format of a model."""

    KERAS = "keras"
    TFLITE = "tflite"
    ONNX = "onnx"
    ORT = "ort"
    OPENVINO = "openvino"
    SAVED_MODEL = "saved-model"
    NCNN = "ncnn"
    NPZ = "npz"

    @property
    def suffix(self) -> str:
        """The ending of the name of the (main) file."""
        return _SUFFIXES.get(self.value, f".{self.value}")

    @property
    def export_suffix(self) -> str:
        """The same, and what stands before it in the names of exported files.

        With it, the `.bin` of an ncnn file has another name than that of an OpenVINO file.
        """
        return _EXPORT_SUFFIXES.get(self.value, self.suffix)


_SUFFIXES: Final = {"openvino": ".xml", "saved-model": ".pb", "ncnn": ".param"}
_EXPORT_SUFFIXES: Final = {"ncnn": ".ncnn.param"}


class Precision(StrEnum):
    """The arithmetic a model file asks for.

    Attributes:
        FLOAT32: 32-bit floating point throughout.
        FLOAT16: Weights stored in 16 bits; the runtime chooses the type that it computes in.
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


class Quantization(Record):
    """The quantization of a whole tensor: real = scale x (stored - zero_point).

    Args:
        scale: Positive.
        zero_point: In the range of the stored type.
    """

    scale: float
    zero_point: int

    def __post_init__(self) -> None:
        if not self.scale > 0:
            raise ValueError(f"a quantization scale of {self.scale}")


class TensorSpec(Record):
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


class PairedAccuracy(Record):
    """The accuracies of a file and of its parent on the same labelled images.

    Args:
        parent: Share of images that the parent labels right, 0..1.
        own: Share of images that the file labels right, 0..1.
        lost: Images that only the parent labels right.
        gained: Images that only the file labels right.
        p_value: The p value of McNemar's exact test: the probability of a split of lost and gained
            that is at least as uneven if neither is better.
    """

    parent: float
    own: float
    lost: int
    gained: int
    p_value: float


class LayerFidelity(Record):
    """The quantization error of one layer's output.

    Args:
        layer: Its name, or "scores" for the last.
        sqnr_db: Signal-to-quantization-noise ratio, 10 log10(sum x^2 / sum (x - x')^2), in decibel;
            None where nothing differs.
    """

    layer: str
    sqnr_db: float | None


class Parity(Record):
    """The agreement of an exported file with its parent.

    Args:
        runtime: The runtime that executed the exported file, with its version.
        images: How many images were compared.
        agreement: The share of images given the same label, 0..1.
        max_abs_difference: The largest difference of any class probability.
        mean_abs_difference: The mean difference over all classes and images.
        accuracy: Both accuracies, where the labels of the images are known.
        layers: The error of each layer, first to last, where the layers of both could be read.
    """

    runtime: str
    images: int
    agreement: float
    max_abs_difference: float
    mean_abs_difference: float
    accuracy: PairedAccuracy | None = None
    layers: tuple[LayerFidelity, ...] = ()


class Calibration(Record):
    """The calibration images of a quantizer.

    Args:
        source: "train", or the name of the user's file.
        images: How many images there were.
        seed: The seed of their choice; None where all were used.
        method: How activation ranges were computed from them.
    """

    source: str
    images: int
    seed: int | None
    method: str


class Training(Record):
    """The training of a model and the accuracy that it reached.

    Args:
        preset: Name of the architecture and training recipe.
        seed: Seed of initial weights, shuffling and dropout.
        data_sha256: Identity of the data set.
        batch_size: Images per step.
        epochs: Epochs run, early stopping included.
        best_epoch: The epoch whose weights were kept, counted from 1.
        history: One value per epoch and metric (loss, accuracy, val_loss, val_accuracy).
        validation_accuracy: On the 5,000 images cut from train, 0..1.
        test_accuracy: On the 10,000 test images, evaluated once, after training.
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


class Manifest(Record):
    """The manifest of one artifact; its JSON form lies beside the (main) file.

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
    companions: Mapping[str, str] = msgspec.field(default_factory=dict)
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
    """A model file whose bytes were read and, where there is a manifest, checked against it.

    Args:
        path: The path of the (main) file.
        format: The format that the manifest or the suffix names.
        payload: The bytes of the (main) file.
        manifest: None for a file without manifest.
        companions: The bytes of the other files, by their paths from the main file's folder.
    """

    path: Path
    format: Format
    payload: bytes = field(repr=False)
    manifest: Manifest | None
    companions: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    @property
    def sha256(self) -> str:
        """The SHA-256 of the payload."""
        return self.manifest.sha256 if self.manifest else sha256_of(self.payload)

    @property
    def size_bytes(self) -> int:
        """The size of all its files."""
        return len(self.payload) + sum(map(len, self.companions.values()))


def display_name(path: Path) -> str:
    """Return the name of a model file, or of its folder where the format is a folder."""
    return path.parent.name if path.name == SAVED_MODEL_FILE else path.name


def utc_now() -> str:
    """Return the present time as text that sorts: ISO 8601, UTC, to the microsecond."""
    return datetime.now(UTC).isoformat(timespec="microseconds")
