"""The recipes of ONNX and ORT files, whatever their float graph comes from."""

from collections.abc import Callable, Mapping
from typing import Final

from fmnist_edge import __version__
from fmnist_edge.artifact import Format, Precision
from fmnist_edge.exporters import metadata
from fmnist_edge.exporters.files import Files
from fmnist_edge.exporters.onnx import float16 as onnx_float16
from fmnist_edge.exporters.onnx import int8 as onnx_int8
from fmnist_edge.exporters.onnx.bytes import integer_input
from fmnist_edge.exporters.onnx.graph import Model, parse, set_batch
from fmnist_edge.exporters.onnx.tidy import tidy_quantized
from fmnist_edge.exporters.ort import file as ort_file
from fmnist_edge.exporters.parent import Parent
from fmnist_edge.exporters.tf_function import Pixels
from fmnist_edge.recipes import Choices, Recipe
from fmnist_edge.session import Images

__all__ = ["Floating", "make"]

# The float32 graph, for either kind of pixels: the bytes of a plain `.onnx` file.
Floating = Callable[[Pixels], bytes]
_Maker = Callable[[Floating, Choices, Images], Model]


def make(  # noqa: PLR0913, PLR0917 - an export's four arguments, and what differs between exporters
    floating: Floating,
    parent: Parent,
    recipe: Recipe,
    choices: Choices,
    calibration: Images,
    tools: tuple[str, ...],
) -> Files:
    """Make one file; its input `image` is uint8[N,28,28], its output `scores` float32[N,10].

    Args:
        floating: Gives the float32 graph.
        parent: What that was made from.
        recipe: What to make of it.
        choices: A batch of 1 leaves the axis open: ONNX Runtime is no slower for it.
        calibration: uint8[N,28,28].
        tools: The distributions that decide what comes out.

    Raises:
        ExportError: a tool fails, or the choices cannot be had.
        MissingDependencyError: a tool is not installed.
    """
    model = tidy_quantized(_MAKERS[recipe.precision](floating, choices, calibration))
    set_batch(model, None if choices.batch == 1 else choices.batch)
    known = metadata.known(parent, recipe, choices, metadata.RAW_PIXELS, tools)
    _describe(model, recipe, choices, known)
    return {recipe.format.suffix: _WRITERS[recipe.format](model)}


def _describe(model: Model, recipe: Recipe, choices: Choices, known: Mapping[str, str]) -> None:
    model.producer_name = "fmnist-edge"
    model.producer_version = __version__
    model.doc_string = (
        f"Fashion-MNIST classifier ({recipe.precision}): "
        f"28x28 pixels in, {choices.scores} of 10 classes out."
        if known
        else ""
    )
    del model.metadata_props[:]
    for name, fact in sorted(known.items()):
        model.metadata_props.add(key=name, value=fact)


def _float32(floating: Floating, choices: Choices, calibration: Images) -> Model:  # noqa: ARG001 - as its siblings
    return parse(floating("uint8"))


def _float16(floating: Floating, choices: Choices, calibration: Images) -> Model:  # noqa: ARG001 - as its siblings
    return onnx_float16.halve(parse(floating("float32")))


def _int8(floating: Floating, choices: Choices, calibration: Images) -> Model:
    payload = onnx_int8.quantize(floating("float32"), calibration, choices.calibration_method)
    return integer_input(parse(payload))


def _int8_dynamic(floating: Floating, choices: Choices, calibration: Images) -> Model:  # noqa: ARG001 - as its siblings
    return parse(onnx_int8.quantize_dynamic(floating("uint8")))


def _onnx(model: Model) -> bytes:
    payload: bytes = model.SerializeToString(deterministic=True)
    return payload


_MAKERS: Final[Mapping[Precision, _Maker]] = {
    Precision.FLOAT32: _float32,
    Precision.FLOAT16: _float16,
    Precision.INT8: _int8,
    Precision.INT8_DYNAMIC: _int8_dynamic,
}
_WRITERS: Final[Mapping[Format, Callable[[Model], bytes]]] = {
    Format.ONNX: _onnx,
    Format.ORT: ort_file.save,
}
