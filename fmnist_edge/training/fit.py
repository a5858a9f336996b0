"""Training a preset with Keras."""

import math
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fmnist_edge import keras_library
from fmnist_edge.dataset import LABELS, Dataset, Split
from fmnist_edge.errors import TrainingError, UsageError
from fmnist_edge.files import storage_errors
from fmnist_edge.progress import Progress
from fmnist_edge.session import IMAGE_SHAPE, Scores, scale_pixels
from fmnist_edge.training.presets import Preset

__all__ = ["TOOLS", "Fitted", "accuracy", "fit", "override", "serialize"]

TOOLS: Final = ("tensorflow", "keras", "numpy")
# Steps that TensorFlow runs between two returns to Python: less overhead, same arithmetic.
_STEPS_PER_CALL: Final = 32
_PREDICTION_BATCH: Final = 1000


@dataclass(frozen=True)
class Fitted:
    """A trained Keras model and the way there.

    Args:
        model: Keras model, float32[N,28,28] in 0..1 to float32[N,10] probabilities; the weights are
            those of the best epoch.
        history: One value per epoch for each metric.
        best_epoch: The epoch with the best validation accuracy, counted from 1.
    """

    model: Any
    history: Mapping[str, tuple[float, ...]]
    best_epoch: int

    @property
    def epochs(self) -> int:
        """Epochs that were run."""
        return len(self.history["loss"])


def override(preset: Preset, *, epochs: int | None, batch_size: int | None) -> Preset:
    """The preset with what the user wants otherwise.

    Raises:
        UsageError: a number that is not positive.
    """
    for name, value in (("epochs", epochs), ("batch size", batch_size)):
        if value is not None and value < 1:
            raise UsageError(f"The {name} must be at least 1, not {value}.")
    return replace(
        preset,
        epochs=preset.epochs if epochs is None else epochs,
        batch_size=preset.batch_size if batch_size is None else batch_size,
    )


def fit(preset: Preset, data: Dataset, *, seed: int, progress: Progress) -> Fitted:
    """Train `preset` on the train split, stopping early on the validation split.

    Args:
        preset: What to train.
        data: Train 55,000 and validation 5,000 images; the test split is not looked at.
        seed: Of the initial weights, the shuffling and dropout.
        progress: Told of every step, with loss and validation accuracy.

    Raises:
        MissingDependencyError: TensorFlow is not installed.
        TrainingError: the loss is no number any more.
    """
    keras = keras_library.keras()
    keras.utils.set_random_seed(seed)
    model = _build(keras, preset)
    best = keras.callbacks.EarlyStopping(
        "val_accuracy", mode="max", patience=preset.patience, restore_best_weights=True
    )
    steps = math.ceil(len(data.train.labels) / preset.batch_size)
    progress.start(f"Train {preset.name}, seed {seed}", steps * preset.epochs)
    history = model.fit(
        scale_pixels(data.train.images),
        _one_hot(data.train.labels),
        batch_size=preset.batch_size,
        epochs=preset.epochs,
        validation_data=(scale_pixels(data.validation.images), _one_hot(data.validation.labels)),
        validation_batch_size=_PREDICTION_BATCH,
        callbacks=[_reporter(keras, progress, steps), best],
        verbose=0,
    ).history
    progress.finish()
    record = {name: tuple(map(float, values)) for name, values in history.items()}
    return Fitted(model, record, 1 + int(np.argmax(record["val_accuracy"])))


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


def _build(keras: Any, preset: Preset) -> Any:  # noqa: ANN401 - untyped
    layers = keras.layers
    stack = [keras.Input(IMAGE_SHAPE, name="image"), layers.Flatten()]
    for units in preset.hidden:
        penalty = keras.regularizers.L2(preset.l2)
        stack += [
            layers.Dense(units, activation="relu", kernel_regularizer=penalty),
            layers.Dropout(preset.dropout),
        ]
    stack.append(layers.Dense(len(LABELS), activation="softmax", name="scores"))
    model = keras.Sequential(stack, name=preset.name)
    model.compile(
        optimizer=keras.optimizers.Adam(preset.learning_rate),
        loss="categorical_crossentropy",
        metrics=["accuracy"],
        steps_per_execution=_STEPS_PER_CALL,
    )
    return model


def _one_hot(labels: NDArray[np.uint8]) -> NDArray[np.float32]:
    return np.eye(len(LABELS), dtype=np.float32)[labels]


def _reporter(keras: Any, progress: Progress, steps: int) -> Any:  # noqa: ANN401 - untyped
    """A Keras callback that feeds `progress` and stops on a loss that is no number."""

    class Reporter(keras.callbacks.Callback):  # type: ignore[misc] # the base is untyped
        def __init__(self) -> None:
            super().__init__()
            self.done = 0
            self.validated = ""

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:  # noqa: ANN401, ARG002
            self.epoch, self.done = epoch + 1, 0

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:  # noqa: ANN401
            loss = float(logs["loss"])
            if not math.isfinite(loss):
                raise TrainingError(
                    f"The loss is {loss} in epoch {self.epoch}, step {batch + 1}.",
                    hint="Nothing was written. Check the data, or try another seed.",
                )
            note = f"epoch {self.epoch}, loss {loss:.3f}{self.validated}"
            progress.advance(batch + 1 - self.done, note=note)
            self.done = batch + 1

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:  # noqa: ANN401, ARG002
            progress.advance(steps - self.done)
            self.validated = f", validation accuracy {logs['val_accuracy']:.1%}"

    return Reporter()
