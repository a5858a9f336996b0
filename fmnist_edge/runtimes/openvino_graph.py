"""What OpenVINO tells of a model it has read, and of what it made of it."""

from typing import Any, Final

import numpy as np

from fmnist_edge.artifact import Quantization, TensorSpec

_DTYPES: Final = {
    **{f"f{bits}": f"float{bits}" for bits in (16, 32, 64)},
    **{f"i{bits}": f"int{bits}" for bits in (8, 16, 32, 64)},
    **{f"u{bits}": f"uint{bits}" for bits in (8, 16, 32, 64)},
}
# Layers that do the arithmetic of a network, in the names of the CPU plugin.
_ARITHMETIC: Final = frozenset({"Convolution", "Deconvolution", "FullyConnected", "MatMul"})


def spec_of(port: Any, quantization: Quantization | None) -> TensorSpec:  # noqa: ANN401 - untyped
    """An input or output as the model declares it; an unknown rank is no axis at all."""
    partial = port.get_partial_shape()
    axes = partial if partial.rank.is_static else ()
    kind = port.get_element_type().get_type_name()
    return TensorSpec(
        port.get_any_name() if port.get_names() else port.get_node().get_friendly_name(),
        tuple(axis.get_length() if axis.is_static else None for axis in axes),
        _DTYPES.get(kind, kind),
        quantization,
    )


def kernels_of(compiled: Any) -> str:  # noqa: ANN401 - untyped
    """The kernels that do the arithmetic, with the type they compute in: "jit_gemm_I8".

    Empty where the plugin does not tell.
    """
    described = [node.get_rt_info() for node in compiled.get_runtime_model().get_ordered_ops()]
    kernels = {
        str(each["primitiveType"].astype(str))
        for each in described
        if "primitiveType" in each and each["layerType"].astype(str) in _ARITHMETIC
    }
    return ", ".join(sorted(kernels))


def dequantization(port: Any) -> Quantization | None:  # noqa: ANN401 - untyped
    """What the graph does to an int8 input first: Convert, Subtract the zero point, Multiply.

    A format that has no word for the quantization of an input tells it by these operators. A file
    that takes raw bytes as floats starts the same way and ends with another operator.
    """
    if port.get_element_type().get_type_name() != "i8":
        return None
    node, constants = port.get_node(), {}
    for kind in ("Convert", "Subtract", "Multiply"):
        following = [each.get_node() for each in node.output(0).get_target_inputs()]
        if len(following) == 1 and following[0].get_type_name() == kind:
            node = following[0]
            if kind != "Convert":
                constants[kind] = _number(node.input_value(1).get_node())
    scale = constants.get("Multiply")
    if scale is None or not scale > 0:
        return None
    return Quantization(scale, round(constants.get("Subtract") or 0))


def _number(node: Any) -> float | None:  # noqa: ANN401 - untyped
    """The one value of a constant, which may be stored in a narrower type."""
    if node.get_type_name() == "Convert":
        node = node.input_value(0).get_node()
    if node.get_type_name() != "Constant":
        return None
    values = np.unique(node.data)
    return float(values[0]) if values.size == 1 else None
