"""What an export starts from, whatever it was read from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from fmnist_edge.artifact import Artifact
from fmnist_edge.exporters.network import Network
from fmnist_edge.session import Images, Scores

__all__ = ["Parent"]


@dataclass(frozen=True)
class Parent:
    """A readable classifier, ready to be converted.

    Args:
        artifact: The file it was read from.
        network: Its layers, where it is a plain chain of Dense layers, average-pooled in front or
            not; batch normalisation and rescaling are folded into them, dropout is gone. The first
            takes pixels in 0..1. None for any other model.
        function: Any TensorFlow classifier, float32[N,28,28] in 0..1 to float32[N,10]
            probabilities; None for a float file that is only to be quantized.
        logits: The same before its softmax, where that can be had so.
        held: What must stay alive for `function` to work.
        scores: uint8[N,28,28] to the parent's own float32[N,10] answer; None where only a runtime
            can tell.
    """

    artifact: Artifact
    network: Network | None = None
    function: Callable[[Any], Any] | None = None
    logits: Callable[[Any], Any] | None = None
    held: Sequence[Any] = field(default=(), repr=False)
    scores: Callable[[Images], Scores] | None = None
