"""A runtime that computes nothing; its rows measure the overhead of the harness.

It takes the bytes of the images unchanged and returns ten equal scores, so that its accuracy is the
10 % of the class "T-shirt/top".
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.artifact import Artifact, Format, TensorSpec
from fmnist_edge.devices import CPU_ONLY
from fmnist_edge.session import IMAGE_SHAPE, DefaultUse, PlainSession, SessionOptions

FORMATS = frozenset(Format)
PACKAGE = ""
EXTRA = ""
DEVICES = CPU_ONLY
READS_MODEL = False
DEFAULT_USE = DefaultUse.ALWAYS


def load_library() -> str:
    """Return a version; there is no library to load."""
    return "0"


class _Session(PlainSession):
    def __init__(self, batch: int) -> None:
        source = TensorSpec("image", (None, *IMAGE_SHAPE), "uint8")
        super().__init__(source, TensorSpec("scores", (None, 10), "float32"), batch)
        self.used: Mapping[str, str] = {"threads": "1"}
        self._answer: Final = np.full((batch, 10), 0.1, np.float32)

    def prepare(self, images: NDArray[Any]) -> NDArray[Any]:
        return images

    def run(self, tensor: NDArray[Any], /) -> NDArray[np.float32]:  # noqa: ARG002 - it does nothing
        return self._answer


def open(artifact: Artifact, options: SessionOptions) -> _Session:  # noqa: A001, ARG001 - the contract's names
    """Open a session that ignores the artifact."""
    return _Session(options.batch)
