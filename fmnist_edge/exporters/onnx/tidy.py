"""ONNX graphs in a plain form that has the same bytes every time.

Converters and quantizers leave nodes that an optimizer would have to remove at each start of a
device: Constant and Identity nodes, a MatMul and an Add for each Gemm. They also leave unused
operator sets, and names with a counter of their process. Nothing here changes the results of the
graph.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from fmnist_edge.errors import ExportError
from fmnist_edge.exporters.onnx.graph import Model, copy_of, redirect, replace
from fmnist_edge.exporters.onnx.names import rename
from fmnist_edge.libraries.keras import EXTRA
from fmnist_edge.libraries.native_output import first_line
from fmnist_edge.optional import require

_KERNEL_RANK: Final = 2
_NO_EFFECT: Final = {"Identity", "Dropout"}


def tidy(model: Model) -> Model:
    """Return a float graph without superfluous nodes.

    Constants become initializers, Identity and Dropout are removed, and MatMul + Add becomes Gemm.
    Nodes and tensors get new names; the input is `image`, the output `scores`.

    Args:
        model: A model with one input, one output and no control flow. It is not changed.

    Raises:
        ExportError: The graph is not valid ONNX.
    """
    tidied = copy_of(model)
    _spell_out(tidied.graph)
    _lift_constants(tidied.graph)
    _drop_no_effect(tidied.graph)
    _fuse_products(tidied.graph, _ranks(tidied))
    return tidy_quantized(tidied)


def tidy_quantized(model: Model) -> Model:
    """Return a graph of any operators with new names, and without unused initializers.

    Raises:
        ExportError: The graph is not valid ONNX.
    """
    onnx = require("onnx", extra=EXTRA)
    tidied = copy_of(model)
    graph = tidied.graph
    used = {name for node in graph.node for name in node.input}
    replace(graph.initializer, [each for each in graph.initializer if each.name in used])
    del graph.value_info[:]
    _order(graph)
    rename(graph)
    domains = {node.domain for node in graph.node}
    replace(tidied.opset_import, [each for each in tidied.opset_import if each.domain in domains])
    tidied.ir_version = onnx.helper.find_min_ir_version_for(
        tidied.opset_import, ignore_unknown=True
    )
    _check(onnx, tidied)
    return tidied


def _check_operators(onnx: Any, model: Model) -> None:  # noqa: ANN401 - a module
    version = max(each.version for each in model.opset_import if not each.domain)
    unknown = {
        node.op_type
        for node in model.graph.node
        if not node.domain and not onnx.defs.has(node.op_type, version)
    }
    if unknown:
        raise ExportError(
            f"ONNX has no operator for TensorFlow's {', '.join(sorted(unknown))}.",
            hint="Export another format, or replace the layer that needs it.",
        )


def _check(onnx: Any, model: Model) -> None:  # noqa: ANN401 - a module
    _check_operators(onnx, model)
    try:
        onnx.checker.check_model(model, full_check=True)
        onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ExportError(
            f"The graph is not valid ONNX: {first_line(error)}.",
            hint="This is worth a bug report, with the model attached.",
        ) from error


def _order(graph: Model) -> None:
    """Move each node that depends on constants alone to just before its first reader."""
    constants = {each.name for each in graph.initializer}
    waiting = {node.output[0]: node for node in graph.node if constants.issuperset(node.input)}
    ordered = []
    for node in graph.node:
        if node.output[0] not in waiting:
            ordered += [waiting.pop(name) for name in dict.fromkeys(node.input) if name in waiting]
            ordered.append(node)
    replace(graph.node, ordered)


def _spell_out(graph: Model) -> None:
    """Replace TensorFlow's Erfc, a part of exact gelu, by ONNX's Erf: erfc(x) = 1 - erf(x)."""
    onnx = require("onnx", extra=EXTRA)
    made: list[Any] = []
    for node in graph.node:
        if node.op_type != "Erfc":
            made.append(node)
            continue
        one, value = f"{node.output[0]}_one", f"{node.output[0]}_erf"
        graph.initializer.append(onnx.numpy_helper.from_array(np.array(1, np.float32), one))
        made.append(onnx.helper.make_node("Erf", node.input, [value]))
        made.append(onnx.helper.make_node("Sub", [one, value], node.output))
    replace(graph.node, made)


def _lift_constants(graph: Model) -> None:
    kept = []
    for node in graph.node:
        tensors = [each.t for each in node.attribute if each.name == "value"]
        if node.op_type == "Constant" and tensors:
            graph.initializer.append(tensors[0])
            graph.initializer[-1].name = node.output[0]
        else:
            kept.append(node)
    replace(graph.node, kept)


def _drop_no_effect(graph: Model) -> None:
    outputs = {each.name for each in graph.output}
    kept: list[Any] = []
    renamed: dict[str, str] = {}
    for node in graph.node:
        for index, name in enumerate(node.input):
            node.input[index] = renamed.get(name, name)
        if node.op_type in _NO_EFFECT and node.output[0] not in outputs:
            renamed[node.output[0]] = node.input[0]
        elif node.op_type in _NO_EFFECT and (maker := _maker(kept, node.input[0])) is not None:
            redirect(kept, maker.output[0], node.output[0])
        else:
            kept.append(node)
    replace(graph.node, kept)


def _maker(nodes: Sequence[Any], name: str) -> Model | None:
    return next((node for node in nodes if list(node.output) == [name]), None)


def _ranks(model: Model) -> Mapping[str, int]:
    onnx = require("onnx", extra=EXTRA)
    graph = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    values = (*graph.value_info, *graph.input, *graph.output)
    known = {each.name: len(each.type.tensor_type.shape.dim) for each in values}
    return known | {each.name: len(each.dims) for each in graph.initializer}


def _fuse_products(graph: Model, ranks: Mapping[str, int]) -> None:
    """Replace each MatMul and the Add of a bias behind it by a Gemm."""
    sizes = {each.name: tuple(each.dims) for each in graph.initializer}
    kept: list[Any] = []
    for node in graph.node:
        product = _product_before(kept, node, ranks, sizes) if node.op_type == "Add" else None
        if product is None:
            kept.append(node)
            continue
        bias = next(name for name in node.input if name in sizes)
        product.op_type = "Gemm"
        product.input.append(bias)
        product.output[0] = node.output[0]
    replace(graph.node, kept)


def _product_before(
    nodes: Sequence[Any],
    add: Model,
    ranks: Mapping[str, int],
    sizes: Mapping[str, tuple[int, ...]],
) -> Model | None:
    values = [name for name in add.input if name not in sizes]
    biases = [sizes[name] for name in add.input if name in sizes]
    product = _maker(nodes, values[0]) if len(values) == len(biases) == 1 else None
    if product is None or product.op_type != "MatMul" or product.input[1] not in sizes:
        return None
    kernel = sizes[product.input[1]]
    plain = len(kernel) == ranks.get(product.input[0]) == _KERNEL_RANK
    return product if plain and biases[0] == kernel[1:] else None
