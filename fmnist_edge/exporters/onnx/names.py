"""Names of nodes and tensors in an ONNX graph that are the same in every process."""

from collections import Counter
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Final

IMAGE: Final = "image"
SCORES: Final = "scores"
_QUANTIZER: Final = {0: "values", 1: "scale", 2: "zero_point"}
# The role of an operator's n-th input, where that is a constant.
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
    """Name nodes and tensors after operator and position, and sort the initializers.

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
    """Rename the nodes, and return the new name of each tensor by its old one."""
    constants = {each.name for each in graph.initializer}
    names = {graph.input[0].name: IMAGE, graph.output[0].name: SCORES}
    seen: Counter[str] = Counter()
    # A tensor that is computed from constants alone is named after the node that reads it.
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
