"""A Keras model as a TensorFlow function with clean names: `image` in, `scores` out."""

from typing import Any

from fmnist_edge.exporters.keras_parent import dense_layers
from fmnist_edge.keras_library import tensorflow
from fmnist_edge.session import IMAGE_SHAPE

__all__ = ["serving_module"]


def serving_module(model: Any, batch: int | None) -> Any:  # noqa: ANN401 - TensorFlow objects
    """A `tf.Module` with a function `serve`: float32[batch,28,28] to {"scores": float32[batch,10]}.

    The module keeps hold of the model's variables. Without that a converter finds none, and writes
    a file without weights that still runs.

    Args:
        model: A chain of Dense layers.
        batch: Images per call; None leaves it open.

    Raises:
        ExportError: the model is no chain of Dense layers.
    """
    tf = tensorflow()
    layers = list(dense_layers(model))
    pixels = IMAGE_SHAPE[0] * IMAGE_SHAPE[1]
    signature = [tf.TensorSpec((batch, *IMAGE_SHAPE), tf.float32, name="image")]

    def serve(image: Any) -> dict[str, Any]:  # noqa: ANN401 - a tensor
        # -1 and not the batch size: a file for one image can then be resized to take more.
        values = tf.reshape(image, [-1, pixels])
        for layer in layers:
            values = layer(values)
        return {"scores": values}

    module = tf.Module()
    module.held = [weight.value for weight in model.weights]
    module.serve = tf.function(serve, input_signature=signature)
    return module
