"""Somebody's float `.onnx` classifier to the other recipes of ONNX and ORT files."""

from collections.abc import Mapping
from typing import Final

from fmnist_edge.exporters.files import Files
from fmnist_edge.exporters.onnx import recipes as onnx_recipes
from fmnist_edge.exporters.onnx.graph import parse
from fmnist_edge.exporters.onnx.pixels import adapt
from fmnist_edge.exporters.parent import Parent
from fmnist_edge.exporters.tf_function import Pixels
from fmnist_edge.recipes import Choices, Recipe
from fmnist_edge.session import Images

__all__ = ["NEEDS", "TOOLS", "adapted", "export"]

NEEDS: Final[Mapping[str, str]] = {"onnx": "train", "onnxruntime": "onnx"}
TOOLS: Final[tuple[str, ...]] = ("onnx", "onnxruntime", "numpy")


def export(parent: Parent, recipe: Recipe, choices: Choices, calibration: Images) -> Files:
    """Make a smaller or faster file of a float32 one; its opset stays.

    Raises:
        ExportError: a tool fails, or the choices cannot be had.
        MissingDependencyError: onnx or ONNX Runtime is not installed.
    """
    return onnx_recipes.make(
        lambda pixels: adapted(parent, choices, pixels), parent, recipe, choices, calibration, TOOLS
    )


def adapted(parent: Parent, choices: Choices, pixels: Pixels) -> bytes:
    """Their graph as the bytes of a plain float32 `.onnx` file like those of ours.

    Raises:
        ExportError: the choices cannot be had.
        MissingDependencyError: onnx is not installed.
    """
    payload: bytes = adapt(parse(parent.artifact.payload), choices, pixels).SerializeToString()
    return payload
