"""Training a preset with Keras."""

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
from fmnist_edge.training.course import Course
from fmnist_edge.training.majority import frequencies_alone
from fmnist_edge.training.outcome import Fitted, Setting
from fmnist_edge.training.preset import Preset

TOOLS: Final = ("tensorflow", "keras", "numpy")
_PREDICTION_BATCH: Final = 1000


def override(preset: Preset, *, epochs: int | None, batch_size: int | None) -> Preset:
    """The preset with what the user wants otherwise.

    Raises:
        UsageError: a number that is not positive.
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


def fit(preset: Preset, data: Dataset, setting: Setting, progress: Progress) -> Fitted:
    """Train `preset` on the train split and judge each epoch on the validation split.

    Args:
        preset: What to train.
        data: Train 55,000 and validation 5,000 images; the test split is not looked at.
        setting: Seed, checkpoint, teacher.
        progress: Told of every step, with loss and validation accuracy.

    Raises:
        CheckpointError: there is nothing to resume, or it is of another training.
        MissingDependencyError: TensorFlow is not installed.
        StorageError: a checkpoint cannot be written.
        TrainingError: the loss is no number any more; the last checkpoint is kept.
    """
    for split in (data.train, data.validation):
        check_split(split)
    return _METHODS[preset.method](preset, data, setting, progress)


def _by_counting(preset: Preset, data: Dataset, _: Setting, __: Progress) -> Fitted:
    return Fitted(frequencies_alone(preset, data.train), {}, 0)


def _by_gradients(preset: Preset, data: Dataset, setting: Setting, progress: Progress) -> Fitted:
    return Course(preset, data, setting, progress).run()


_METHODS: Final[Mapping[str, Callable[[Preset, Dataset, Setting, Progress], Fitted]]] = {
    "class-frequencies": _by_counting,
    "gradients": _by_gradients,
}


def check_split(split: Split) -> None:
    """Make sure that these are images to train on, and their labels.

    Raises:
        TrainingError: there are none, they have another shape or type, or a label is no class.
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
    """The share of images of `split` that the model labels right, 0..1."""
    scores: Scores = model.predict(
        scale_pixels(split.images), batch_size=_PREDICTION_BATCH, verbose=0
    )
    return float(np.mean(scores.argmax(axis=1) == split.labels))


def serialize(model: Any) -> bytes:  # noqa: ANN401 - a Keras model
    """The model as the bytes of a `.keras` file.

    Raises:
        StorageError: the temporary folder is full or not writable.
    """
    with storage_errors(Path(tempfile.gettempdir())), tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        model.save(path)
        return path.read_bytes()
