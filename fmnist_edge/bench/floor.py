"""What every run measures besides the user's files: the yardstick.

The null runtime tells what the harness itself adds to a call. A network of fixed size in plain
NumPy tells what such arithmetic costs with no inference engine at all, and, being the same in every
run, whether the machine is as fast as it was.
"""

import io
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np

from fmnist_edge.artifact import Artifact, Format, Precision
from fmnist_edge.result import Subject

__all__ = ["NOTHING", "NO_MODEL", "YARDSTICK", "artifact_of"]

_SIZES: Final = (784, 256, 128, 10)
_SEED: Final = 0
NO_MODEL: Final = Subject("(no model)", None, None, None, None)
YARDSTICK: Final = Subject(
    f"({'-'.join(map(str, _SIZES))} of noise)", Format.NPZ, Precision.FLOAT32, None, None
)
# What a runtime that reads no model is handed.
NOTHING: Final = Artifact(Path(NO_MODEL.path), Format.NPZ, b"", None)


def artifact_of(subject: Subject) -> Artifact | None:
    """The model of a floor's case; None for a file of the user's."""
    if subject == NO_MODEL:
        return NOTHING
    return _yardstick() if subject == YARDSTICK else None


def _yardstick() -> Artifact:
    """A network of the study's size with weights from a seed; what it answers means nothing."""
    draw = np.random.Generator(np.random.PCG64(_SEED)).standard_normal
    arrays: dict[str, Any] = {"activations": np.array(["relu", "relu", "softmax"])}
    for index, (width, units) in enumerate(pairwise(_SIZES)):
        # He's scale keeps activations from growing or dying out, so no denormals slow it down.
        arrays[f"kernel_{index}"] = (draw((width, units)) * (2 / width) ** 0.5).astype(np.float32)
        arrays[f"bias_{index}"] = np.zeros(units, np.float32)
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return Artifact(Path(YARDSTICK.path), Format.NPZ, stream.getvalue(), None)
