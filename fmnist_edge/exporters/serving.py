"""A parent as a TensorFlow function with fixed names: `image` in, `scores` out."""

from collections.abc import Sequence
from typing import Any

from fmnist_edge.errors import ExportError
from fmnist_edge.exporters.parents.dense_chain import DenseChain, DenseLayer
from fmnist_edge.exporters.parents.parent import Parent
from fmnist_edge.libraries import keras as keras_library
from fmnist_edge.recipes import Choices, Pixels
from fmnist_edge.records import replace
from fmnist_edge.session import IMAGE_SHAPE, WHITE


def serving_module(parent: Parent, choices: Choices, pixels: Pixels) -> Any:  # noqa: ANN401 - a tf.Module
    """Return a `tf.Module` with a function `serve` from `image` to `scores`.

    `serve` takes `image` of [batch,28,28] and returns {"scores": float32[batch,10]}. A chain of
    Dense layers becomes one reshape, and one product, bias and activation per layer, behind its
    average pool if it has one. For uint8 pixels a cast comes first, and 1/255 is part of the first
    kernel. Any other classifier is called as it is.

    Args:
        parent: A TensorFlow classifier.
        choices: The batch size, and whether the scores are logits.
        pixels: What `image` holds.

    Raises:
        ExportError: The user asks for logits, and the softmax cannot be removed.
    """
    tf = keras_library.tensorflow()
    chain = parent.chain
    infer = _of_chain(tf, chain, choices, pixels) if chain else _of_any(parent, choices, pixels)
    dtype = tf.uint8 if pixels == "uint8" else tf.float32
    signature = [tf.TensorSpec((choices.batch, *IMAGE_SHAPE), dtype, name="image")]

    def serve(image: Any) -> dict[str, Any]:  # noqa: ANN401 - a tensor
        return {"scores": infer(tf.cast(image, tf.float32))}

    module = tf.Module()
    # A converter that finds no variables writes a file without weights, which still runs.
    module.held = list(parent.held)
    # Without AutoGraph, which writes Python files into the temporary folder and has nothing to do.
    module.serve = tf.function(serve, input_signature=signature, autograph=False)
    return module


def _of_chain(tf: Any, chain: DenseChain, choices: Choices, pixels: Pixels) -> Any:  # noqa: ANN401 - untyped
    activations = keras_library.keras().activations
    layers = list(_with_scores(chain.layers, choices))
    if pixels == "uint8":
        layers[0] = replace(layers[0], kernel=layers[0].kernel / WHITE)

    def pooled(image: Any) -> Any:  # noqa: ANN401 - a tensor
        if chain.pool == 1:
            return image
        squares = tf.reshape(image, [-1, *IMAGE_SHAPE, 1])
        return tf.nn.avg_pool2d(squares, chain.pool, chain.pool, "VALID")

    def infer(image: Any) -> Any:  # noqa: ANN401 - a tensor
        # -1 and not the batch size: a file for one image can then be resized to take more.
        values = tf.reshape(pooled(image), [-1, layers[0].kernel.shape[0]])
        for layer in layers:
            values = tf.matmul(values, tf.constant(layer.kernel)) + tf.constant(layer.bias)
            values = activations.get(layer.activation)(values)
        return values

    return infer


def _with_scores(layers: Sequence[DenseLayer], choices: Choices) -> Sequence[DenseLayer]:
    if choices.scores == "logits" and layers[-1].activation == "softmax":
        return (*layers[:-1], replace(layers[-1], activation="linear"))
    return layers


def _of_any(parent: Parent, choices: Choices, pixels: Pixels) -> Any:  # noqa: ANN401 - untyped
    function = parent.logits if choices.scores == "logits" else parent.function
    if function is None:
        raise ExportError(
            f"{parent.artifact.path} is no chain of Dense layers, so its softmax stays.",
            hint="Leave out --scores logits.",
        )
    return function if pixels == "float32" else lambda image: function(image * (1 / WHITE))
