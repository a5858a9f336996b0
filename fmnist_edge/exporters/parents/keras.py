"""A Keras model as the parent of exports."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np

from fmnist_edge.artifact import Artifact, TensorSpec
from fmnist_edge.errors import ModelUnsupportedError
from fmnist_edge.exporters.parents.dense_chain import chain_of
from fmnist_edge.exporters.parents.logits import with_softmax
from fmnist_edge.exporters.parents.parent import Parent
from fmnist_edge.keras_file import load_model
from fmnist_edge.session import IMAGE_SHAPE, Images, Scores, check_classifier, scale_pixels

_PREDICTION_BATCH: Final = 1000


def load(artifact: Artifact) -> Parent:
    """Load a `.keras` file; a file that holds code or weights that are no numbers is refused."""
    model = load_model(artifact)
    if getattr(model, "inputs", None):  # a model that was saved without a shape takes any images
        check_classifier(artifact, _specs(model.inputs), _specs(model.outputs))
    _check_weights(artifact, model)

    def scores(images: Images) -> Scores:
        answer: Scores = model.predict(
            scale_pixels(images), batch_size=_PREDICTION_BATCH, verbose=0
        )
        return answer

    chain = chain_of(_in_a_row(model), _item_shape(model))
    return with_softmax(
        Parent(
            artifact,
            chain=chain,
            function=lambda image: model(image, training=False),
            held=() if chain else [weight.value for weight in model.weights],
            scores=scores,
            batch=_PREDICTION_BATCH,
        )
    )


def _in_a_row(model: Any) -> Sequence[Any]:  # noqa: ANN401 - a Keras model
    """Return the layers if each takes the output of the one before it alone, or else no layer."""
    kind = type(model).__name__
    if kind == "Functional":  # a class without a public name
        return model.layers if _is_a_row(model.get_config()["layers"]) else ()
    return model.layers if kind == "Sequential" else ()


def _is_a_row(layers: Sequence[Any]) -> bool:
    for before, layer in pairwise(layers):
        calls = layer["inbound_nodes"]
        if len(calls) != 1 or len(calls[0]["args"]) != 1:
            return False  # the layer is used twice, or joins two branches
        (taken,) = calls[0]["args"]
        if not isinstance(taken, dict) or taken["config"]["keras_history"][0] != before["name"]:
            return False
    return True


def _item_shape(model: Any) -> Sequence[int]:  # noqa: ANN401 - a Keras model
    (source,) = getattr(model, "inputs", None) or (None,)
    return IMAGE_SHAPE if source is None else tuple(source.shape[1:])


def _specs(tensors: Sequence[Any]) -> Sequence[TensorSpec]:
    # Keras takes images without a channel axis where it expects one of size 1.
    shapes = [tuple(each.shape[:-1] if each.shape[3:] == (1,) else each.shape) for each in tensors]
    return [
        TensorSpec(each.name, shape, str(each.dtype))
        for each, shape in zip(tensors, shapes, strict=True)
    ]


def _check_weights(artifact: Artifact, model: Any) -> None:  # noqa: ANN401 - a Keras model
    for weight in model.weights:
        if not np.isfinite(weight.numpy()).all():
            raise ModelUnsupportedError(
                f"{artifact.path} has weights that are no numbers (in {weight.path}).",
                hint="Train it again; a learning rate that is too high does this.",
            )
