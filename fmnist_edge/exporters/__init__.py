"""The exporters: a trained Keras model in, the bytes of one file out.

A new one is a module that satisfies `ExporterModule`, a line below, and its recipe's line in
`recipes.py`; the contract tests and `export` then take it along.
"""

from types import MappingProxyType
from typing import Any, Final, Protocol

from fmnist_edge.exporters import (
    npz_from_keras,
    onnx_from_keras,
    onnx_int8_from_onnx,
    tflite_from_keras,
)
from fmnist_edge.recipes import Recipe
from fmnist_edge.session import Images

__all__ = ["EXPORTERS", "ExporterModule"]


class ExporterModule(Protocol):
    """What a module in `fmnist_edge.exporters` offers (a module has no `self` to pass).

    Attributes:
        TOOLS: The distributions whose versions decide what comes out.
    """

    TOOLS: tuple[str, ...]

    def export(self, parent: Any, recipe: Recipe, calibration: Images) -> bytes:  # noqa: ANN401 - a Keras model
        """Convert.

        Args:
            parent: A Keras model, float32[N,28,28] in 0..1 to float32[N,10].
            recipe: What to make.
            calibration: uint8[N,28,28] images of train; empty for a float recipe.

        Returns:
            The whole file.

        Raises:
            ExportError: the conversion failed.
            MissingDependencyError: a tool it needs is not installed.
        """


_MODULES: Final[dict[str, ExporterModule]] = {
    "npz-float32": npz_from_keras,
    "tflite-float32": tflite_from_keras,
    "tflite-int8": tflite_from_keras,
    "onnx-float32": onnx_from_keras,
    "onnx-int8": onnx_int8_from_onnx,
}
EXPORTERS: Final = MappingProxyType(_MODULES)
