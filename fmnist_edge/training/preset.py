"""The records of a preset: its architecture and its training recipe.

Each record is a table of the preset's TOML file, and each field is a key of that table.
"""

import hashlib
from itertools import pairwise
from math import prod
from typing import Literal

from fmnist_edge.dataset import LABELS
from fmnist_edge.records import Record, encode_json, replace
from fmnist_edge.session import IMAGE_SHAPE


def _require(holds: bool, text: str) -> None:  # noqa: FBT001 - reads like an assertion
    if not holds:
        raise ValueError(text)


class Convolution(Record):
    """A strided convolution.

    Args:
        kernel: The side of the square kernel in pixels.
        stride: The distance between two positions of the kernel in pixels.
        channels: The number of filters.
        padding: The number of zero pixels around the input.
    """

    kernel: int
    stride: int
    channels: int
    padding: int = 0

    def __post_init__(self) -> None:
        _require(
            min(self.kernel, self.stride, self.channels) >= 1,
            "kernel, stride and channels must be at least 1",
        )
        _require(0 <= self.padding < self.kernel, "padding must be at least 0 and below kernel")

    def side(self, before: int) -> int:
        """Return the side of the output in pixels if the side of the input is `before` pixels."""
        return (before + 2 * self.padding - self.kernel) // self.stride + 1


class Architecture(Record):
    """Dense layers with ReLU, and a last Dense layer of ten classes.

    Args:
        pool: The side of the squares of pixels that are averaged first; 1 averages nothing.
        convolutions: Layers that are trained with shared weights and deployed as Dense layers,
            because an unrolled convolution is a matrix.
        hidden: The number of units of each hidden Dense layer, after the convolutions.
        normalize: Whether a batch normalization follows each hidden layer. It is folded into the
            layer after the training.
        standardize: Whether the pixels are scaled to mean 0 and standard deviation 1 over the
            training images. The scaling is folded into the first layer.
        bias: Whether the last layer has a bias.
    """

    pool: int = 1
    convolutions: tuple[Convolution, ...] = ()
    hidden: tuple[int, ...] = ()
    normalize: bool = False
    standardize: bool = False
    bias: bool = True

    def __post_init__(self) -> None:
        side = IMAGE_SHAPE[0]
        _require(self.pool >= 1 and side % self.pool == 0, f"pool must be a divisor of {side}")
        _require(
            all(units >= 1 for units in self.hidden), "a hidden layer must have at least 1 unit"
        )
        _require(min(self.widths) >= 1, "the kernel of a convolution is larger than its input")

    @property
    def side(self) -> int:
        """The side of the square image that the first layer takes, in pixels."""
        return IMAGE_SHAPE[0] // self.pool

    @property
    def widths(self) -> tuple[int, ...]:
        """The number of values between the deployed layers, from the input to the ten scores."""
        side, found = self.side, [self.side**2]
        for each in self.convolutions:
            side = each.side(side)
            found.append(side**2 * each.channels)
        return (*found, *self.hidden, len(LABELS))

    @property
    def parameters(self) -> int:
        """The number of weights and biases of the deployed network."""
        weights = sum(map(prod, pairwise(self.widths)))
        biases = sum(self.widths[1:]) - (0 if self.bias else self.widths[-1])
        return weights + biases

    @property
    def unrolled(self) -> "Architecture":
        """The same network with each convolution as a Dense layer and everything folded."""
        return Architecture(self.pool, (), self.widths[1:-1], bias=self.bias)


class Regularization(Record):
    """What limits overfitting.

    Args:
        dropout: The share of hidden units that is dropped during training.
        l2: The weight of the L2 penalty on each hidden kernel.
        label_smoothing: The share of each label that is spread over all classes.
    """

    dropout: float = 0.0
    l2: float = 0.0
    label_smoothing: float = 0.0

    def __post_init__(self) -> None:
        _require(0 <= self.dropout < 1, "dropout must be at least 0 and below 1")
        _require(self.l2 >= 0, "l2 must not be negative")
        _require(0 <= self.label_smoothing < 1, "label_smoothing must be at least 0 and below 1")


class Optimizer(Record):
    """The optimizer.

    Args:
        name: Adam (Kingma and Ba, 2015), or AdamW, which decays the weights apart from the gradient
            (Loshchilov and Hutter, 2019).
        learning_rate: The largest learning rate.
        weight_decay: AdamW's weight decay, which is applied to kernels only.
    """

    name: Literal["adam", "adamw"] = "adam"
    learning_rate: float = 1e-3
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        _require(self.learning_rate > 0, "learning_rate must be above 0")
        _require(self.weight_decay >= 0, "weight_decay must not be negative")
        _require(
            self.name == "adamw" or not self.weight_decay, "weight_decay needs the optimizer adamw"
        )


class Schedule(Record):
    """The number of epochs, the batch size and the learning rate over time.

    Args:
        epochs: The largest number of epochs.
        batch_size: The number of images per step.
        decay: How the learning rate decays: not at all, or along half a cosine to 0 (Loshchilov and
            Hutter, 2017).
        warmup: The share of all steps in which the learning rate rises from 0.
        averaging: The decay of the exponential moving average of the weights, which becomes the
            model; 0 takes the weights themselves.
        patience: The number of epochs without a better validation accuracy after which the training
            stops and keeps the best epoch; 0 trains all epochs and keeps the last.
    """

    epochs: int = 40
    batch_size: int = 256
    decay: Literal["none", "cosine"] = "none"
    warmup: float = 0.0
    averaging: float = 0.0
    patience: int = 0

    def __post_init__(self) -> None:
        _require(self.epochs >= 1, "epochs must be at least 1")
        _require(self.batch_size >= 1, "batch_size must be at least 1")
        _require(0 <= self.warmup < 1, "warmup must be at least 0 and below 1")
        _require(0 <= self.averaging < 1, "averaging must be at least 0 and below 1")
        _require(self.patience >= 0, "patience must not be negative")


class Augmentation(Record):
    """How training images are augmented: mirrored, shifted and partly erased.

    Args:
        flip: Whether half of the images are mirrored.
        shift: The largest shift in each direction in pixels.
        originals: The share of images that are not shifted.
        erase: The share of images in which a square is black (DeVries and Taylor, 2017).
    """

    flip: bool = False
    shift: int = 0
    originals: float = 0.0
    erase: float = 0.0

    def __post_init__(self) -> None:
        _require(0 <= self.shift < IMAGE_SHAPE[0], "shift must be from 0 to 27 pixels")
        _require(0 <= self.originals <= 1, "originals must be from 0 to 1")
        _require(0 <= self.erase <= 1, "erase must be from 0 to 1")


class Distillation(Record):
    """Learning from a teacher's scores beside the labels (Hinton, Vinyals and Dean, 2015).

    Args:
        teacher: The name of the teacher's preset.
        temperature: The logits of teacher and student are divided by it.
        weight: The weight of the teacher in the loss, 0..1; the labels have the rest.
    """

    teacher: str
    temperature: float = 2.0
    weight: float = 0.7

    def __post_init__(self) -> None:
        _require(self.temperature > 0, "temperature must be above 0")
        _require(0 < self.weight <= 1, "weight must be above 0 and at most 1")


class FineTuning(Record):
    """Further training of the unrolled model, which consists of Dense layers.

    Args:
        epochs: The number of epochs.
        learning_rate: The first learning rate; it decays to 0 along half a cosine.
    """

    epochs: int
    learning_rate: float

    def __post_init__(self) -> None:
        _require(self.epochs >= 1, "epochs must be at least 1")
        _require(self.learning_rate > 0, "learning_rate must be above 0")


class Preset(Record):
    """A classifier and how it is trained, with cross-entropy on one-hot labels.

    Args:
        name: The name on the command line.
        summary: The purpose of the preset, as part of a sentence.
        method: Training by gradients, or the class frequencies of the train split as scores.
        embed_metadata: Whether its reference files contain labels and lineage; where the size
            counts, only the manifest beside them does.
        deploy: Whether it is meant for a device; a teacher is not.
    """

    name: str
    summary: str
    architecture: Architecture = Architecture()
    regularization: Regularization = Regularization()
    optimizer: Optimizer = Optimizer()
    schedule: Schedule = Schedule()
    augmentation: Augmentation = Augmentation()
    distillation: Distillation | None = None
    fine_tuning: FineTuning | None = None
    method: Literal["gradients", "class-frequencies"] = "gradients"
    embed_metadata: bool = True
    deploy: bool = True

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of everything that influences the weights."""
        recipe = replace(self, name="", summary="", embed_metadata=True)
        return hashlib.sha256(encode_json(recipe).encode()).hexdigest()

    @property
    def parameters(self) -> int:
        """The number of weights and biases of the network as it is used."""
        network = self.architecture
        if self.deploy:
            return network.parameters
        convolutions = network.convolutions
        channels = [1, *(each.channels for each in convolutions)]
        shared = sum(
            each.kernel**2 * before * each.channels + each.channels
            for each, before in zip(convolutions, channels, strict=False)
        )
        dense = network.widths[len(convolutions) :]
        return shared + sum(map(prod, pairwise(dense))) + sum(dense[1:])

    @property
    def epochs(self) -> int:
        """The largest number of epochs, fine-tuning included."""
        return self.schedule.epochs + (self.fine_tuning.epochs if self.fine_tuning else 0)
