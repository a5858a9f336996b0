"""The float32 ONNX graph in each precision of ONNX and ORT files."""

from fmnist_edge.exporters.conversion import Conversion
from fmnist_edge.exporters.onnx.bytes import float_scores, integer_input
from fmnist_edge.exporters.onnx.float16 import halve
from fmnist_edge.exporters.onnx.graph import Model, parse
from fmnist_edge.exporters.onnx.int8 import quantize_dynamic


def float32(conversion: Conversion) -> Model:
    """Return the graph as it is."""
    return parse(conversion.stages.float_onnx(conversion.choices.pixels))


def float16(conversion: Conversion) -> Model:
    """Return the graph with float16 weights and arithmetic."""
    return halve(parse(conversion.stages.float_onnx("float32")), conversion.choices.pixels)


def int8(conversion: Conversion) -> Model:
    """Return the statically quantized graph; float32 pixels are quantized in it."""
    model = float_scores(parse(conversion.stages.int8_onnx()))
    return integer_input(model) if conversion.choices.pixels == "uint8" else model


def int8_dynamic(conversion: Conversion) -> Model:
    """Return the graph with int8 weights whose activations are quantized while it runs."""
    return parse(quantize_dynamic(conversion.stages.float_onnx(conversion.choices.pixels)))
