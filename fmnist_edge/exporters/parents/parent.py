"""The classifier that an export starts from, whatever file it was read from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from fmnist_edge.artifact import Artifact
from fmnist_edge.exporters.parents.dense_chain import DenseChain
from fmnist_edge.session import Images, Scores


@dataclass(frozen=True)
class Parent:
    """A readable classifier, ready to be converted.

    Args:
        artifact: The file it was read from.
        chain: Its layers, where it is a plain chain of Dense layers, with or without an average
            pool in front. Batch normalisation and rescaling are folded into the layers, and
            dropout is left out. The first layer takes pixels in 0..1. None for any other model.
        function: The TensorFlow function of the classifier, from float32[N,28,28] pixels in 0..1
            to float32[N,10] probabilities; None for a float TFLite or ONNX file.
        logits: The same function without its softmax; None where the softmax cannot be removed.
        held: Objects that must stay alive as long as `function` is used.
        scores: The parent's own answer, from uint8[N,28,28] images to float32[N,10]
            probabilities; None where a runtime has to execute the file.
        batch: The number of images per call that the graph is known to take.
    """

    artifact: Artifact
    chain: DenseChain | None = None
    function: Callable[[Any], Any] | None = None
    logits: Callable[[Any], Any] | None = None
    held: Sequence[Any] = field(default=(), repr=False)
    scores: Callable[[Images], Scores] | None = None
    batch: int = 1
