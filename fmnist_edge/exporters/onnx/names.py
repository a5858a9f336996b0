"""Names for an ONNX graph that say what a thing is, and never which process made it."""

from collections import Counter
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Final

__all__ = ["IMAGE", "SCORES", "rename"]

IMAGE: Final = "image"
SCORES: Final = "scores"
_QUANTIZER: Final = {0: "values", 1: "scale", 2: "zero_point"}
# What an operator's n-th input is, where that is a constant.
_ROLES: Final[Mapping[str, Mapping[int, str]]] = {
    "Gemm": {1: "kernel", 2: "bias"},
    "MatMul": {1: "kernel"},
    "MatMulInteger": {1: "kernel", 3: "kernel_zero_point"},
    "Conv": {1: "kernel", 2: "bias"},
    "Add": {0: "bias", 1: "bias"},
    "Mul": {0: "scale", 1: "scale"},
    "Reshape": {1: "shape"},
    "QuantizeLinear": _QUANTIZER,
    "DequantizeLinear": _QUANTIZER,
}


def rename(graph: Any) -> None:  # noqa: ANN401 - an onnx.GraphProto
    """Name everything after its operator and its place, and sort the initializers.

    The second Gemm and its output are `gemm_1`, its constants `gemm_1.kernel` and `gemm_1.bias`; a
    kernel that is dequantized first is made of `gemm_1.kernel.values` and `gemm_1.kernel.scale`.

    Args:
        graph: One input, one output, nodes in the order of their computation.
    """
    graph.name = "fashion_mnist"
    graph.doc_string = ""  # tf2onnx counts in it what the process has traced
    names = _new_names(graph)
    for node in graph.node:
        for side in (node.input, node.output):
            for index, name in enumerate(side):
                side[index] = names.get(name, name)
    for value in (*graph.input, *graph.output, *graph.initializer):
        value.name = names[value.name]
    graph.initializer.sort(key=lambda each: each.name)


def _new_names(graph: Any) -> Mapping[str, str]:  # noqa: ANN401 - an onnx.GraphProto
    """By the old name of each tensor; nodes are renamed on the way."""
    constants = {each.name for each in graph.initializer}
    names = {graph.input[0].name: IMAGE, graph.output[0].name: SCORES}
    seen: Counter[str] = Counter()
    # What is made of constants alone is named after what reads it.
    weights = [node for node in graph.node if constants.issuperset(node.input)]
    others = [node for node in graph.node if node not in weights]
    for node in others:
        kind = node.op_type.lower()
        node.name = f"{kind}_{seen[kind]}"
        seen[kind] += 1
        for index, name in enumerate(node.output):
            names.setdefault(name, node.name if index == 0 else f"{node.name}.{index}")
        _name_inputs(node, constants | {each.output[0] for each in weights}, names)
    for node in weights:
        node.name = names[node.output[0]]
        _name_inputs(node, constants, names)
    return names


def _name_inputs(node: Any, constants: AbstractSet[str], names: dict[str, str]) -> None:  # noqa: ANN401 - an onnx.NodeProto
    node.doc_string = ""
    roles = _ROLES.get(node.op_type, {})
    for index, name in enumerate(node.input):
        if name in constants:
            names.setdefault(name, f"{node.name}.{roles.get(index, f'input_{index}')}")
