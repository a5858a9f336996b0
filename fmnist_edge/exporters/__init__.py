"""The exporters: a parent in, the bytes of one artifact out.

A new one is a module that satisfies `ExporterModule`, a line below, and its recipe's line in
`recipes.py`; the contract tests and `export` then take it along.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.artifact import Artifact, Format
from fmnist_edge.errors import UsageError
from fmnist_edge.exporters import (
    keras_parent,
    layers_of_onnx,
    layers_of_tflite,
    npz_from_keras,
    onnx_from_onnx,
    onnx_from_tf,
    onnx_int8_from_onnx,
    onnx_parent,
    openvino_from_onnx,
    openvino_from_tf,
    saved_model_from_tf,
    saved_model_parent,
    tflite_from_tf,
    tflite_from_tflite,
    tflite_int4_from_tf,
    tflite_parent,
)
from fmnist_edge.exporters.files import Files
from fmnist_edge.exporters.parent import Parent
from fmnist_edge.recipes import Choices, Recipe
from fmnist_edge.session import Images

__all__ = ["EXPORTERS", "LAYER_READERS", "PARENTS", "ExporterModule", "ParentModule", "load_parent"]


class ParentModule(Protocol):
    """What a module that reads parents offers (a module has no `self` to pass)."""

    def load(self, artifact: Artifact) -> Parent:
        """Read a classifier; code inside it is never run.

        Raises:
            MissingDependencyError: a tool it needs is not installed.
            ModelUnreadableError: the file is damaged.
            ModelUnsupportedError: it is no Fashion-MNIST classifier.
        """


class ExporterModule(Protocol):
    """What a module that converts offers (a module has no `self` to pass).

    Attributes:
        NEEDS: The Python packages it imports beyond those that read the parent, each with the extra
            that installs it.
        TOOLS: The distributions whose versions decide what comes out.
    """

    NEEDS: Mapping[str, str]
    TOOLS: tuple[str, ...]

    def export(
        self, parent: Parent, recipe: Recipe, choices: Choices, calibration: Images
    ) -> Files:
        """Convert.

        Args:
            parent: What to convert.
            recipe: What to make of it.
            choices: What the user wants otherwise.
            calibration: uint8[N,28,28] images of train; empty for a recipe that needs none.

        Raises:
            ExportError: the conversion failed, or the choices cannot be had.
            MissingDependencyError: a tool it needs is not installed.
        """


_PARENTS: Final[dict[Format, ParentModule]] = {
    Format.KERAS: keras_parent,
    Format.SAVED_MODEL: saved_model_parent,
    Format.TFLITE: tflite_parent,
    Format.ONNX: onnx_parent,
}
PARENTS: Final = MappingProxyType(_PARENTS)

# What any TensorFlow classifier can become.
_FROM_TENSORFLOW: Final[dict[str, ExporterModule]] = {
    "npz-float32": npz_from_keras,
    "tflite-float32": tflite_from_tf,
    "tflite-float16": tflite_from_tf,
    "tflite-int8": tflite_from_tf,
    "tflite-int8-float-io": tflite_from_tf,
    "tflite-int8-dynamic": tflite_from_tf,
    "tflite-int16x8": tflite_from_tf,
    "tflite-int4": tflite_int4_from_tf,
    "onnx-float32": onnx_from_tf,
    "onnx-float16": onnx_from_tf,
    "onnx-int8": onnx_int8_from_onnx,
    "onnx-int8-dynamic": onnx_int8_from_onnx,
    "ort-float32": onnx_int8_from_onnx,
    "ort-int8": onnx_int8_from_onnx,
    "openvino-float32": openvino_from_tf,
    "openvino-float16": openvino_from_tf,
    "openvino-int8": openvino_from_tf,
    "saved-model-float32": saved_model_from_tf,
}
# What float files can become.
_FROM_TFLITE: Final[dict[str, ExporterModule]] = {
    "tflite-float16": tflite_from_tflite,
    "tflite-int8": tflite_from_tflite,
    "tflite-int8-dynamic": tflite_from_tflite,
    "tflite-int4": tflite_from_tflite,
}
_FROM_ONNX: Final[dict[str, ExporterModule]] = {
    "onnx-float16": onnx_from_onnx,
    "onnx-int8": onnx_from_onnx,
    "onnx-int8-dynamic": onnx_from_onnx,
    "ort-float32": onnx_from_onnx,
    "ort-int8": onnx_from_onnx,
    "openvino-float32": openvino_from_onnx,
    "openvino-float16": openvino_from_onnx,
    "openvino-int8": openvino_from_onnx,
}
# By the parent's format and the recipe's name.
EXPORTERS: Final = MappingProxyType(
    {(Format.KERAS, name): module for name, module in _FROM_TENSORFLOW.items()}
    | {
        (Format.SAVED_MODEL, name): module
        for name, module in _FROM_TENSORFLOW.items()
        if module is not npz_from_keras  # a graph does not tell its layers
    }
    | {(Format.TFLITE, name): module for name, module in _FROM_TFLITE.items()}
    | {(Format.ONNX, name): module for name, module in _FROM_ONNX.items()}
)

# uint8[N,28,28] images through a file's layers: float32[N,units] per layer, dequantized, before the
# softmax. By the file's format.
LayerReader = Callable[[bytes, Images], Sequence[NDArray[np.float32]]]
_LAYER_READERS: Final[dict[Format, LayerReader]] = {
    Format.TFLITE: layers_of_tflite.layer_outputs,
    Format.ONNX: layers_of_onnx.layer_outputs,
}
LAYER_READERS: Final = MappingProxyType(_LAYER_READERS)


def load_parent(artifact: Artifact) -> Parent:
    """Read what an export starts from.

    Raises:
        UsageError: nothing is made from this format.
        FmnistEdgeError: as `ParentModule.load`.
    """
    module = PARENTS.get(artifact.format)
    if module is None:
        raise UsageError(
            f"{artifact.path} is a {artifact.format} file; exports start from "
            f"{', '.join(PARENTS)} files.",
            hint="Train one with: fmnist-edge train",
        )
    return module.load(artifact)
