"""The network that probes run: one file per format, an input, and the right answer."""

from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.arrays import read_arrays
from fmnist_edge.artifact import Artifact, Format, open_artifact
from fmnist_edge.session import RuntimeModule

# `tests/probe_models.py` writes them. A runtime is given the first that it opens.
FILES: Final = MappingProxyType(
    {
        Format.ONNX: "dense.onnx",
        Format.TFLITE: "dense.tflite",
        Format.NCNN: "dense.param",  # its weights are in dense.bin
        Format.NPZ: "dense.npz",
        Format.KERAS: "dense.keras",
    }
)
# The file whose numbers are the network.
NETWORK: Final = FILES[Format.NPZ]

_FOLDER: Final = Path(str(files("fmnist_edge.probe")))


def model_for(runtime: RuntimeModule) -> Artifact:
    """Return the network in a format that the runtime opens."""
    name = next(name for kind, name in FILES.items() if kind in runtime.FORMATS)
    return open_artifact(_FOLDER / name)


def example() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return an input, float32[1,16], and the right answer, float32[1,4]."""
    arrays = read_arrays((_FOLDER / NETWORK).read_bytes())
    kernels = [np.asarray(arrays[f"kernel_{index}"], np.float32) for index in range(2)]
    biases = [np.asarray(arrays[f"bias_{index}"], np.float32) for index in range(2)]
    # Quarters, as the weights are halves: no type that devices compute in rounds anything.
    values = ((np.arange(len(kernels[0])) % 9 - 4) / 4).astype(np.float32)[np.newaxis]
    hidden = np.maximum(values @ kernels[0] + biases[0], 0)
    right: NDArray[np.float32] = hidden @ kernels[1] + biases[1]
    return values, right
