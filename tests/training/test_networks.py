"""What is deployed computes what was trained, though nothing of its form is left."""

from itertools import pairwise

import numpy as np
import pytest

from fmnist_edge.libraries.keras import keras
from fmnist_edge.records import replace
from fmnist_edge.session import scale_pixels
from fmnist_edge.training import presets
from fmnist_edge.training.networks import affine_layers, build, deployed_model, load_dense_weights
from fmnist_edge.training.preset import Architecture, Convolution, Regularization

PIXELS = scale_pixels(np.random.default_rng(0).integers(0, 256, (64, 28, 28), np.uint8))
ARCHITECTURES = {
    "linear": Architecture(),
    "without-bias": Architecture(pool=28, bias=False),
    "dense": Architecture(hidden=(16, 12)),
    "normalized": Architecture(hidden=(16, 12), normalize=True, standardize=True),
    "pooled": Architecture(pool=4, hidden=(16,), normalize=True, standardize=True),
    "convolutional": Architecture(
        convolutions=(Convolution(5, 3, 4, 1), Convolution(4, 2, 6, 1)),
        hidden=(12,),
        normalize=True,
        standardize=True,
    ),
    "pooled-convolutional": Architecture(pool=2, convolutions=(Convolution(3, 2, 4, 2),)),
}


@pytest.mark.parametrize("kind", ARCHITECTURES)
def test_a_trained_network_is_written_out_as_plain_dense_layers(kind: str) -> None:
    preset = replace(
        presets.get("default"),
        architecture=ARCHITECTURES[kind],
        regularization=Regularization(dropout=0.2, l2=1e-4),
    )
    network = build(preset, preset.architecture, seed=1)
    _unsettle(network.model)
    layers = affine_layers(network)
    widths = preset.architecture.widths
    assert [layer.kernel.shape for layer in layers] == list(pairwise(widths))
    logits = np.asarray(network.model(PIXELS, training=False))
    model = deployed_model(preset, layers, bias=preset.architecture.bias)
    wanted = np.asarray(keras().activations.softmax(keras().ops.convert_to_tensor(logits)))
    np.testing.assert_allclose(np.asarray(model(PIXELS)), wanted, atol=2e-5)
    kinds = {type(layer).__name__ for layer in model.layers}
    assert kinds <= {"Reshape", "AveragePooling2D", "Flatten", "Dense"}
    assert model.count_params() == preset.parameters


def test_fine_tuning_begins_with_what_was_trained() -> None:
    preset = replace(presets.get("default"), architecture=ARCHITECTURES["convolutional"])
    network = build(preset, preset.architecture, seed=1)
    _unsettle(network.model)
    again = build(preset, preset.architecture.unrolled, seed=2)
    load_dense_weights(again, affine_layers(network))
    np.testing.assert_allclose(
        np.asarray(again.model(PIXELS, training=False)),
        np.asarray(network.model(PIXELS, training=False)),
        atol=2e-4,
    )


def test_the_same_seed_builds_the_same_weights() -> None:
    preset = presets.get("tiny")
    first, again, other = (build(preset, preset.architecture, seed) for seed in (1, 1, 2))
    for one, two in zip(first.model.weights, again.model.weights, strict=True):
        np.testing.assert_array_equal(one, two)
    kernel = first.model.trainable_weights[0]
    assert not np.array_equal(kernel, other.model.trainable_weights[0])


def _unsettle(model: object) -> None:
    """Give every weight a value it would not have by itself, as training does."""
    random = np.random.default_rng(2)
    for weight in model.weights:  # type: ignore[attr-defined] # a Keras model
        noise = random.uniform(0.5, 1.5, weight.shape)
        weight.assign(np.asarray(weight) * noise + 0.1 * random.random(weight.shape))
