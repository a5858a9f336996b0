"""What a teacher says of every training image in every position that it may be shown in."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.dataset import Split
from fmnist_edge.libraries import keras as keras_library
from fmnist_edge.progress import Progress
from fmnist_edge.training import variations
from fmnist_edge.training.preset import Augmentation

_BATCH: Final = 1000


@dataclass(frozen=True, eq=False)
class TeacherScores:
    """Logits of a teacher.

    Args:
        table: float16[positions, N, 10].
    """

    table: NDArray[np.float16]


def positions_of(augmentation: Augmentation) -> NDArray[np.int32]:
    """Every position, int32[count,3], in the order of `variations.numbered`."""
    reach = range(-augmentation.shift, augmentation.shift + 1)
    flips = range(2 if augmentation.flip else 1)
    return np.array(
        [(flip, down, right) for flip in flips for down in reach for right in reach], np.int32
    )


def ask(
    teacher: Any,  # noqa: ANN401 - a Keras model
    split: Split,
    augmentation: Augmentation,
    progress: Progress,
) -> TeacherScores:
    """Let the teacher look at each image in each position.

    Args:
        teacher: A Keras model: float32[N,28,28] in 0..1 to logits, float32[N,10].
        split: The training images.
        augmentation: The positions that a student will see.
        progress: Told of every thousand images.
    """
    tf = keras_library.tensorflow()
    answer = tf.function(
        lambda images, positions: teacher(
            variations.scaled(variations.moved(images, positions, augmentation.shift)),
            training=False,
        ),
        autograph=False,
    )
    starts = range(0, len(split), _BATCH)
    every = positions_of(augmentation)
    progress.start("Ask the teacher", len(every) * len(starts))
    table = np.stack([_row(answer, split, position, starts, progress) for position in every])
    progress.finish()
    return TeacherScores(table)


def _row(
    answer: Callable[[Any, Any], Any],
    split: Split,
    position: NDArray[np.int32],
    starts: range,
    progress: Progress,
) -> NDArray[np.float16]:
    parts = []
    for start in starts:
        images = split.images[start : start + _BATCH]
        positions = np.tile(position, (len(images), 1))
        parts.append(answer(images, positions).numpy().astype(np.float16))
        progress.advance()
    return np.concatenate(parts)
