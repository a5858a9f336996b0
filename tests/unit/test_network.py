"""A chain of Dense layers, and what is folded into it."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest
from numpy.typing import NDArray

from fmnist_edge.exporters.network import layer_outputs, network_of

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


def _normalization(units: int, *, whole: bool = True) -> BatchNormalization:
    return BatchNormalization(
        _Variable(_normal(units)),
        _Variable(np.abs(_normal(units)) + 0.5),
        _Variable(_normal(units)) if whole else None,
        _Variable(_normal(units)) if whole else None,
    )


def test_a_plain_chain_is_taken_as_it_is() -> None:
    kernels, biases = [_normal(784, 5), _normal(5, 3)], [_normal(5), _normal(3)]
    found = network_of(
        [
            Flatten(),
            Dense(kernels[0], biases[0], _named("relu"), "first"),
            Dropout(),
            Dense(kernels[1], biases[1], _named("softmax"), "second"),
        ]
    )
    assert [(layer.name, layer.activation) for layer in found] == [
        ("first", "relu"),
        ("second", "softmax"),
    ]
    for layer, kernel, bias in zip(found, kernels, biases, strict=True):
        assert np.array_equal(layer.kernel, kernel)
        assert np.array_equal(layer.bias, bias)


def test_a_layer_without_bias_gets_zeros() -> None:
    [layer] = network_of([Dense(_normal(4, 2))])
    assert layer.bias.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("whole", [True, False])
def test_normalization_behind_a_linear_layer_goes_into_it(*, whole: bool) -> None:
    dense, norm = Dense(_normal(6, 4), _normal(4)), _normalization(4, whole=whole)
    assert dense.bias is not None
    pixels = _normal(7, 6)
    expected = np.maximum(norm(pixels @ dense.kernel + dense.bias), 0)
    found = network_of([dense, norm, ReLU()])
    assert [layer.activation for layer in found] == ["relu"]
    np.testing.assert_allclose(layer_outputs(found, pixels)[0], expected, atol=1e-5)


def test_normalization_behind_an_activation_goes_into_the_next_layer() -> None:
    first, norm = Dense(_normal(6, 4), _normal(4), _named("relu")), _normalization(4)
    second = Dense(_normal(4, 3), _normal(3))
    assert first.bias is not None
    assert second.bias is not None
    pixels = _normal(7, 6)
    hidden = norm(np.maximum(pixels @ first.kernel + first.bias, 0))
    found = network_of([first, norm, Dropout(), second])
    np.testing.assert_allclose(
        layer_outputs(found, pixels)[1], hidden @ second.kernel + second.bias, atol=1e-4
    )


def test_layers_with_unusual_activations_do_not_tell_their_outputs() -> None:
    hidden = Dense(_normal(6, 4), None, _named("gelu"))
    network = network_of([hidden, Dense(_normal(4, 3), None, _named("softmax"))])
    assert [layer.activation for layer in network] == ["gelu", "softmax"]
    assert layer_outputs(network, _normal(7, 6)) == ()


def test_rescaling_and_normalization_in_front_go_into_the_first_layer() -> None:
    norm, dense = _normalization(6), Dense(_normal(6, 4), _normal(4))
    assert dense.bias is not None
    pixels = _normal(7, 6)
    expected = norm(pixels * np.float32(2) - np.float32(1)) @ dense.kernel + dense.bias
    found = network_of([Rescaling(2.0, -1.0), norm, dense])
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
    assert network_of(layers) == ()
