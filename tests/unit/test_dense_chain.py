"""A chain of Dense layers, and what is folded into it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
from numpy.typing import NDArray

from fmnist_edge.exporters.parents.dense_chain import DenseChain, chain_of, layer_outputs

Array = NDArray[np.float32]
_RANDOM = np.random.default_rng(0)


def _normal(*shape: int) -> Array:
    return _RANDOM.normal(size=shape).astype(np.float32)


def _named(name: str) -> Callable[[], None]:
    def activation() -> None:
        pass

    activation.__name__ = name
    return activation


@dataclass
class _Variable:
    """What Keras keeps a weight in."""

    value: Array

    def numpy(self) -> Array:
        return self.value


@dataclass
class Dense:
    """The parts of Keras's layer of this name that are looked at."""

    kernel: Array
    bias: Array | None = None
    activation: Callable[[], None] = field(default_factory=lambda: _named("linear"))
    name: str = "dense"

    def get_weights(self) -> list[Array]:
        return [self.kernel] if self.bias is None else [self.kernel, self.bias]


@dataclass
class BatchNormalization:
    moving_mean: _Variable
    moving_variance: _Variable
    gamma: _Variable | None
    beta: _Variable | None
    epsilon: float = 1e-3

    def __call__(self, values: Array) -> Array:
        scaled = (values - self.moving_mean.value) / np.sqrt(
            self.moving_variance.value + self.epsilon
        )
        scaled = scaled * self.gamma.value if self.gamma else scaled
        shifted: Array = scaled + self.beta.value if self.beta else scaled
        return shifted


@dataclass
class Rescaling:
    scale: float
    offset: float


class ReLU:
    pass


class Flatten:
    pass


class Dropout:
    pass


class Conv2D:
    pass


@dataclass
class Reshape:
    target_shape: tuple[int, ...]


class AveragePooling2D:
    def __init__(self, pool: int | tuple[int, int], **other: object) -> None:
        self.pool_size = (pool, pool) if isinstance(pool, int) else pool
        self.strides = other.get("strides", self.pool_size)
        self.data_format = other.get("data_format", "channels_last")


def _chain(layers: Sequence[object], *shape: int) -> DenseChain:
    """The network of layers that take items of this shape; it must be one."""
    found = chain_of(layers, shape)
    assert found is not None
    return found


def _normalization(units: int, *, whole: bool = True) -> BatchNormalization:
    return BatchNormalization(
        _Variable(_normal(units)),
        _Variable(np.abs(_normal(units)) + 0.5),
        _Variable(_normal(units)) if whole else None,
        _Variable(_normal(units)) if whole else None,
    )


def test_a_plain_chain_is_taken_as_it_is() -> None:
    kernels, biases = [_normal(784, 5), _normal(5, 3)], [_normal(5), _normal(3)]
    found = _chain(
        [
            Flatten(),
            Dense(kernels[0], biases[0], _named("relu"), "first"),
            Dropout(),
            Dense(kernels[1], biases[1], _named("softmax"), "second"),
        ],
        *(28, 28),
    )
    assert found.pool == 1
    assert [(layer.name, layer.activation) for layer in found.layers] == [
        ("first", "relu"),
        ("second", "softmax"),
    ]
    for layer, kernel, bias in zip(found.layers, kernels, biases, strict=True):
        assert np.array_equal(layer.kernel, kernel)
        assert np.array_equal(layer.bias, bias)


def test_a_layer_without_bias_gets_zeros() -> None:
    [layer] = _chain([Dense(_normal(4, 2))], 4).layers
    assert layer.bias.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("whole", [True, False])
def test_normalization_behind_a_linear_layer_goes_into_it(*, whole: bool) -> None:
    dense, norm = Dense(_normal(6, 4), _normal(4)), _normalization(4, whole=whole)
    assert dense.bias is not None
    pixels = _normal(7, 6)
    expected = np.maximum(norm(pixels @ dense.kernel + dense.bias), 0)
    found = _chain([dense, norm, ReLU()], 6)
    assert [layer.activation for layer in found.layers] == ["relu"]
    np.testing.assert_allclose(layer_outputs(found, pixels)[0], expected, atol=1e-5)


def test_normalization_behind_an_activation_goes_into_the_next_layer() -> None:
    first, norm = Dense(_normal(6, 4), _normal(4), _named("relu")), _normalization(4)
    second = Dense(_normal(4, 3), _normal(3))
    assert first.bias is not None
    assert second.bias is not None
    pixels = _normal(7, 6)
    hidden = norm(np.maximum(pixels @ first.kernel + first.bias, 0))
    found = _chain([first, norm, Dropout(), second], 6)
    np.testing.assert_allclose(
        layer_outputs(found, pixels)[1], hidden @ second.kernel + second.bias, atol=1e-4
    )


def test_layers_with_unusual_activations_do_not_tell_their_outputs() -> None:
    hidden = Dense(_normal(6, 4), None, _named("gelu"))
    network = _chain([hidden, Dense(_normal(4, 3), None, _named("softmax"))], 6)
    assert [layer.activation for layer in network.layers] == ["gelu", "softmax"]
    assert layer_outputs(network, _normal(7, 6)) == ()


def test_rescaling_and_normalization_in_front_go_into_the_first_layer() -> None:
    norm, dense = _normalization(6), Dense(_normal(6, 4), _normal(4))
    assert dense.bias is not None
    pixels = _normal(7, 6)
    expected = norm(pixels * np.float32(2) - np.float32(1)) @ dense.kernel + dense.bias
    found = _chain([Rescaling(2.0, -1.0), norm, dense], 6)
    np.testing.assert_allclose(layer_outputs(found, pixels)[0], expected, atol=1e-4)


@pytest.mark.parametrize(
    "layers",
    [
        [Conv2D(), Dense(_normal(4, 2))],
        [Dense(_normal(4, 2)), _normalization(2), _normalization(2), Conv2D()],
        [Dense(_normal(4, 2), None, _named("relu")), _normalization(2)],
        [Dense(_normal(4, 2), None, _named("relu")), ReLU()],
        [ReLU(), Dense(_normal(4, 2))],
    ],
    ids=["convolution", "convolution last", "open end", "two activations", "activation first"],
)
def test_anything_else_is_no_chain(layers: list[object]) -> None:
    assert chain_of(layers, (4,)) is None


# Average pools


def _means(pixels: Array, pool: int) -> Array:
    """Square by square, as one would by hand."""
    side = pixels.shape[1] // pool
    found = np.empty((len(pixels), side, side), np.float32)
    for row in range(side):
        for column in range(side):
            rows, columns = (slice(each * pool, (each + 1) * pool) for each in (row, column))
            found[:, row, column] = pixels[:, rows, columns].mean(axis=(1, 2))
    return found.reshape(len(pixels), -1)


@pytest.mark.parametrize("pool", [2, 4, 7, 14, 28])
def test_an_average_pool_in_front_is_known_by_its_side(pool: int) -> None:
    dense = Dense(_normal((28 // pool) ** 2, 3), _normal(3))
    assert dense.bias is not None
    found = _chain([Reshape((28, 28, 1)), AveragePooling2D(pool), Flatten(), dense], 28, 28)
    assert found.pool == pool
    pixels = _normal(5, 28, 28)
    expected = _means(pixels, pool) @ dense.kernel + dense.bias
    np.testing.assert_allclose(layer_outputs(found, pixels)[0], expected, atol=1e-4)


@pytest.mark.parametrize(
    "front",
    [
        [Reshape((28, 28, 1)), Rescaling(2.0, -1.0), Dropout(), AveragePooling2D(4), Flatten()],
        [Reshape((28, 28, 1)), AveragePooling2D(4), Rescaling(2.0, -1.0), Reshape((49,))],
        [Rescaling(2.0, -1.0), Reshape((-1, 28, 1)), AveragePooling2D(2), AveragePooling2D(2)],
        [Flatten(), Rescaling(2.0, -1.0), Reshape((28, 28, 1)), AveragePooling2D(4), Dropout()],
    ],
    ids=["scaled before", "scaled after", "two pools", "back and forth"],
)
def test_what_does_no_harm_may_stand_around_the_pool(front: list[object]) -> None:
    dense = Dense(_normal(49, 3), _normal(3))
    assert dense.bias is not None
    found = _chain([*front, Flatten(), dense], 28, 28)
    pixels = _normal(5, 28, 28)
    expected = _means(pixels * 2 - 1, 4) @ dense.kernel + dense.bias
    assert found.pool == 4
    np.testing.assert_allclose(layer_outputs(found, pixels)[0], expected, atol=1e-4)


def test_an_image_with_a_channel_is_pooled_as_it_comes() -> None:
    found = _chain([AveragePooling2D(7), Flatten(), Dense(_normal(16, 3))], 28, 28, 1)
    assert found.pool == 7


@pytest.mark.parametrize(
    "layers",
    [
        [AveragePooling2D(5), Flatten(), Dense(_normal(25, 3))],
        [AveragePooling2D((2, 4)), Flatten(), Dense(_normal(98, 3))],
        [AveragePooling2D(2, strides=(1, 1)), Flatten(), Dense(_normal(729, 3))],
        [AveragePooling2D(2, data_format="channels_first"), Flatten(), Dense(_normal(196, 3))],
        [Reshape((14, 56, 1)), AveragePooling2D(2), Flatten(), Dense(_normal(196, 3))],
        [Reshape((14, 14, 4)), AveragePooling2D(2), Flatten(), Dense(_normal(196, 3))],
        [_normalization(28), AveragePooling2D(2), Flatten(), Dense(_normal(196, 3))],
        [
            *(Flatten(), Dense(_normal(784, 16)), Reshape((4, 4, 1)), AveragePooling2D(2)),
            *(Flatten(), Dense(_normal(4, 3))),
        ],
        [AveragePooling2D(2)],
        [Dense(_normal(1, 3)), Flatten()],
    ],
    ids=[
        *("pixels left over", "no square", "overlapping", "channels first", "no square image"),
        *("four channels", "a number per column", "behind a layer", "no layer", "of each pixel"),
    ],
)
def test_any_other_pool_is_no_chain(layers: list[object]) -> None:
    assert chain_of(layers, (28, 28, 1)) is None
