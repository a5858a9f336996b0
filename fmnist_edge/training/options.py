"""The options of a training besides its preset, and its result."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fmnist_edge.training.distillation import TeacherLogits

# It is called after each epoch with the epoch's number over all, counted from 1, and its metrics.
EpochCallback = Callable[[int, Mapping[str, float]], None]


def no_callback(_epoch: int, _metrics: Mapping[str, float]) -> None:
    """Do nothing after an epoch."""


@dataclass(frozen=True)
class TrainOptions:
    """The options of a training besides its preset.

    Args:
        seed: The seed of initial weights, shuffling, augmentation and dropout.
        checkpoint: The file that is written after each epoch; None writes none.
        resume: Whether to continue from that file.
        teacher: The logits to learn from; None if the preset has no teacher.
        on_epoch_end: It is called after each epoch.
    """

    seed: int
    checkpoint: Path | None = None
    resume: bool = False
    teacher: TeacherLogits | None = None
    on_epoch_end: EpochCallback = no_callback


@dataclass(frozen=True)
class FitResult:
    """A trained Keras model and its learning curves.

    Args:
        model: The deployed model, which maps float32[N,28,28] in 0..1 to float32[N,10]
            probabilities. A teacher stays as it was trained and gives logits.
        history: One value per epoch for each metric.
        best_epoch: The epoch whose weights the model has, counted from 1.
    """

    model: Any
    history: Mapping[str, tuple[float, ...]]
    best_epoch: int

    @property
    def epochs(self) -> int:
        """The number of epochs that were run."""
        return len(self.history.get("loss", ()))
