"""The compiled training step: many of them run between two returns to Python.

Images lie in memory as bytes; a step gathers its batch, varies it, and brings it to 0..1 itself.
Whatever is random is a function of the seed, the epoch and the step alone, so that a training that
is taken up again goes on exactly as it would have.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.dataset import LABELS, Split
from fmnist_edge.libraries import keras as keras_library
from fmnist_edge.session import IMAGE_SHAPE
from fmnist_edge.training import variations
from fmnist_edge.training.networks import Network, build, dense_again
from fmnist_edge.training.optimizers import optimizer_for
from fmnist_edge.training.preset import Architecture, Preset, Schedule
from fmnist_edge.training.teaching import TeacherScores

_PREDICTION_BATCH: Final = 1000


@dataclass(frozen=True)
class Scored:
    """What a network makes of a split.

    Args:
        loss: Mean cross-entropy.
        accuracy: Share of images labelled right, 0..1.
    """

    loss: float
    accuracy: float


@dataclass(frozen=True)
class Stretch:
    """A part of a training with one schedule.

    Args:
        architecture: What is trained: the preset's own, or its unrolled form.
        schedule: How long, in what portions.
        learning_rate: The largest step size.
    """

    architecture: Architecture
    schedule: Schedule
    learning_rate: float


class Training:
    """A network, its optimizer, and the average of its weights, in the midst of being trained.

    Args:
        preset: Regularization, augmentation, distillation.
        stretch: What is trained, how long and how fast.
        data: The train split.
        seed: Of everything that is random.
        teacher: Its scores, if the preset has one.
    """

    def __init__(
        self,
        preset: Preset,
        stretch: Stretch,
        data: Split,
        seed: int,
        teacher: TeacherScores | None,
    ) -> None:
        tf = keras_library.tensorflow()
        architecture, schedule = stretch.architecture, stretch.schedule
        self.network: Final[Network] = build(preset, architecture, seed)
        self.steps: Final = max(1, len(data) // schedule.batch_size)
        self._preset: Final = preset
        self._schedule: Final = schedule
        self._seed: Final = seed
        self._images: Final = tf.constant(data.images)
        self._labels: Final = tf.constant(data.labels.astype(np.int32))
        self._teacher: Final = None if teacher is None else tf.constant(teacher.table)
        self._optimizer: Final = optimizer_for(
            preset.optimizer, stretch.schedule, stretch.learning_rate, self.steps
        )
        self._optimizer.build(self.network.model.trainable_variables)
        # Where weights are averaged, another network holds the averages, and is what counts.
        self.judged: Final = (
            build(preset, architecture, seed) if schedule.averaging else self.network
        )
        # Plain graph code: AutoGraph would rewrite it, and leave files of its own behind. With the
        # number of steps left open it is traced once, and not again for the rest of an epoch.
        size = min(schedule.batch_size, len(data))
        self._advance: Final = tf.function(
            self._run_steps,
            autograph=False,
            input_signature=[tf.TensorSpec((None, size), tf.int32), tf.TensorSpec((2,), tf.int32)],
        )
        self._answer: Final = tf.function(
            lambda images: self.judged.model(variations.scaled(images), training=False),
            autograph=False,
            input_signature=[tf.TensorSpec((None, *IMAGE_SHAPE), tf.uint8)],
        )

    def variables(self) -> Sequence[Any]:
        """All that changes while training, in a fixed order: Keras variables."""
        averages = () if self.judged is self.network else self.judged.model.variables
        return [*self.network.model.variables, *self._optimizer.variables, *averages]

    def start_from(self, layers: Sequence[Any]) -> None:
        """Begin with the weights of plain Dense layers."""
        dense_again(self.network, layers)
        if self.judged is not self.network:
            dense_again(self.judged, layers)

    def order(self, epoch: int) -> NDArray[np.int32]:
        """Which images each step of an epoch takes, int32[steps, batch]; the rest waits."""
        size = min(self._schedule.batch_size, len(self._labels))
        random = np.random.default_rng((self._seed, epoch))
        shuffled = random.permutation(len(self._labels))[: self.steps * size]
        return shuffled.reshape(self.steps, size).astype(np.int32)

    def advance(self, order: NDArray[np.int32], epoch: int, first: int) -> NDArray[np.float32]:
        """Some steps of an epoch.

        Args:
            order: int32[steps, batch], the images of these steps.
            epoch: Counted from 0.
            first: Number of the first of these steps in the epoch.

        Returns:
            float32[steps,2]: loss, and share of the batch labelled right, of each step.
        """
        tf = keras_library.tensorflow()
        key = tf.constant([(self._seed * 1_000_003 + epoch) % (1 << 31), first], tf.int32)
        answer: NDArray[np.float32] = self._advance(tf.constant(order), key).numpy()
        return answer

    def score(self, split: Split) -> Scored:
        """How the network that counts does on a split, without any regularization."""
        logits = np.concatenate(
            [
                self._answer(split.images[start : start + _PREDICTION_BATCH]).numpy()
                for start in range(0, len(split), _PREDICTION_BATCH)
            ]
        ).astype(np.float64)
        right = float(np.mean(logits.argmax(axis=1) == split.labels))
        shifted = logits - logits.max(axis=1, keepdims=True)
        chosen = shifted[np.arange(len(split)), split.labels]
        loss = float(np.mean(np.log(np.exp(shifted).sum(axis=1)) - chosen))
        return Scored(loss, right)

    def _run_steps(self, order: Any, key: Any) -> Any:  # noqa: ANN401 - tensors
        tf = keras_library.tensorflow()
        number = tf.shape(order)[0]
        results = tf.TensorArray(tf.float32, size=number, element_shape=(2,))
        _, results = tf.while_loop(
            lambda step, _: step < number,
            lambda step, told: (
                step + 1,
                told.write(step, self._step(order[step], tf.add(key, [0, step]))),
            ),
            (0, results),
        )
        return results.stack()

    def _step(self, chosen: Any, key: Any) -> Any:  # noqa: ANN401 - tensors
        tf = keras_library.tensorflow()
        augmentation = self._preset.augmentation
        images = tf.gather(self._images, chosen)
        labels = tf.gather(self._labels, chosen)
        # Spread over the numbers: neighbouring steps must not share their random streams.
        key = key * [1, 8]
        positions = variations.drawn(augmentation, tf.shape(chosen)[0], key)
        if variations.count(augmentation) > 1:
            images = variations.moved(images, positions, augmentation.shift)
        if augmentation.erase:
            images = variations.erased(images, augmentation.erase, key)
        model = self.network.model
        with tf.GradientTape() as tape:
            logits = model(variations.scaled(images), training=True)
            loss = self._loss(logits, labels, chosen, positions)
            loss = tf.add_n([loss, *model.losses])
        weights = model.trainable_variables
        self._optimizer.apply(tape.gradient(loss, weights), weights)
        self._average()
        right = tf.reduce_mean(tf.cast(tf.argmax(logits, 1, tf.int32) == labels, tf.float32))
        return tf.stack([loss, right])

    def _loss(self, logits: Any, labels: Any, chosen: Any, positions: Any) -> Any:  # noqa: ANN401
        tf = keras_library.tensorflow()
        smoothing = self._preset.regularization.label_smoothing
        one_hot = tf.one_hot(labels, len(LABELS)) * (1 - smoothing) + smoothing / len(LABELS)
        loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(one_hot, logits))
        distillation = self._preset.distillation
        if distillation is None or self._teacher is None:
            return loss
        where = variations.numbered(self._preset.augmentation, positions)
        taught = tf.gather_nd(self._teacher, tf.stack([where, chosen], axis=1))
        heat = distillation.temperature
        soft = tf.nn.softmax(tf.cast(taught, tf.float32) / heat)
        told = tf.nn.softmax_cross_entropy_with_logits(soft, logits / heat)
        # A soft loss has gradients 1/T as large; T brings them to the size of the other's.
        weight = distillation.weight
        return (1 - weight) * loss + weight * heat * tf.reduce_mean(told)

    def _average(self) -> None:
        if self.judged is self.network:
            return
        tf = keras_library.tensorflow()
        done = tf.cast(self._optimizer.iterations, tf.float32)
        # At first the average is short, or the random weights of the beginning would stay in it.
        decay = tf.minimum(self._schedule.averaging, (1 + done) / (10 + done))
        pairs = zip(self.judged.model.weights, self.network.model.weights, strict=True)
        for average, weight in pairs:
            average.assign(decay * average + (1 - decay) * weight)
