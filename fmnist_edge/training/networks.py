"""Keras models of an architecture: the one that is trained, and the one that is deployed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.dataset import LABELS
from fmnist_edge.libraries import keras as keras_library
from fmnist_edge.session import IMAGE_SHAPE
from fmnist_edge.training.preset import Architecture, Preset

Array = NDArray[np.float32]

# Mean and standard deviation of the pixels of the training images, in 0..1.
_MEAN: Final = 0.2860
_DEVIATION: Final = 0.3530
# The moving averages of a batch normalization follow the weights closely: trainings are short.
_MOMENTUM: Final = 0.95


@dataclass(frozen=True)
class TrainableNetwork:
    """A Keras model in the form in which it is trained.

    Args:
        model: It maps float32[N,28,28] in 0..1 to logits, float32[N,10].
        stages: The layers of the model in groups. Each group is an affine map; between two groups
            there is a ReLU and, if the preset has it, a dropout.
    """

    model: Any
    stages: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True)
class Affine:
    """The affine map y = x @ kernel + bias.

    Args:
        kernel: float32[inputs,units].
        bias: float32[units].
    """

    kernel: Array
    bias: Array


def build(preset: Preset, architecture: Architecture, seed: int) -> TrainableNetwork:
    """Return a network with new weights.

    Args:
        preset: Its regularization becomes part of the network.
        architecture: The preset's own architecture, or its unrolled form.
        seed: The seed of the weights and of every dropout.

    Raises:
        MissingDependencyError: TensorFlow is not installed.
    """
    keras = keras_library.keras()
    keras.utils.set_random_seed(seed)
    stages = tuple(map(tuple, _stages(keras, preset, architecture)))
    stack = [keras.Input(IMAGE_SHAPE, name="image"), *_fast_pooling(keras, architecture)]
    for index, stage in enumerate(stages):
        if index:
            stack.append(keras.layers.ReLU())
            if preset.regularization.dropout:
                stack.append(keras.layers.Dropout(preset.regularization.dropout))
        stack += stage
    return TrainableNetwork(keras.Sequential(stack, name=preset.name), stages)


def _fast_pooling(keras: Any, architecture: Architecture) -> Sequence[Any]:  # noqa: ANN401 - untyped
    """Return average pooling as two passes, one along the columns and one along the rows.

    TensorFlow pools many channels at once, and a single channel four times as slowly. Therefore
    the pixels of a row are the channels here.
    """
    if architecture.pool == 1:
        return ()
    layers, (height, width), side = keras.layers, IMAGE_SHAPE, architecture.side
    return (
        layers.Reshape((height, 1, width)),
        layers.AveragePooling2D((architecture.pool, 1)),
        layers.Permute((3, 2, 1)),
        layers.AveragePooling2D((architecture.pool, 1)),
        layers.Permute((3, 2, 1)),
        layers.Reshape((side, side)),
    )


def _deployed_pooling(keras: Any, architecture: Architecture) -> Sequence[Any]:  # noqa: ANN401 - untyped
    """Return average pooling as the single layer that converters know."""
    if architecture.pool == 1:
        return ()
    return (
        keras.layers.Reshape((*IMAGE_SHAPE, 1), name="one_channel"),
        keras.layers.AveragePooling2D(architecture.pool, name="pool"),
    )


def _stages(keras: Any, preset: Preset, architecture: Architecture) -> list[list[Any]]:  # noqa: ANN401
    layers = keras.layers
    norm, penalty = architecture.normalize, preset.regularization.l2
    # He's initialization suits a normalized ReLU; other layers have Keras's default.
    common: dict[str, Any] = {
        "use_bias": not norm,
        "kernel_regularizer": keras.regularizers.L2(penalty) if penalty else None,
        "kernel_initializer": "he_normal" if norm else "glorot_uniform",
    }
    stages: list[list[Any]] = [
        [
            layers.ZeroPadding2D(each.padding),
            layers.Conv2D(each.channels, each.kernel, strides=each.stride, **common),
        ]
        for each in architecture.convolutions
    ]
    stages += [[layers.Dense(units, **common)] for units in architecture.hidden]
    if norm:
        for stage in stages:
            stage.append(layers.BatchNormalization(momentum=_MOMENTUM))
    stages.append([layers.Dense(len(LABELS), use_bias=architecture.bias, name="logits")])
    side, convolutions = architecture.side, len(architecture.convolutions)
    if convolutions:
        stages[0].insert(0, layers.Reshape((side, side, 1)))
    stages[convolutions].insert(0, layers.Flatten())
    if architecture.standardize:
        stages[0].insert(0, layers.Rescaling(1 / _DEVIATION, offset=-_MEAN / _DEVIATION))
    return stages


def affine_layers(network: TrainableNetwork) -> tuple[Affine, ...]:
    """Return what each stage computes, as a matrix and a bias.

    The outputs of an affine map for zero and for each unit vector determine it. Therefore
    convolutions become matrices, and normalizations and rescalings become part of them.
    """
    return tuple(map(_affine, network.stages))


def _affine(stage: Sequence[Any]) -> Affine:
    shape = tuple(stage[0].input.shape[1:])
    size = int(np.prod(shape))
    inputs = np.concatenate([np.zeros((1, size), np.float32), np.eye(size, dtype=np.float32)])
    values = inputs.reshape(-1, *shape)
    for layer in stage:
        values = layer(values, training=False)
    outputs = np.asarray(values, np.float32).reshape(size + 1, -1)
    return Affine(outputs[1:] - outputs[0], outputs[0])


def deployed_model(preset: Preset, layers: Sequence[Affine], *, bias: bool) -> Any:  # noqa: ANN401 - a Keras model
    """Return the plain Keras classifier with given weights: Dense and ReLU, softmax at the end.

    Args:
        preset: It gives the name of the model and the size of the pool.
        layers: The weights, from the first layer to the last.
        bias: Whether the last layer has a bias.

    Returns:
        A model that maps float32[N,28,28] in 0..1 to float32[N,10] probabilities.
    """
    keras = keras_library.keras()
    stack = [keras.Input(IMAGE_SHAPE, name="image"), *_deployed_pooling(keras, preset.architecture)]
    # Keras numbers its layers through the process; fixed names make equal files.
    stack.append(keras.layers.Flatten(name="flatten"))
    hidden = [
        keras.layers.Dense(layer.kernel.shape[1], activation="relu", name=f"hidden_{number}")
        for number, layer in enumerate(layers[:-1], start=1)
    ]
    last = keras.layers.Dense(len(LABELS), activation="softmax", use_bias=bias, name="scores")
    model = keras.Sequential([*stack, *hidden, last], name=preset.name)
    _assign((*hidden, last), layers)
    return model


def load_dense_weights(network: TrainableNetwork, layers: Sequence[Affine]) -> None:
    """Give a network of Dense stages the weights that `affine_layers` found in another network."""
    _assign([stage[-1] for stage in network.stages], layers)


def _assign(dense: Sequence[Any], layers: Sequence[Affine]) -> None:
    for each, layer in zip(dense, layers, strict=True):
        each.set_weights([layer.kernel, layer.bias] if each.use_bias else [layer.kernel])
