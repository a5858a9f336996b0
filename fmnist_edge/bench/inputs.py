"""The inputs that a model is measured with: Fashion-MNIST, the user's images, or noise."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.errors import ModelUnsupportedError, UsageError
from fmnist_edge.files import sha256_of
from fmnist_edge.result import Inputs, OwnData, Settings
from fmnist_edge.session import Session, is_image_classifier, synthetic_inputs

_SYNTHETIC_IMAGES: Final = 256
_SEED: Final = 0
# Different inputs for the throughput.
THROUGHPUT_INPUTS: Final = 4
_LARGEST: Final = np.iinfo(np.int64).max
_WANTED: Final = (
    "Give an .npz file with an array called images, one item per row, and, for an accuracy, an "
    "array called labels, one integer per item."
)


@dataclass(frozen=True)
class OwnImages:
    """The contents of the user's file.

    Args:
        images: [N, ...] numbers; uint8 are pixels, floats are what the model takes.
        labels: int64[N]; None where the file has none.
        record: The file's name and hash, for the result.
    """

    images: NDArray[Any]
    labels: NDArray[np.int64] | None
    record: OwnData


@dataclass(frozen=True)
class FirstImages:
    """The test images, of which a measuring process holds those that it times calls with.

    Args:
        images: uint8[K,28,28], the first K.
        count: How many there are, N.
        read: Returns the first `n` of them, uint8[n,28,28], for n from 1 to N.
    """

    images: NDArray[np.uint8]
    count: int
    read: Callable[[int], NDArray[np.uint8]]


def needed_images(settings: Settings, batch: int) -> int:
    """Return how many of the first images `CaseMeasurement` uses before its memory is read.

    Args:
        settings: The protocol.
        batch: Images per call.
    """
    return max(settings.distinct_images, batch * max(1, settings.stage_samples))


@dataclass(frozen=True)
class ModelInputs:
    """The inputs of one model.

    Args:
        images: [K, ...], what `Session.prepare` takes: the first inputs, as many as are needed.
        record: Where they come from, and how many there are, for the result.
        read: Returns the first n of them; None where `images` are all.
    """

    images: NDArray[Any]
    record: Inputs
    read: Callable[[int], NDArray[Any]] | None = None

    def everything(self) -> NDArray[Any]:
        """Return all inputs, [N, ...]."""
        return self.first(self.record.images).images

    def first(self, count: int) -> "ModelInputs":
        """Return these inputs with the first `count` of them, or all, held in memory."""
        wanted = min(count, self.record.images)
        if self.read is None or wanted <= len(self.images):
            return self
        return replace(self, images=self.read(wanted))

    def batch(self, size: int, index: int) -> NDArray[Any]:
        """Return the index-th batch of inputs; after the last input comes the first again."""
        chosen = np.arange(index * size, (index + 1) * size) % self.record.images
        batch: NDArray[Any] = self.images[chosen]
        return batch

    def tensors(self, session: Session, distinct: int) -> list[NDArray[Any]]:
        """Return prepared inputs of the first `distinct` images, at least one full batch."""
        count = max(1, min(distinct, self.record.images) // session.batch)
        return [session.prepare(self.batch(session.batch, index)) for index in range(count)]


def inputs_for(session: Session, test: FirstImages | None, own: OwnImages | None) -> ModelInputs:
    """Return the user's images, else the test images for a model that takes them, else noise.

    Raises:
        ModelUnsupportedError: The user's labels name classes that the model does not have.
    """
    if own is not None:
        if own.labels is not None:
            _check_classes(session, int(own.labels.max()))
        record = Inputs("file", len(own.images), labelled=own.labels is not None)
        return ModelInputs(own.images, record)
    if test is not None and is_image_classifier(session.input, session.output):
        record = Inputs("fashion-mnist", test.count, labelled=True)
        return ModelInputs(test.images, record, test.read)
    noise = synthetic_inputs(session.input, _SYNTHETIC_IMAGES, _SEED)
    return ModelInputs(noise, Inputs("synthetic", len(noise), labelled=False))


def _check_classes(session: Session, largest: int) -> None:
    shape = session.output.shape
    classes = int(np.prod([size or 1 for size in shape[1:]]))
    if largest >= classes:
        raise ModelUnsupportedError(
            f"The labels go up to {largest}, and the model gives {classes} scores.",
            hint="Give data of the classes that the model was trained for, or leave out labels.",
        )


def read_own_data(path: Path) -> OwnImages:
    """Read `images` and `labels` of an `.npz` file; nothing in it is unpickled.

    Raises:
        UsageError: The file cannot be read, holds objects, or its arrays do not fit together.
    """
    # A measuring process without the user's data is spared `zipfile` and what it brings.
    from fmnist_edge.arrays import ArraysError, read_arrays  # noqa: PLC0415

    try:
        payload = path.read_bytes()
        arrays = read_arrays(payload)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.", hint=_WANTED) from error
    except ArraysError as error:
        raise UsageError(f"{path} cannot be read: {error}.", hint=_WANTED) from error
    images = arrays.get("images")
    if images is None:
        raise UsageError(f"{path} holds no array called images.", hint=_WANTED)
    if images.dtype.kind not in "uif" or images.ndim < 1 or len(images) == 0:
        found = f"{images.dtype}[{','.join(map(str, images.shape))}]"
        raise UsageError(f"The images in {path} are {found}: no rows of numbers.", hint=_WANTED)
    if not np.isfinite(images).all():
        raise UsageError(
            f"The images in {path} hold values that are no numbers (NaN or infinite).",
            hint="Remove these images from the file; no model can classify them.",
        )
    labels = arrays.get("labels")
    record = OwnData(str(path), sha256_of(payload))
    return OwnImages(images, None if labels is None else _labels(path, labels, images), record)


def _labels(path: Path, labels: NDArray[Any], images: NDArray[Any]) -> NDArray[np.int64]:
    is_list = labels.dtype.kind in "ui" and labels.shape == images.shape[:1]
    if not is_list or labels.min() < 0 or labels.max() > _LARGEST:
        found = f"{labels.dtype}[{','.join(map(str, labels.shape))}]"
        raise UsageError(
            f"The labels in {path} are {found}, not one class number for each of the "
            f"{len(images)} images.",
            hint=_WANTED,
        )
    return labels.astype(np.int64)
