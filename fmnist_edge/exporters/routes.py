"""The table of exports: which functions make which recipe from which kind of parent.

A new export is a recipe in `recipes.py`, a function that converts, a function that finishes, and a
line in this table; the contract tests and `fmnist-edge export` then take it along.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from fmnist_edge.artifact import Format, Precision
from fmnist_edge.errors import UsageError
from fmnist_edge.exporters import float_onnx, ncnn, npz, saved_model
from fmnist_edge.exporters.conversion import Conversion, Files, Stages
from fmnist_edge.exporters.onnx import convert as onnx_convert
from fmnist_edge.exporters.onnx import finish as onnx_finish
from fmnist_edge.exporters.onnx.int8 import quantize
from fmnist_edge.exporters.openvino import convert as openvino_convert
from fmnist_edge.exporters.openvino import finish as openvino_finish
from fmnist_edge.exporters.ort import finish as ort_finish
from fmnist_edge.exporters.parents.parent import Parent
from fmnist_edge.exporters.tflite import convert as tflite_convert
from fmnist_edge.exporters.tflite import finish as tflite_finish
from fmnist_edge.exporters.tflite import quantizer as tflite_quantizer
from fmnist_edge.recipes import Choices, Recipe
from fmnist_edge.session import Images


@dataclass(frozen=True)
class Route:
    """The way from one kind of parent to one recipe.

    Args:
        convert: Makes the model in the target's own form, such as an `onnx.ModelProto`.
        finish: Brings that model into its final form, adds the metadata, and serializes it.
        tools: The distributions whose versions decide the bytes of the files.
        needs: The Python packages that are imported beyond those that read the parent, each with
            the extra that installs it.
    """

    convert: Callable[[Conversion], Any]
    finish: Callable[[Any, Conversion], Files]
    tools: tuple[str, ...]
    needs: Mapping[str, str] = field(default_factory=dict)

    def export(self, conversion: Conversion) -> Files:
        """Convert a parent and return the files of the new artifact.

        Raises:
            ExportError: The conversion failed, or an option cannot be had.
            MissingDependencyError: A tool is not installed.
            StorageError: The temporary folder is full or not writable.
        """
        return self.finish(self.convert(conversion), conversion)


# The packages that a conversion imports, each with the extra that installs it.
_LITERT: Final = {"ai_edge_litert": "litert"}
_LITERT_QUANTIZER: Final = {**_LITERT, "litert_quantizer": "quantize"}
_TF2ONNX: Final = {"tf2onnx": "train", "onnx": "train"}
_TF2ONNX_AND_RUNTIME: Final = {**_TF2ONNX, "onnxruntime": "onnx"}
_ONNX: Final = {"onnx": "train", "onnxruntime": "onnx"}

# The distributions that decide what a conversion makes.
_BY_KERAS: Final = ("keras", "numpy")
_BY_TENSORFLOW: Final = ("tensorflow", "keras", "numpy")
_BY_TF2ONNX: Final = ("tensorflow", "keras", "tf2onnx", "onnx", "numpy")
_BY_ONNX: Final = ("onnx", "onnxruntime", "numpy")
_BY_QUANTIZER: Final = ("litert-quantizer", "ai-edge-litert")


_TFLITE: Final = Route(
    tflite_convert.from_tensorflow, tflite_finish.finish, _BY_TENSORFLOW, _LITERT
)
# ncnn itself is needed for the proof only, and decides no byte.
_NCNN: Final = Route(ncnn.convert, ncnn.finish, _BY_KERAS, {"ncnn": "ncnn"})
_REQUANTIZED: Final = Route(
    tflite_quantizer.from_float_file,
    tflite_finish.finish,
    (*_BY_QUANTIZER, "numpy"),
    _LITERT_QUANTIZER,
)


def _by_way_of_onnx(tools: tuple[str, ...], needs: Mapping[str, str]) -> dict[str, Route]:
    """Return the routes that start from a float32 ONNX graph, by the name of the recipe."""
    onnx = functools.partial(Route, finish=onnx_finish.finish, tools=tools, needs=needs)
    ort = functools.partial(Route, finish=ort_finish.finish, tools=tools, needs=needs)
    openvino = functools.partial(
        Route,
        finish=openvino_finish.finish,
        tools=(*tools, "openvino"),
        needs={**needs, "openvino": "openvino"},
    )
    return {
        "onnx-float16": onnx(onnx_convert.float16),
        "onnx-int8": onnx(onnx_convert.int8),
        "onnx-int8-dynamic": onnx(onnx_convert.int8_dynamic),
        "ort-float32": ort(onnx_convert.float32),
        "ort-int8": ort(onnx_convert.int8),
        "openvino-float32": openvino(openvino_convert.floating),
        "openvino-float16": openvino(openvino_convert.floating),
        "openvino-int8": openvino(openvino_convert.int8),
    }


_FROM_TENSORFLOW: Final = {
    "tflite-float32": _TFLITE,
    "tflite-float16": _TFLITE,
    "tflite-int8": _TFLITE,
    "tflite-int8-float-io": _TFLITE,
    "tflite-int8-dynamic": _TFLITE,
    "tflite-int16x8": _TFLITE,
    # TensorFlow's converter has no 4-bit weights.
    "tflite-int4": Route(
        tflite_quantizer.from_tensorflow,
        tflite_finish.finish,
        (*_BY_TENSORFLOW, *_BY_QUANTIZER),
        _LITERT_QUANTIZER,
    ),
    **_by_way_of_onnx((*_BY_TF2ONNX, "onnxruntime"), _TF2ONNX_AND_RUNTIME),
    # Float files need no ONNX Runtime.
    "onnx-float32": Route(onnx_convert.float32, onnx_finish.finish, _BY_TF2ONNX, _TF2ONNX),
    "onnx-float16": Route(onnx_convert.float16, onnx_finish.finish, _BY_TF2ONNX, _TF2ONNX),
    "saved-model-float32": Route(saved_model.convert, saved_model.finish, _BY_TENSORFLOW),
}
_ROUTES: Final[dict[Format, dict[str, Route]]] = {
    # A SavedModel holds a graph and no layers, so that no arrays can be read from it.
    Format.KERAS: {
        "npz-float32": Route(npz.convert, npz.finish, _BY_KERAS),
        "ncnn-float32": _NCNN,
        "ncnn-float16": _NCNN,
    }
    | _FROM_TENSORFLOW,
    Format.SAVED_MODEL: _FROM_TENSORFLOW,
    Format.TFLITE: dict.fromkeys(
        ("tflite-float16", "tflite-int8", "tflite-int8-dynamic", "tflite-int4"), _REQUANTIZED
    ),
    Format.ONNX: _by_way_of_onnx(_BY_ONNX, _ONNX),
}
# By the format of the parent and the name of the recipe.
ROUTES: Final = MappingProxyType(
    {(source, name): route for source, routes in _ROUTES.items() for name, route in routes.items()}
)


def route_of(recipe: Recipe, source: Format) -> Route:
    """Return the way to a recipe from a parent of this format, whatever is installed.

    Raises:
        UsageError: The recipe cannot be made from such a parent.
    """
    route = ROUTES.get((source, recipe.name))
    if route is None:
        raise not_convertible((recipe,), source)
    return route


def not_convertible(recipes: Sequence[Recipe], source: Format) -> UsageError:
    """Return the error that none of these recipes can be made from a parent of this format."""
    known = _ROUTES.get(source)
    return UsageError(
        f"{' or '.join(each.name for each in recipes)} cannot be made from a {source} file.",
        hint=f"From such a file: {', '.join(known)}."
        if known
        else "Exports start from a .keras file, a SavedModel, or a float .tflite or .onnx file.",
    )


def stages_of(parent: Parent, choices: Choices, calibration: Images) -> Stages:
    """Return the shared models of all recipes that are made from one parent.

    Nothing is converted before a recipe asks for it.

    Args:
        parent: The classifier to convert.
        choices: The options of the user.
        calibration: uint8[N,28,28] images for the recipes that are calibrated.
    """
    floating = functools.cache(lambda pixels: float_onnx.convert(parent, choices, pixels))
    return Stages(
        float_onnx=floating,
        int8_onnx=functools.cache(
            lambda: quantize(floating("float32"), calibration, choices.calibration_method)
        ),
        float_tflite=functools.cache(
            lambda: tflite_convert.convert(parent, Precision.FLOAT32, choices, calibration)
        ),
    )
