"""The compiled training step: many steps run between two returns to Python.

Images lie in memory as bytes; a step gathers its batch, augments it and rescales it to 0..1 itself.
Everything random is a function of the seed, the epoch and the step alone, so that a resumed
training ends with the same weights as an uninterrupted one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.dataset import LABELS, Split
from fmnist_edge.libraries import keras as keras_library
from fmnist_edge.session import IMAGE_SHAPE
from fmnist_edge.training import augmentation
from fmnist_edge.training.distillation import TeacherLogits
from fmnist_edge.training.networks import Affine, TrainableNetwork, build, load_dense_weights
from fmnist_edge.training.optimizers import make_optimizer
from fmnist_edge.training.preset import Architecture, Preset, Schedule

_PREDICTION_BATCH: Final = 1000


@dataclass(frozen=True)
class SplitMetrics:
    """Loss and accuracy of a network on a split.

    Args:
        loss: The mean cross-entropy in nats.
        accuracy: The share of images that are labelled right, 0..1.
    """

    loss: float
    accuracy: float


@dataclass(frozen=True)
class Phase:
    """A part of a training with one schedule: the main training, or the fine-tuning.

    Args:
        architecture: What is trained: the preset's own architecture, or its unrolled form.
        schedule: The number of epochs, the batch size and the decay of the learning rate.
        learning_rate: The largest learning rate.
    """

    architecture: Architecture
    schedule: Schedule
    learning_rate: float


class StepRunner:
    """Runs the training steps of one phase: a network, its optimizer and its weight averages.

    Args:
        preset: Its regularization, augmentation and distillation are applied.
        phase: What is trained, for how long and how fast.
        data: The train split.
        seed: The seed of everything that is random.
        teacher: The teacher's logits; None if there is no teacher.
    """

    def __init__(
        self,
        preset: Preset,
        phase: Phase,
        data: Split,
        seed: int,
        teacher: TeacherLogits | None,
    ) -> None:
        tf = keras_library.tensorflow()
        architecture, schedule = phase.architecture, phase.schedule
        self.network: Final[TrainableNetwork] = build(preset, architecture, seed)
        self.steps: Final = max(1, len(data) // schedule.batch_size)
        self._preset: Final = preset
        self._schedule: Final = schedule
        self._seed: Final = seed
        self._images: Final = tf.constant(data.images)
        self._labels: Final = tf.constant(data.labels.astype(np.int32))
        self._teacher: Final = None if teacher is None else tf.constant(teacher.values)
        self._optimizer: Final = make_optimizer(
            preset.optimizer, schedule, phase.learning_rate, self.steps
        )
        self._optimizer.build(self.network.model.trainable_variables)
        # The network that is validated and deployed. Where weights are averaged, it is a second
        # one that holds the exponential moving averages; otherwise it is the trained one itself.
        self.ema_network: Final = (
            build(preset, architecture, seed) if schedule.averaging else self.network
        )
        # Plain graph code: AutoGraph would rewrite it and leave files behind. The open number of
        # steps means that it is traced once, and not again for the last steps of an epoch.
        size = min(schedule.batch_size, len(data))
        self._compiled_steps: Final = tf.function(
            self._run_steps,
            autograph=False,
            input_signature=[tf.TensorSpec((None, size), tf.int32), tf.TensorSpec((2,), tf.int32)],
        )
        self._compiled_logits: Final = tf.function(
            lambda images: self.ema_network.model(augmentation.rescale(images), training=False),
            autograph=False,
            input_signature=[tf.TensorSpec((None, *IMAGE_SHAPE), tf.uint8)],
        )

    def variables(self) -> Sequence[Any]:
        """Return all Keras variables that change during training, in a fixed order."""
        averages = () if self.ema_network is self.network else self.ema_network.model.variables
        return [*self.network.model.variables, *self._optimizer.variables, *averages]

    def start_from(self, layers: Sequence[Affine]) -> None:
        """Start with the given weights; the network consists of Dense layers only."""
        load_dense_weights(self.network, layers)
        if self.ema_network is not self.network:
            load_dense_weights(self.ema_network, layers)

    def order(self, epoch: int) -> NDArray[np.int32]:
        """Return which images each step of an epoch takes, int32[steps,batch].

        The images of an incomplete last batch are left out.
        """
        size = min(self._schedule.batch_size, len(self._labels))
        random = np.random.default_rng((self._seed, epoch))
        shuffled = random.permutation(len(self._labels))[: self.steps * size]
        return shuffled.reshape(self.steps, size).astype(np.int32)

    def run(self, order: NDArray[np.int32], epoch: int, first: int) -> NDArray[np.float32]:
        """Run some steps of an epoch.

        Args:
            order: int32[steps,batch], the images of these steps.
            epoch: The epoch, counted from 0.
            first: The number of the first of these steps in the epoch, counted from 0.

        Returns:
            float32[steps,2]: of each step the loss and the accuracy on its batch.
        """
        tf = keras_library.tensorflow()
        key = tf.constant([(self._seed * 1_000_003 + epoch) % (1 << 31), first], tf.int32)
        metrics: NDArray[np.float32] = self._compiled_steps(tf.constant(order), key).numpy()
        return metrics

    def evaluate(self, split: Split) -> SplitMetrics:
        """Return loss and accuracy of `ema_network` on a split, without any regularization."""
        logits = np.concatenate(
            [
                self._compiled_logits(split.images[start : start + _PREDICTION_BATCH]).numpy()
                for start in range(0, len(split), _PREDICTION_BATCH)
            ]
        ).astype(np.float64)
        accuracy = float(np.mean(logits.argmax(axis=1) == split.labels))
        shifted = logits - logits.max(axis=1, keepdims=True)
        of_labels = shifted[np.arange(len(split)), split.labels]
        loss = float(np.mean(np.log(np.exp(shifted).sum(axis=1)) - of_labels))
        return SplitMetrics(loss, accuracy)

    def _run_steps(self, order: Any, key: Any) -> Any:  # noqa: ANN401 - tensors
        tf = keras_library.tensorflow()
        number = tf.shape(order)[0]
        metrics = tf.TensorArray(tf.float32, size=number, element_shape=(2,))
        _, metrics = tf.while_loop(
            lambda step, _: step < number,
            lambda step, so_far: (
                step + 1,
                so_far.write(step, self._step(order[step], tf.add(key, [0, step]))),
            ),
            (0, metrics),
        )
        return metrics.stack()

    def _step(self, chosen: Any, key: Any) -> Any:  # noqa: ANN401 - tensors
        tf = keras_library.tensorflow()
        settings = self._preset.augmentation
        images = tf.gather(self._images, chosen)
        labels = tf.gather(self._labels, chosen)
        # Neighbouring steps must not share random streams; a step uses up to 8 numbers as salts.
        key = key * [1, 8]
        positions = augmentation.draw_positions(settings, tf.shape(chosen)[0], key)
        if augmentation.position_count(settings) > 1:
            images = augmentation.flip_and_shift(images, positions, settings.shift)
        if settings.erase:
            images = augmentation.erase_squares(images, settings.erase, key)
        model = self.network.model
        with tf.GradientTape() as tape:
            logits = model(augmentation.rescale(images), training=True)
            loss = self._loss(logits, labels, chosen, positions)
            loss = tf.add_n([loss, *model.losses])
        weights = model.trainable_variables
        self._optimizer.apply(tape.gradient(loss, weights), weights)
        self._update_averages()
        accuracy = tf.reduce_mean(tf.cast(tf.argmax(logits, 1, tf.int32) == labels, tf.float32))
        return tf.stack([loss, accuracy])

    def _loss(self, logits: Any, labels: Any, chosen: Any, positions: Any) -> Any:  # noqa: ANN401
        tf = keras_library.tensorflow()
        smoothing = self._preset.regularization.label_smoothing
        one_hot = tf.one_hot(labels, len(LABELS)) * (1 - smoothing) + smoothing / len(LABELS)
        loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(one_hot, logits))
        distillation = self._preset.distillation
        if distillation is None or self._teacher is None:
            return loss
        indices = augmentation.position_indices(self._preset.augmentation, positions)
        teacher_logits = tf.gather_nd(self._teacher, tf.stack([indices, chosen], axis=1))
        temperature = distillation.temperature
        targets = tf.nn.softmax(tf.cast(teacher_logits, tf.float32) / temperature)
        soft_loss = tf.nn.softmax_cross_entropy_with_logits(targets, logits / temperature)
        # The gradients of the soft loss are 1/T as large; the factor T makes up for that.
        weight = distillation.weight
        return (1 - weight) * loss + weight * temperature * tf.reduce_mean(soft_loss)

    def _update_averages(self) -> None:
        if self.ema_network is self.network:
            return
        tf = keras_library.tensorflow()
        done = tf.cast(self._optimizer.iterations, tf.float32)
        # The average is short at first, or the random initial weights would stay in it.
        decay = tf.minimum(self._schedule.averaging, (1 + done) / (10 + done))
        pairs = zip(self.ema_network.model.weights, self.network.model.weights, strict=True)
        for average, weight in pairs:
            average.assign(decay * average + (1 - decay) * weight)
