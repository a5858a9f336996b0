"""The trainer: the loop over epochs, with validation, checkpoints and early stopping."""

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
from fmnist_edge.training.checkpoint import Checkpoint, Identity, TrainState
from fmnist_edge.training.options import FitResult, TrainOptions
from fmnist_edge.training.preset import Preset
from fmnist_edge.training.steps import Phase, StepRunner

# Steps between two returns to Python: enough to cost nothing, few enough to react to Ctrl-C.
_STEPS_PER_CALL: Final = 64
# The number of epochs in the curve beside the progress bar.
_CURVE_EPOCHS: Final = 16


class Trainer:
    """One training from its first epoch, or from a checkpoint, to the deployed model.

    Args:
        preset: What is trained.
        data: Its train split is trained on, its validation split judges each epoch.
        options: The seed, the checkpoint and the teacher.
        progress: It is advanced after each block of steps.
    """

    def __init__(
        self, preset: Preset, data: Dataset, options: TrainOptions, progress: Progress
    ) -> None:
        self._preset: Final = preset
        self._data: Final = data
        self._options: Final = options
        self._progress: Final = progress
        self._identity: Final = Identity(preset.name, preset.fingerprint, options.seed, data.sha256)
        self._history: dict[str, list[float]] = {}
        self._best_epoch = 0
        self._best: Sequence[NDArray[Any]] = ()

    def run(self) -> FitResult:
        """Train to the end and return the deployed model."""
        found = self._read_checkpoint()
        phases = _phases(self._preset)
        first = found.state.phase if found else 0
        done = found.state.epochs if found else 0
        epochs = sum(phase.schedule.epochs for phase in phases[first:]) - done
        self._progress.start(
            f"Train {self._preset.name}, seed {self._options.seed}",
            epochs * self._steps_per_epoch(),
        )
        runner = self._runner(phases[first])
        if found:
            self._restore(runner, found)
        stopped = self._train(runner, phases[first], first, done)
        for number, phase in enumerate(phases[first + 1 :], first + 1):
            previous, runner = runner, self._runner(phase)
            runner.start_from(networks.affine_layers(previous.ema_network))
            self._best = ()
            stopped |= self._train(runner, phase, number, 0)
        self._progress.finish()
        if stopped:
            self._progress.say(
                f"{self._preset.name} stopped early at epoch {self._epochs} of "
                f"{self._preset.epochs}; the weights of epoch {self._best_epoch}, which validated "
                "best, are kept."
            )
        return FitResult(self._model(runner), _frozen(self._history), self._best_epoch)

    def _model(self, runner: StepRunner) -> Any:  # noqa: ANN401 - a Keras model
        if not self._preset.deploy:
            return runner.ema_network.model
        layers = networks.affine_layers(runner.ema_network)
        return networks.deployed_model(self._preset, layers, bias=self._preset.architecture.bias)

    def _read_checkpoint(self) -> Checkpoint | None:
        path = self._options.checkpoint
        return checkpoint.read(path, self._identity) if path and self._options.resume else None

    def _steps_per_epoch(self) -> int:
        return max(1, len(self._data.train) // self._preset.schedule.batch_size)

    def _runner(self, phase: Phase) -> StepRunner:
        return StepRunner(
            self._preset,
            phase,
            self._data.train,
            self._options.seed,
            self._options.teacher,
        )

    def _restore(self, runner: StepRunner, found: Checkpoint) -> None:
        """Give all variables and figures the values that the checkpoint holds."""
        variables = runner.variables()
        if [tuple(each.shape) for each in variables] != [each.shape for each in found.variables]:
            raise CheckpointError(
                f"{self._options.checkpoint} holds other variables than this training has.",
                hint="Another version wrote it; remove it to start that training anew.",
            )
        for variable, value in zip(variables, found.variables, strict=True):
            variable.assign(value)
        self._history = {name: list(values) for name, values in found.state.history.items()}
        self._best_epoch = found.state.best_epoch
        self._best = found.best

    def _train(self, runner: StepRunner, phase: Phase, number: int, done: int) -> bool:
        """Train the remaining epochs of a phase; return whether it stopped early."""
        patience, epochs = phase.schedule.patience, phase.schedule.epochs
        stops_early = False
        for epoch in range(done, epochs):
            stops_early = bool(patience) and self._epochs - self._best_epoch >= patience
            if stops_early:
                # The steps that are left out count as done, so that the bar ends at 100 %.
                self._progress.advance((epochs - epoch) * runner.steps)
                break
            metrics = self._run_epoch(runner, epoch)
            self._validate(runner, metrics, patience)
            self._write_checkpoint(runner, number, epoch + 1)
        if self._best:
            _set_weights(runner, self._best)
        return stops_early

    @property
    def _epochs(self) -> int:
        return len(self._history.get("loss", ()))

    def _run_epoch(self, runner: StepRunner, epoch: int) -> NDArray[np.float32]:
        """Run all steps of an epoch; return loss and accuracy of each, float32[steps,2]."""
        order = runner.order(epoch)
        metrics = []
        for first in range(0, len(order), _STEPS_PER_CALL):
            part = order[first : first + _STEPS_PER_CALL]
            metrics.append(runner.run(part, epoch, first))
            losses = metrics[-1][:, 0]
            self._check_losses(losses, first)
            self._progress.advance(len(part), note=self._note(losses[-1]))
        return np.concatenate(metrics)

    def _check_losses(self, losses: NDArray[np.float32], first: int) -> None:
        wrong = np.flatnonzero(~np.isfinite(losses))
        if len(wrong):
            raise self._diverged(float(losses[wrong[0]]), f"step {first + wrong[0] + 1}")

    def _diverged(self, loss: float, where: str) -> TrainingError:
        path = self._options.checkpoint
        kept = (
            f"The previous epoch is kept in {path}."
            if path and self._epochs
            else "Nothing was written."
        )
        return TrainingError(
            f"The loss is {loss} in epoch {self._epochs + 1}, {where}.",
            hint=f"{kept} Check the data, or try a lower learning rate or another seed.",
        )

    def _note(self, loss: float) -> str:
        validated = self._history.get("val_accuracy")
        start = f"epoch {self._epochs + 1}, loss {loss:.3f}"
        if not validated:
            return start
        curve = sparkline(validated[-_CURVE_EPOCHS:])
        return f"{start}, validation accuracy {validated[-1]:.2%} {curve}"

    def _validate(self, runner: StepRunner, metrics: NDArray[np.float32], patience: int) -> None:
        """Measure the network on the validation split, and add the epoch to the history."""
        validation = runner.evaluate(self._data.validation)
        if not math.isfinite(validation.loss):  # the epoch's last step has spoiled the weights
            raise self._diverged(validation.loss, f"step {runner.steps}, on validation")
        loss, accuracy = metrics.mean(axis=0, dtype=np.float64)
        epoch_metrics = {
            "loss": float(loss),
            "accuracy": float(accuracy),
            "val_loss": validation.loss,
            "val_accuracy": validation.accuracy,
        }
        best = max(self._history.get("val_accuracy", ()), default=-math.inf)
        for name, value in epoch_metrics.items():
            self._history.setdefault(name, []).append(value)
        if not patience:
            self._best_epoch = self._epochs
        elif validation.accuracy > best:
            self._best_epoch = self._epochs
            self._best = _weights(runner)
        self._options.on_epoch_end(self._epochs, epoch_metrics)

    def _write_checkpoint(self, runner: StepRunner, phase: int, done: int) -> None:
        if self._options.checkpoint is None:
            return
        state = TrainState(self._identity, phase, done, self._best_epoch, _frozen(self._history))
        values = [each.numpy() for each in runner.variables()]
        checkpoint.write(self._options.checkpoint, Checkpoint(state, values, self._best))


def _phases(preset: Preset) -> Sequence[Phase]:
    main = Phase(preset.architecture, preset.schedule, preset.optimizer.learning_rate)
    tuning = preset.fine_tuning
    if tuning is None:
        return (main,)
    schedule = replace(preset.schedule, epochs=tuning.epochs, decay="cosine", warmup=0.0)
    return main, Phase(preset.architecture.unrolled, schedule, tuning.learning_rate)


def _frozen(history: Mapping[str, Sequence[float]]) -> Mapping[str, tuple[float, ...]]:
    return {name: tuple(values) for name, values in history.items()}


def _weights(runner: StepRunner) -> Sequence[NDArray[Any]]:
    return [each.numpy().copy() for each in runner.ema_network.model.weights]


def _set_weights(runner: StepRunner, weights: Sequence[NDArray[Any]]) -> None:
    for variable, value in zip(runner.ema_network.model.weights, weights, strict=True):
        variable.assign(value)
