"""A file of plain arrays as a row of files that end one layer later."""

import io
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.arrays import ArraysError, read_arrays
from fmnist_edge.divergence.cuts import Cut, CutFile, UnreadableLayersError
from fmnist_edge.divergence.stages import Stage, half_floor

_POOL: Final = "pool"
_POOLING: Final = "average pool"
_SOFTMAX: Final = "softmax"

Arrays = Mapping[str, NDArray[Any]]


def cut(payload: bytes) -> CutFile:
    """Return the layers of an `.npz` model.

    Raises:
        UnreadableLayersError: The file holds something else.
    """
    try:
        arrays = read_arrays(payload)
        activations = arrays["activations"].tolist()
        layers = [(arrays[f"kernel_{at}"], arrays[f"bias_{at}"]) for at in range(len(activations))]
    except (ArraysError, KeyError, TypeError) as error:
        raise UnreadableLayersError(str(error)) from error
    *hidden, last = activations
    if not set(hidden) <= {"relu", "linear"}:
        raise UnreadableLayersError("a hidden layer has another activation than relu")
    pool = int(arrays.get(_POOL, np.array(1)))
    # The softmax is left to the whole file: a file that ends before it gives logits.
    plain = [*hidden, "linear" if last == _SOFTMAX else last]
    cuts = [_pool_cut(pool, len(layers[0][0]))] if pool > 1 else []
    for count, (kernel, bias) in enumerate(layers, 1):
        stage = _stage(f"dense {count}", kernel, bias, plain[count - 1])
        cuts.append(Cut(stage.name, _file(plain[:count], layers[:count], pool), stage, None))
    return CutFile(tuple(cuts), None, None, last == _SOFTMAX)


def _pool_cut(pool: int, means: int) -> Cut:
    """Return a file that gives the means themselves: a layer of ones on the diagonal."""
    same = np.eye(means, dtype=np.float32), np.zeros(means, np.float32)
    return Cut(_POOLING, _file(["linear"], [same], pool), None, None)


def _stage(name: str, kernel: NDArray[Any], bias: NDArray[Any], activation: str) -> Stage:
    none = np.zeros(kernel.shape[1])
    real = kernel.astype(np.float64), bias.astype(np.float64)
    return Stage(name, *real, activation == "relu", none, none, half_floor(kernel, 1.0))


def _file(
    activations: list[str], layers: list[tuple[NDArray[Any], NDArray[Any]]], pool: int
) -> bytes:
    arrays: dict[str, Any] = {"activations": np.array(activations)}
    for at, (kernel, bias) in enumerate(layers):
        arrays |= {f"kernel_{at}": kernel, f"bias_{at}": bias}
    if pool > 1:
        arrays[_POOL] = np.array(pool)
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()
