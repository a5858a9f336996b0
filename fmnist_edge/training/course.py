"""The course of a training: epoch by epoch, what is kept, what is told, and when it ends."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.dataset import Dataset
from fmnist_edge.errors import CheckpointError, TrainingError
from fmnist_edge.progress import Progress
from fmnist_edge.records import replace
from fmnist_edge.sparkline import sparkline
from fmnist_edge.training import checkpoint, networks
from fmnist_edge.training.checkpoint import Checkpoint, Identity, Standing
from fmnist_edge.training.outcome import Fitted, Setting
from fmnist_edge.training.preset import Preset
from fmnist_edge.training.steps import Stretch, Training

# Steps between two returns to Python: enough to cost nothing, few enough to answer Ctrl-C.
_STEPS_PER_CALL: Final = 64
# Of the curve beside the progress bar.
_CURVE_EPOCHS: Final = 16


class Course:
    """One training from its first epoch, or from a checkpoint, to the deployed model."""

    def __init__(self, preset: Preset, data: Dataset, setting: Setting, progress: Progress) -> None:
        self._preset: Final = preset
        self._data: Final = data
        self._setting: Final = setting
        self._progress: Final = progress
        self._identity: Final = Identity(preset.name, preset.fingerprint, setting.seed, data.sha256)
        self._history: dict[str, list[float]] = {}
        self._best_epoch = 0
        self._best: Sequence[NDArray[Any]] = ()

    def run(self) -> Fitted:
        """Train to the end, and deploy what came out."""
        found = self._found()
        stretches = _stretches(self._preset)
        start = found.standing.stretch if found else 0
        self._progress.start(
            f"Train {self._preset.name}, seed {self._setting.seed}", self._steps(found)
        )
        training = self._training(stretches[start])
        done = self._take_up(training, found) if found else 0
        self._train(training, stretches[start], start, done)
        for number, stretch in enumerate(stretches[start + 1 :], start + 1):
            coarse, training = training, self._training(stretch)
            training.start_from(networks.affine_layers(coarse.judged))
            self._best = ()
            self._train(training, stretch, number, 0)
        self._progress.finish()
        return Fitted(self._model(training), _frozen(self._history), self._best_epoch)

    def _model(self, training: Training) -> Any:  # noqa: ANN401 - a Keras model
        if not self._preset.deploy:
            return training.judged.model
        layers = networks.affine_layers(training.judged)
        return networks.deployed(self._preset, layers, bias=self._preset.architecture.bias)

    def _found(self) -> Checkpoint | None:
        path = self._setting.checkpoint
        return checkpoint.read(path, self._identity) if path and self._setting.resume else None

    def _steps(self, found: Checkpoint | None) -> int:
        size = self._preset.schedule.batch_size
        done = len(found.standing.history.get("loss", ())) if found else 0
        return max(1, len(self._data.train) // size) * (self._preset.epochs - done)

    def _training(self, stretch: Stretch) -> Training:
        return Training(
            self._preset,
            stretch,
            self._data.train,
            self._setting.seed,
            self._setting.teacher,
        )

    def _take_up(self, training: Training, found: Checkpoint) -> int:
        """Put everything back where it was; the epochs that are done in this stretch."""
        variables = training.variables()
        if [tuple(each.shape) for each in variables] != [each.shape for each in found.variables]:
            raise CheckpointError(
                f"{self._setting.checkpoint} holds other variables than this training has.",
                hint="It was made by another version; start again without --resume.",
            )
        for variable, value in zip(variables, found.variables, strict=True):
            variable.assign(value)
        self._history = {name: list(values) for name, values in found.standing.history.items()}
        self._best_epoch = found.standing.best_epoch
        self._best = found.best
        return found.standing.epochs

    def _train(self, training: Training, stretch: Stretch, number: int, done: int) -> None:
        patience = stretch.schedule.patience
        for epoch in range(done, stretch.schedule.epochs):
            if patience and self._epochs - self._best_epoch >= patience:
                break
            self._judge(training, self._epoch(training, epoch), patience)
            self._keep(training, number, epoch + 1)
        if self._best:
            _restore(training, self._best)

    @property
    def _epochs(self) -> int:
        return len(self._history.get("loss", ()))

    def _epoch(self, training: Training, epoch: int) -> NDArray[np.float32]:
        order = training.order(epoch)
        told = []
        for first in range(0, len(order), _STEPS_PER_CALL):
            part = order[first : first + _STEPS_PER_CALL]
            told.append(training.advance(part, epoch, first))
            self._check(told[-1], first)
            self._progress.advance(len(part), note=self._note(told[-1]))
        return np.concatenate(told)

    def _check(self, told: NDArray[np.float32], first: int) -> None:
        wrong = np.flatnonzero(~np.isfinite(told[:, 0]))
        if len(wrong):
            self._refuse(float(told[wrong[0], 0]), f"step {first + wrong[0] + 1}")

    def _refuse(self, loss: float, where: str) -> None:
        path = self._setting.checkpoint
        kept = (
            f"The epoch before is kept in {path}."
            if path and self._epochs
            else "Nothing was written."
        )
        raise TrainingError(
            f"The loss is {loss} in epoch {self._epochs + 1}, {where}.",
            hint=f"{kept} Check the data, or try a lower learning rate or another seed.",
        )

    def _note(self, told: NDArray[np.float32]) -> str:
        validated = self._history.get("val_accuracy")
        start = f"epoch {self._epochs + 1}, loss {told[-1, 0]:.3f}"
        if not validated:
            return start
        curve = sparkline(validated[-_CURVE_EPOCHS:])
        return f"{start}, validation accuracy {validated[-1]:.2%} {curve}"

    def _judge(self, training: Training, told: NDArray[np.float32], patience: int) -> None:
        scored = training.score(self._data.validation)
        if not math.isfinite(scored.loss):  # the very last step has spoiled the weights
            self._refuse(scored.loss, f"step {training.steps}, on validation")
        loss, right = told.mean(axis=0, dtype=np.float64)
        metrics = {
            "loss": float(loss),
            "accuracy": float(right),
            "val_loss": scored.loss,
            "val_accuracy": scored.accuracy,
        }
        best = max(self._history.get("val_accuracy", ()), default=-math.inf)
        for name, value in metrics.items():
            self._history.setdefault(name, []).append(value)
        if not patience:
            self._best_epoch = self._epochs
        elif scored.accuracy > best:
            self._best_epoch = self._epochs
            self._best = _weights(training)
        self._setting.watch(self._epochs, metrics)

    def _keep(self, training: Training, number: int, done: int) -> None:
        if self._setting.checkpoint is None:
            return
        standing = Standing(self._identity, number, done, self._best_epoch, _frozen(self._history))
        values = [each.numpy() for each in training.variables()]
        checkpoint.write(self._setting.checkpoint, Checkpoint(standing, values, self._best))


def _stretches(preset: Preset) -> Sequence[Stretch]:
    main = Stretch(preset.architecture, preset.schedule, preset.optimizer.learning_rate)
    tuning = preset.fine_tuning
    if tuning is None:
        return (main,)
    schedule = replace(preset.schedule, epochs=tuning.epochs, decay="cosine", warmup=0.0)
    return main, Stretch(preset.architecture.unrolled, schedule, tuning.learning_rate)


def _frozen(history: Mapping[str, Sequence[float]]) -> Mapping[str, tuple[float, ...]]:
    return {name: tuple(values) for name, values in history.items()}


def _weights(training: Training) -> Sequence[NDArray[Any]]:
    return [each.numpy().copy() for each in training.judged.model.weights]


def _restore(training: Training, weights: Sequence[NDArray[Any]]) -> None:
    for variable, value in zip(training.judged.model.weights, weights, strict=True):
        variable.assign(value)
