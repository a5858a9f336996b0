"""Training of a preset with Keras, from checked data to the bytes of a `.keras` file."""

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from fmnist_edge.dataset import LABELS, Dataset, Split
from fmnist_edge.errors import TrainingError, UsageError
from fmnist_edge.files import storage_errors
from fmnist_edge.progress import Progress
from fmnist_edge.records import replace
from fmnist_edge.session import IMAGE_SHAPE, Scores, scale_pixels
from fmnist_edge.training.majority import class_frequency_model
from fmnist_edge.training.options import FitResult, TrainOptions
from fmnist_edge.training.preset import Preset
from fmnist_edge.training.trainer import Trainer

TOOLS: Final = ("tensorflow", "keras", "numpy")
_PREDICTION_BATCH: Final = 1000


def override(preset: Preset, *, epochs: int | None, batch_size: int | None) -> Preset:
    """Return the preset with the user's own epochs and batch size; None keeps the preset's.

    Raises:
        UsageError: A number is less than 1.
    """
    for name, value in (("epochs", epochs), ("batch size", batch_size)):
        if value is not None and value < 1:
            raise UsageError(f"The {name} must be at least 1, not {value}.")
    schedule = replace(
        preset.schedule,
        epochs=preset.schedule.epochs if epochs is None else epochs,
        batch_size=preset.schedule.batch_size if batch_size is None else batch_size,
    )
    return replace(preset, schedule=schedule)


def fit(preset: Preset, data: Dataset, options: TrainOptions, progress: Progress) -> FitResult:
    """Train `preset` on the train split and evaluate each epoch on the validation split.

    Args:
        preset: What to train.
        data: The train split (55,000 images) and the validation split (5,000 images) are used; the
            test split is not.
        options: The seed, the checkpoint and the teacher.
        progress: It is advanced by steps, with a note of loss and validation accuracy.

    Raises:
        CheckpointError: There is nothing to resume, or it belongs to another training.
        MissingDependencyError: TensorFlow is not installed.
        StorageError: A checkpoint cannot be written.
        TrainingError: The data have another form, or the loss is NaN or infinite; in the second
            case the last checkpoint is kept.
    """
    for split in (data.train, data.validation):
        check_split(split)
    return _METHODS[preset.method](preset, data, options, progress)


def _count_classes(preset: Preset, data: Dataset, _: TrainOptions, __: Progress) -> FitResult:
    return FitResult(class_frequency_model(preset, data.train), {}, 0)


def _train(preset: Preset, data: Dataset, options: TrainOptions, progress: Progress) -> FitResult:
    return Trainer(preset, data, options, progress).run()


_METHODS: Final[Mapping[str, Callable[[Preset, Dataset, TrainOptions, Progress], FitResult]]] = {
    "class-frequencies": _count_classes,
    "gradients": _train,
}


def check_split(split: Split) -> None:
    """Check that a split holds images and labels of Fashion-MNIST's form.

    Raises:
        TrainingError: There are no images, they have another shape or dtype, or a label is not a
            class.
    """
    images, labels = split.images, split.labels
    if images.dtype != np.uint8 or images.shape[1:] != IMAGE_SHAPE or not len(images):
        found = f"{images.dtype}[{','.join(map(str, images.shape))}]"
        raise TrainingError(
            f"The images are {found}, not uint8[N,28,28].",
            hint="Give Fashion-MNIST itself, or data in its form.",
        )
    if labels.dtype.kind not in "iu" or labels.ndim != 1:
        found = f"{labels.dtype}[{','.join(map(str, labels.shape))}]"
        raise TrainingError(
            f"The labels are {found}, not one whole number per image.",
            hint="Give class numbers, not one-hot rows.",
        )
    wrong = np.flatnonzero((labels < 0) | (labels >= len(LABELS)))
    if len(wrong):
        raise TrainingError(
            f"The label of image {wrong[0]} is {labels[wrong[0]]}; "
            f"classes are 0 to {len(LABELS) - 1}.",
            hint="Check where the labels come from.",
        )


def accuracy(model: Any, split: Split) -> float:  # noqa: ANN401 - a Keras model
    """Return the share of images of `split` that the model labels right, 0..1."""
    scores: Scores = model.predict(
        scale_pixels(split.images), batch_size=_PREDICTION_BATCH, verbose=0
    )
    return float(np.mean(scores.argmax(axis=1) == split.labels))


def serialize(model: Any) -> bytes:  # noqa: ANN401 - a Keras model
    """Return the model as the bytes of a `.keras` file.

    Raises:
        StorageError: The temporary folder is full or not writable.
    """
    with storage_errors(Path(tempfile.gettempdir())), tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        model.save(path)
        return path.read_bytes()
