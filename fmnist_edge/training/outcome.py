"""What a training is given besides its preset, and what comes out of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fmnist_edge.training.teaching import TeacherScores

# Told of each epoch: its number over all, counted from 1, and its metrics.
Watcher = Callable[[int, Mapping[str, float]], None]


def unwatched(_epoch: int, _metrics: Mapping[str, float]) -> None:
    """Nobody wants to be told."""


@dataclass(frozen=True)
class Fitted:
    """A trained Keras model and the way there.

    Args:
        model: The deployed form, float32[N,28,28] in 0..1 to float32[N,10] probabilities; of a
            teacher the form that was trained, which gives logits.
        history: One value per epoch for each metric.
        best_epoch: The epoch whose weights it has, counted from 1.
    """

    model: Any
    history: Mapping[str, tuple[float, ...]]
    best_epoch: int

    @property
    def epochs(self) -> int:
        """Epochs that were run."""
        return len(self.history.get("loss", ()))


@dataclass(frozen=True)
class Setting:
    """What a training is given besides its preset.

    Args:
        seed: Of initial weights, shuffling, augmentation and dropout.
        checkpoint: The file that is written after each epoch; None for none.
        resume: Whether to go on from that file.
        teacher: Scores to learn from.
        watch: Told of each epoch.
    """

    seed: int
    checkpoint: Path | None = None
    resume: bool = False
    teacher: TeacherScores | None = None
    watch: Watcher = unwatched
