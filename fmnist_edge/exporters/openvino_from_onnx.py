"""Somebody's float `.onnx` classifier to OpenVINO."""

from collections.abc import Mapping
from typing import Final

from fmnist_edge.exporters import onnx_from_onnx
from fmnist_edge.exporters.files import Files
from fmnist_edge.exporters.openvino import recipes as openvino_recipes
from fmnist_edge.exporters.parent import Parent
from fmnist_edge.libraries.openvino import EXTRA
from fmnist_edge.recipes import Choices, Recipe
from fmnist_edge.session import Images

__all__ = ["NEEDS", "TOOLS", "export"]

NEEDS: Final[Mapping[str, str]] = {**onnx_from_onnx.NEEDS, "openvino": EXTRA}
TOOLS: Final[tuple[str, ...]] = (*onnx_from_onnx.TOOLS, "openvino")


def export(parent: Parent, recipe: Recipe, choices: Choices, calibration: Images) -> Files:
    """Convert, and quantize if the recipe asks for it.

    Raises:
        ExportError: a tool fails, or the choices cannot be had.
        MissingDependencyError: a tool is not installed.
    """
    return openvino_recipes.make(
        lambda pixels: onnx_from_onnx.adapted(parent, choices, pixels),
        parent,
        recipe,
        choices,
        calibration,
        TOOLS,
    )
