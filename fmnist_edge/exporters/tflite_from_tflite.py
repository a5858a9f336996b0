"""A float TFLite file to a quantized one, without TensorFlow."""

from collections.abc import Mapping
from typing import Final

from fmnist_edge.errors import ExportError
from fmnist_edge.exporters.files import Files
from fmnist_edge.exporters.parent import Parent
from fmnist_edge.exporters.tflite import metadata as tflite_metadata
from fmnist_edge.exporters.tflite import quantizer as tflite_quantizer
from fmnist_edge.exporters.tflite.calibration import check_method
from fmnist_edge.exporters.tflite.interpreter import input_of, open_interpreter
from fmnist_edge.recipes import Choices, Recipe
from fmnist_edge.session import Images

__all__ = ["NEEDS", "TOOLS", "export"]

NEEDS: Final[Mapping[str, str]] = tflite_quantizer.NEEDS
TOOLS: Final[tuple[str, ...]] = tflite_quantizer.TOOLS


def export(parent: Parent, recipe: Recipe, choices: Choices, calibration: Images) -> Files:
    """Quantize; the graph, its batch size and its scores stay the parent's.

    Raises:
        ExportError: the quantizer fails, or the choices cannot be had.
        MissingDependencyError: litert-quantizer or LiteRT is not installed.
    """
    if recipe.calibrated:
        check_method(choices)
    payload = parent.artifact.payload
    _check(parent, choices, payload)
    made = tflite_quantizer.quantize(payload, recipe.precision, calibration)
    return {recipe.format.suffix: tflite_metadata.finish(made, parent, recipe, choices, TOOLS)}


def _check(parent: Parent, choices: Choices, payload: bytes) -> None:
    own = input_of(open_interpreter(payload)).shape[0]
    if choices.batch not in {Choices().batch, own}:
        raise ExportError(
            f"{parent.artifact.path} keeps its batch size; only a conversion can set another.",
            hint="Leave out --batch, or start from the .keras file.",
        )
    known = parent.artifact.manifest
    if choices.scores == "logits" and (known is None or known.scores != "logits"):
        raise ExportError(
            f"{parent.artifact.path} keeps its last operator; only a conversion can drop it.",
            hint="Leave out --scores logits, or start from the .keras file.",
        )
