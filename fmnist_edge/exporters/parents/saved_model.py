"""A SavedModel as the parent of exports."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from fmnist_edge.artifact import Artifact
from fmnist_edge.errors import ModelUnsupportedError
from fmnist_edge.exporters.parents.logits import with_softmax
from fmnist_edge.exporters.parents.parent import Parent
from fmnist_edge.libraries.keras import tensorflow
from fmnist_edge.saved_model import Signature, load_signature
from fmnist_edge.session import IMAGE_SHAPE, WHITE, Images, Scores, check_classifier, scale_pixels

_PREDICTION_BATCH: Final = 1000
_PIXELS: Final = ("float32", "uint8")


def load(artifact: Artifact) -> Parent:
    """Load a SavedModel whose signature takes float32[N,28,28] pixels in 0..1, or uint8[N,28,28].

    A fixed batch size and weights that are no numbers are refused.
    """
    signature = load_signature(artifact)
    source, _ = check_classifier(artifact, signature.inputs, signature.outputs)
    if source.dtype not in _PIXELS or source.shape[0] is not None:
        raise ModelUnsupportedError(
            f"{artifact.path} takes {source.dtype}[{source.shape[0] or 'N'},28,28]; exports start "
            "from float32[N,28,28] in 0..1 or uint8[N,28,28].",
            hint="Save it again with an open batch axis and one of these types.",
        )
    function = _function(signature)

    def scores(images: Images) -> Scores:
        parts = range(0, len(images), _PREDICTION_BATCH)
        answers = [
            function(scale_pixels(images[start : start + _PREDICTION_BATCH])).numpy()
            for start in parts
        ]
        return np.concatenate(answers).astype(np.float32)

    if not np.isfinite(scores(np.zeros((1, *IMAGE_SHAPE), np.uint8))).all():
        raise ModelUnsupportedError(
            f"{artifact.path} answers with scores that are no numbers.",
            hint="Train it again; a learning rate that is too high does this.",
        )
    return with_softmax(
        Parent(
            artifact,
            function=function,
            held=(signature.held,),
            scores=scores,
            batch=_PREDICTION_BATCH,
        )
    )


def _function(signature: Signature) -> Callable[[Any], Any]:
    tf = tensorflow()
    source, target = signature.inputs[0], signature.outputs[0]

    def classify(image: Any) -> Any:  # noqa: ANN401 - a tensor
        pixels = tf.convert_to_tensor(image, tf.float32)
        if source.dtype == "uint8":
            pixels = tf.cast(tf.round(pixels * WHITE), tf.uint8)
        return signature.function(**{source.name: pixels})[target.name]

    return classify
