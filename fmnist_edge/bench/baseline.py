"""The baseline that every run measures besides the user's files.

The null runtime shows what the harness itself adds to a call. A network of fixed size in plain
NumPy shows what such arithmetic costs without an inference engine; it is the same in every run.
"""

import io
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np

from fmnist_edge.artifact import Artifact, Format, Precision
from fmnist_edge.result import Subject

_SIZES: Final = (784, 256, 128, 10)
_SEED: Final = 0
NO_MODEL: Final = Subject("(no model)", None, None, None, None)
FIXED_NETWORK: Final = Subject(
    f"({'-'.join(map(str, _SIZES))} of noise)", Format.NPZ, Precision.FLOAT32, None, None
)
# A runtime that reads no model is given this one.
EMPTY: Final = Artifact(Path(NO_MODEL.path), Format.NPZ, b"", None)


def artifact_of(subject: Subject) -> Artifact | None:
    """Return the model of a baseline case, or None for a file of the user's."""
    if subject == NO_MODEL:
        return EMPTY
    return _fixed_network() if subject == FIXED_NETWORK else None


def _fixed_network() -> Artifact:
    """Return a network of the study's size with weights from a seed; its answers mean nothing."""
    draw = np.random.Generator(np.random.PCG64(_SEED)).standard_normal
    arrays: dict[str, Any] = {"activations": np.array(["relu", "relu", "softmax"])}
    for index, (width, units) in enumerate(pairwise(_SIZES)):
        # He's scale keeps activations from growing or vanishing, so no denormals slow it down.
        arrays[f"kernel_{index}"] = (draw((width, units)) * (2 / width) ** 0.5).astype(np.float32)
        arrays[f"bias_{index}"] = np.zeros(units, np.float32)
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return Artifact(Path(FIXED_NETWORK.path), Format.NPZ, stream.getvalue(), None)
