"""What a preset says: architecture and training recipe as data.

The records mirror the tables of a preset's TOML file; every field of them is documented there
and here by the same name.
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
        kernel: Its side in pixels.
        stride: Pixels between two places.
        channels: Filters.
        padding: Pixels of zeros around its input.
    """

    kernel: int
    stride: int
    channels: int
    padding: int = 0

    def __post_init__(self) -> None:
        _require(min(self.kernel, self.stride, self.channels) >= 1, "a convolution of nothing")
        _require(0 <= self.padding < self.kernel, "padding is from 0 up to the kernel's side")

    def side(self, before: int) -> int:
        """Places in a row, where its input has `before` pixels in a row."""
        return (before + 2 * self.padding - self.kernel) // self.stride + 1


class Architecture(Record):
    """Dense + ReLU layers, and a Dense layer of ten classes.

    Args:
        pool: Side of the squares of pixels that are averaged first; 1 for none.
        convolutions: Layers that are trained with shared weights and then written out as ordinary
            Dense layers: an unrolled convolution is a matrix like any other.
        hidden: Units of each hidden Dense layer, behind the convolutions.
        normalize: Whether a batch normalization follows each hidden layer; it is folded into the
            layer when training is over.
        standardize: Whether pixels are brought to mean 0 and deviation 1 of the training images;
            that is folded into the first layer.
        bias: Whether the last layer has one.
    """

    pool: int = 1
    convolutions: tuple[Convolution, ...] = ()
    hidden: tuple[int, ...] = ()
    normalize: bool = False
    standardize: bool = False
    bias: bool = True

    def __post_init__(self) -> None:
        side = IMAGE_SHAPE[0]
        _require(self.pool >= 1 and side % self.pool == 0, f"pool is no divisor of {side}")
        _require(all(units >= 1 for units in self.hidden), "a hidden layer of no units")
        _require(min(self.widths) >= 1, "a convolution is larger than what it looks at")

    @property
    def side(self) -> int:
        """Of the square image that the first layer sees, in pixels."""
        return IMAGE_SHAPE[0] // self.pool

    @property
    def widths(self) -> tuple[int, ...]:
        """Values between the layers of the deployed network, from its input to its ten scores."""
        side, found = self.side, [self.side**2]
        for each in self.convolutions:
            side = each.side(side)
            found.append(side**2 * each.channels)
        return (*found, *self.hidden, len(LABELS))

    @property
    def parameters(self) -> int:
        """Weights and biases of the deployed network."""
        weights = sum(map(prod, pairwise(self.widths)))
        biases = sum(self.widths[1:]) - (0 if self.bias else self.widths[-1])
        return weights + biases

    @property
    def unrolled(self) -> "Architecture":
        """The same network with every convolution written out and everything folded."""
        return Architecture(self.pool, (), self.widths[1:-1], bias=self.bias)


class Regularization(Record):
    """What keeps the weights from learning the training images by heart.

    Args:
        dropout: Share of hidden units dropped while training.
        l2: Weight of the L2 penalty on each hidden kernel.
        label_smoothing: Share of each label that is spread over all classes.
    """

    dropout: float = 0.0
    l2: float = 0.0
    label_smoothing: float = 0.0

    def __post_init__(self) -> None:
        _require(0 <= self.dropout < 1, "dropout is a share from 0 up to 1")
        _require(self.l2 >= 0, "l2 is not negative")
        _require(0 <= self.label_smoothing < 1, "label_smoothing is a share from 0 up to 1")


class Optimizer(Record):
    """How a gradient becomes a step.

    Args:
        name: Adam (Kingma and Ba, 2015), or AdamW, whose weight decay is apart from the gradient
            (Loshchilov and Hutter, 2019).
        learning_rate: The largest step size.
        weight_decay: Of AdamW, on kernels alone.
    """

    name: Literal["adam", "adamw"] = "adam"
    learning_rate: float = 1e-3
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        _require(self.learning_rate > 0, "learning_rate is above 0")
        _require(self.weight_decay >= 0, "weight_decay is not negative")
        _require(
            self.name == "adamw" or not self.weight_decay, "weight_decay belongs to adamw alone"
        )


class Schedule(Record):
    """How long, in what portions, and with what step size when.

    Args:
        epochs: Epochs at most.
        batch_size: Images per step.
        decay: Of the step size: none, or half a cosine down to 0 (Loshchilov and Hutter, 2017).
        warmup: Share of all steps in which the step size rises from 0.
        averaging: Decay of the moving average of weights that becomes the model; 0 for the weights
            themselves.
        patience: Epochs without a better validation accuracy after which training stops, and the
            best epoch is kept; 0 to go on to the end and keep the last.
    """

    epochs: int = 40
    batch_size: int = 256
    decay: Literal["none", "cosine"] = "none"
    warmup: float = 0.0
    averaging: float = 0.0
    patience: int = 0

    def __post_init__(self) -> None:
        _require(self.epochs >= 1, "epochs are at least 1")
        _require(self.batch_size >= 1, "batch_size is at least 1")
        _require(0 <= self.warmup < 1, "warmup is a share from 0 up to 1")
        _require(0 <= self.averaging < 1, "averaging is from 0 up to 1")
        _require(self.patience >= 0, "patience is not negative")


class Augmentation(Record):
    """How training images are varied: mirrored, shifted, and with a part painted over.

    Args:
        flip: Whether half of the images are mirrored.
        shift: Pixels that an image may move in each direction.
        originals: Share of images that are not shifted.
        erase: Share of images in which a square is painted black (DeVries and Taylor, 2017).
    """

    flip: bool = False
    shift: int = 0
    originals: float = 0.0
    erase: float = 0.0

    def __post_init__(self) -> None:
        _require(0 <= self.shift < IMAGE_SHAPE[0], "shift is from 0 to 27 pixels")
        _require(0 <= self.originals <= 1, "originals is a share from 0 to 1")
        _require(0 <= self.erase <= 1, "erase is a share from 0 to 1")


class Distillation(Record):
    """Learning from a teacher's scores beside the labels (Hinton, Vinyals and Dean, 2015).

    Args:
        teacher: Name of the preset that teaches.
        temperature: What its logits are divided by.
        weight: Of the teacher in the loss, 0..1; the labels have the rest.
    """

    teacher: str
    temperature: float = 2.0
    weight: float = 0.7

    def __post_init__(self) -> None:
        _require(self.temperature > 0, "temperature is above 0")
        _require(0 < self.weight <= 1, "weight is above 0 and at most 1")


class FineTuning(Record):
    """Training once more, as the plain Dense layers that the model has become.

    Args:
        epochs: How many.
        learning_rate: Where it starts; it falls to 0 along half a cosine.
    """

    epochs: int
    learning_rate: float

    def __post_init__(self) -> None:
        _require(self.epochs >= 1, "epochs are at least 1")
        _require(self.learning_rate > 0, "learning_rate is above 0")


class Preset(Record):
    """A classifier and how it is trained: one-hot labels, cross-entropy.

    Args:
        name: What it is called on the command line.
        summary: What it is for.
        method: By gradients; or not at all: the scores are the class frequencies of train.
        embed_metadata: Whether its reference files carry labels and lineage inside; where bytes
            count, the manifest beside them does.
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
        """SHA-256 of all that has an influence on the weights."""
        recipe = replace(self, name="", summary="", embed_metadata=True)
        return hashlib.sha256(encode_json(recipe).encode()).hexdigest()

    @property
    def parameters(self) -> int:
        """Weights and biases of the network as it is used."""
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
        """Epochs at most, fine-tuning included."""
        return self.schedule.epochs + (self.fine_tuning.epochs if self.fine_tuning else 0)
