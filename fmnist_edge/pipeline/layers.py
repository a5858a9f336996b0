"""What every layer of a model file gives on its runtime, for many images."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.artifact import Artifact, Format
from fmnist_edge.divergence import Chain, Grid, Layer
from fmnist_edge.divergence.cuts import Cut, CutFile, UnreadableLayersError
from fmnist_edge.errors import (
    MissingDependencyError,
    ModelUnreadableError,
    ModelUnsupportedError,
)
from fmnist_edge.exporters import npz_cuts
from fmnist_edge.exporters.onnx import cuts as onnx_cuts
from fmnist_edge.exporters.tflite import cuts as tflite_cuts
from fmnist_edge.pipeline.answering import RunOptions, answer
from fmnist_edge.progress import SILENT, Progress
from fmnist_edge.session import IMAGE_SHAPE, WHITE, Scores, Session

_CUTTERS: Final[Mapping[Format, Callable[[bytes], CutFile]]] = MappingProxyType(
    {
        Format.TFLITE: tflite_cuts.cut,
        Format.ONNX: onnx_cuts.cut,
        Format.NPZ: npz_cuts.cut,
    }
)
_SCORES: Final = "scores"
_IMAGE_AXES: Final = 3


class UnreadError(Exception):
    """The layers cannot be read.

    Args:
        code: Why, a key of `report.divergence.UNREAD`.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code: Final = code


def read_layers(
    artifact: Artifact,
    options: RunOptions,
    images: NDArray[Any],
    scores: Scores,
    progress: Progress = SILENT,
) -> Chain:
    """Run a file that ends at each layer, on the runtime of the whole file.

    Args:
        artifact: The whole file.
        options: What ran it.
        images: uint8[N,28,28].
        scores: float32[N,C], what the whole file gave, as it gives them.
        progress: Receives the progress.

    Raises:
        UnreadError: The layers cannot be read.
    """
    if images.dtype != np.uint8 or images.shape[1:] != IMAGE_SHAPE:
        raise UnreadError("images")
    cutter = _CUTTERS.get(artifact.format)
    if cutter is None:
        raise UnreadError("format")
    try:
        whole = cutter(artifact.payload)
        layers = [_run(artifact, each, options, images, progress) for each in whole.cuts]
    except MissingDependencyError as error:
        raise UnreadError("package") from error
    except UnreadableLayersError as error:
        raise UnreadError("chain") from error
    except (ModelUnreadableError, ModelUnsupportedError) as error:
        raise UnreadError("run") from error
    if whole.ends_in_softmax:
        layers.append(Layer(_SCORES, scores, None, whole.softmax_grid, is_softmax=True))
    chain = Chain(_inputs(images, whole.input_grid), tuple(layers))
    if not _fits(chain):
        raise UnreadError("chain")
    return chain


def _fits(chain: Chain) -> bool:
    """Return whether each layer takes as many values as the one before it gives."""
    width = chain.inputs.shape[1]
    for layer in chain.layers:
        given, width = width, layer.outputs.shape[1]
        if layer.stage is not None and layer.stage.kernel.shape != (given, width):
            return False
    return True


def _run(
    artifact: Artifact,
    end: Cut,
    options: RunOptions,
    images: NDArray[Any],
    progress: Progress,
) -> Layer:
    shorter = Artifact(artifact.path, artifact.format, end.payload, None)
    label = f"{end.name} of"
    given = answer(shorter, options, images, progress, label=label, check=_any_model).scores
    outputs = given.reshape(len(images), -1)
    if end.divisor != 1:
        outputs = (outputs / end.divisor).astype(np.float32)
    return Layer(end.name, outputs, end.stage, end.grid)


def _any_model(_: Artifact, session: Session) -> None:
    if not session.output.shape:
        raise ModelUnsupportedError("A layer gives a single number.")


def _inputs(images: NDArray[np.uint8], grid: Grid | None) -> NDArray[np.float64]:
    """Return pixels of 0..1, or the nearest of the values that the input can hold."""
    pixels = images.reshape(len(images), -1) / WHITE
    if grid is None:
        return pixels
    stored = np.clip(np.rint(pixels / grid.scale) + grid.zero_point, grid.low, grid.high)
    real: NDArray[np.float64] = (stored - grid.zero_point) * grid.scale
    return real


def are_alike(a: Chain, b: Chain) -> bool:
    """Return whether two files have as many layers, of as many units each."""
    return [each.outputs.shape for each in a.layers] == [each.outputs.shape for each in b.layers]
