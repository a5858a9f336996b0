"""A TensorFlow classifier to OpenVINO, in float32 or with weights kept in float16."""

from collections.abc import Mapping
from typing import Any, Final

from fmnist_edge.artifact import Precision
from fmnist_edge.errors import ExportError
from fmnist_edge.exporters import metadata
from fmnist_edge.exporters.files import Files
from fmnist_edge.exporters.openvino_files import serialize
from fmnist_edge.exporters.parent import Parent
from fmnist_edge.exporters.tf_function import serving_module
from fmnist_edge.openvino_library import EXTRA, openvino, plain_reason
from fmnist_edge.recipes import Choices, Recipe
from fmnist_edge.session import Images

__all__ = ["NEEDS", "TOOLS", "export"]

NEEDS: Final[Mapping[str, str]] = {"openvino": EXTRA}
TOOLS: Final[tuple[str, ...]] = ("tensorflow", "keras", "openvino", "numpy")


def export(parent: Parent, recipe: Recipe, choices: Choices, calibration: Images) -> Files:  # noqa: ARG001 - the contract
    """Convert straight from the TensorFlow graph.

    Raises:
        ExportError: the converter fails, or the choices cannot be had.
        MissingDependencyError: TensorFlow or OpenVINO is not installed.
    """
    known = metadata.known(parent, recipe, choices, metadata.RAW_PIXELS, TOOLS)
    halved = recipe.precision is Precision.FLOAT16
    return serialize(_converted(parent, choices), known, halved=halved)


def _converted(parent: Parent, choices: Choices) -> Any:  # noqa: ANN401 - untyped
    library = openvino()
    module = serving_module(parent, choices, "uint8")
    try:
        return library.convert_model(module.serve)
    except (RuntimeError, ValueError) as error:
        raise ExportError(
            f"OpenVINO's converter failed: {plain_reason(error)}.",
            hint="This is worth a bug report, with the model attached.",
        ) from error
