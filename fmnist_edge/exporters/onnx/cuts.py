"""An ONNX file as a row of files that end one layer later, and what each layer is to compute."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.divergence.cuts import Cut, CutFile, UnreadableLayersError, check_squares
from fmnist_edge.divergence.stages import Grid, Real, Stage, half_floor
from fmnist_edge.exporters.onnx.graph import LAYOUT, Model, copy_of, parse, readers_of
from fmnist_edge.libraries.keras import EXTRA
from fmnist_edge.optional import require
from fmnist_edge.records import replace
from fmnist_edge.session import WHITE

_DENSE: Final = frozenset({"Gemm", "MatMul", "MatMulInteger"})
_POOL: Final = "AveragePool"
_POOLING: Final = "average pool"
_SOFTMAX: Final = "Softmax"
_DEQUANTIZE: Final = "DequantizeLinear"
# Operators that belong to the layer of the product before them.
_REST: Final = frozenset({"Add", "Cast", "Mul", "Relu", "QuantizeLinear", _DEQUANTIZE})
_BEFORE_RELU: Final = frozenset({"Add", "Mul", "Relu"})
_BETWEEN: Final = frozenset({"Cast", "DynamicQuantizeLinear"})
_QUANTIZING: Final = frozenset({"QuantizeLinear", _DEQUANTIZE})
_AFTER: Final = frozenset({"Cast", _SOFTMAX})
_FACTORS: Final = frozenset({"alpha", "beta"})  # of a Gemm
_CHANNELS_MOVED: Final = ([0, 3, 1, 2], [0, 2, 3, 1])
_UINT8: Final = 2  # onnx.TensorProto.UINT8


@dataclass(frozen=True, eq=False)
class _Constant:
    """The real values of a constant, and the step of each last index: 0 of real numbers."""

    values: Real
    steps: Real


@dataclass(frozen=True, eq=False)
class _Tail:
    """What follows the product of a layer.

    Args:
        bias: What is added; None for nothing.
        end: The tensor that the layer ends with.
        relu: Whether there is a relu.
        grid: What the end can hold; None for real numbers.
        scale: What the product is multiplied by, without the scale of the inputs.
    """

    bias: _Constant | None
    end: str
    relu: bool = False
    grid: Grid | None = None
    scale: float = 1.0


def cut(payload: bytes) -> CutFile:
    """Return the layers of an ONNX file.

    Raises:
        MissingDependencyError: onnx is not installed.
        UnreadableLayersError: The file is no chain of dense layers.
    """
    try:
        return _Reader(parse(payload)).read()
    except (AttributeError, IndexError, KeyError, StopIteration, TypeError, ValueError) as error:
        raise UnreadableLayersError(str(error)) from error


class _Reader:
    def __init__(self, model: Model) -> None:
        self.model: Final = model
        self.graph: Final = model.graph
        helper = require("onnx.numpy_helper", extra=EXTRA)
        self.constants: Final[dict[str, NDArray[Any]]] = {
            each.name: helper.to_array(each) for each in self.graph.initializer
        }
        self.makers: Final = {name: node for node in self.graph.node for name in node.output}

    def read(self) -> CutFile:
        products = [node for node in self.graph.node if node.op_type in _DENSE]
        if not products:
            raise UnreadableLayersError("it has no dense layer")
        factor, input_grid, pool = self._before(products[0])
        cuts = []
        if pool is not None:
            end, grid = self._pool_end(pool, products[0])
            cuts.append(Cut(_POOLING, self._until(end), None, grid, factor))
        end = ""
        for number, node in enumerate(products, 1):
            if number > 1:
                self._follow(end, node.input, LAYOUT | _BETWEEN)
            stage, end = self._stage(node, f"dense {number}", factor if number == 1 else 1.0)
            cuts.append(Cut(stage.name, self._until(end), stage, stage.grid))
        rest = self._follow(end, [each.name for each in self.graph.output], LAYOUT | _AFTER)
        softmax = any(node.op_type == _SOFTMAX for node in rest)
        return CutFile(tuple(cuts), input_grid, None, softmax)

    def _follow(self, name: str, ends: Sequence[str], plain: AbstractSet[str]) -> Sequence[Model]:
        """Return the nodes from a tensor to one of those that end the way.

        Raises:
            UnreadableLayersError: Another operator than those is on the way, or it forks.
        """
        passed = []
        while name not in ends:
            [node] = readers_of(self.graph, name)
            if node.op_type not in plain or _turns(node):
                raise UnreadableLayersError(f"{node.op_type} stands between two layers")
            passed.append(node)
            name = node.output[0]
        return passed

    def _before(self, product: Model) -> tuple[float, Grid | None, str | None]:
        """Return what pixels of 0..1 are multiplied by, their grid, and the tensor of a pool."""
        source = self.graph.input[0]
        is_bytes = source.type.tensor_type.elem_type == _UINT8
        factor, grid = WHITE if is_bytes else 1.0, None
        name = source.name
        while name not in product.input:
            [node] = readers_of(self.graph, name)
            if node.op_type == "Mul":
                [scale] = [self.constants[each] for each in node.input if each in self.constants]
                factor *= float(scale)
            elif node.op_type == _DEQUANTIZE:
                grid = self._grid(node)
                factor *= grid.scale
            elif node.op_type == "DynamicQuantizeLinear":
                break
            elif node.op_type == _POOL:
                check_squares(*(_numbers(node, each) for each in ("kernel_shape", "strides")))
                if any(_numbers(node, "pads")):
                    raise UnreadableLayersError("a pool is padded")
                return factor, grid, node.output[0]
            elif node.op_type not in LAYOUT | {"Cast"} or _turns(node):
                raise UnreadableLayersError(f"{node.op_type} stands before the first layer")
            name = node.output[0]
        return factor, grid, None

    def _pool_end(self, name: str, product: Model) -> tuple[str, Grid | None]:
        """Return the tensor that a pool ends with, and what it can hold."""
        grid = None
        for node in self._follow(name, product.input, LAYOUT | _BETWEEN | _QUANTIZING):
            if node.op_type == _DEQUANTIZE:
                name, grid = node.output[0], self._grid(node)
        return name, grid

    def _grid(self, node: Model) -> Grid:
        scale, zero = (self.constants[name] for name in node.input[1:3])
        limits = np.iinfo(zero.dtype)
        return Grid(float(scale), int(zero), int(limits.min), int(limits.max))

    def _stage(self, node: Model, name: str, factor: float) -> tuple[Stage, str]:
        """Return what a layer computes, and the tensor that it ends with."""
        _check_product(node)
        kernel = self._constant(node.input[1])
        values = kernel.values
        if node.op_type == "MatMulInteger" and len(node.input) > 3:  # noqa: PLR2004 - zero points
            values = values - self.constants[node.input[3]]
        if _attribute(node, "transB"):
            values = values.T
        tail = self._tail(node)
        units = values.shape[1]
        bias = tail.bias or _Constant(np.zeros(units), np.zeros(units))
        return Stage(
            name=name,
            kernel=np.ascontiguousarray(values) * (tail.scale * factor),
            bias=bias.values,
            relu=tail.relu,
            kernel_step=np.broadcast_to(kernel.steps * (tail.scale * factor), units).copy(),
            bias_step=np.broadcast_to(bias.steps, units).copy(),
            half_floor=0.0 if kernel.steps.any() else half_floor(kernel.values, factor),
            grid=tail.grid,
            factor=factor,
            dynamic=node.op_type == "MatMulInteger",
        ), tail.end

    def _tail(self, node: Model) -> _Tail:
        """Return what follows a product up to the end of its layer.

        Raises:
            UnreadableLayersError: It is more than a bias, a relu and a change of the type.
        """
        has_bias = node.op_type == "Gemm" and len(node.input) > 2  # noqa: PLR2004 - the bias
        tail = _Tail(self._constant(node.input[2]) if has_bias else None, node.output[0])
        while len(readers := readers_of(self.graph, tail.end)) == 1:
            [reader] = readers
            if reader.op_type not in _REST:
                break
            tail = replace(self._with(tail, reader, node), end=reader.output[0])
        return tail

    def _with(self, tail: _Tail, reader: Model, product: Model) -> _Tail:
        """Return what follows a product, with one operator more."""
        kind = reader.op_type
        if tail.relu and kind in _BEFORE_RELU:
            raise UnreadableLayersError(f"{kind} stands behind a relu")
        if kind == "Relu":
            return replace(tail, relu=True)
        if kind == _DEQUANTIZE:
            return replace(tail, grid=self._grid(reader))
        if kind == "Add" and tail.bias is None:
            [bias] = [each for each in reader.input if each in self.constants]
            return replace(tail, bias=self._constant(bias))
        if kind == "Mul" and product.op_type == "MatMulInteger":
            return replace(tail, scale=tail.scale * self._dynamic_scale(reader))
        if kind in {"Add", "Mul"}:
            raise UnreadableLayersError(f"a layer has an operator {kind} more than a bias")
        return tail

    def _dynamic_scale(self, node: Model) -> float:
        """Return the scale of the weights, which a product with that of the inputs holds."""
        [other] = [each for each in node.input if self.makers[each].op_type == "Mul"]
        [scale] = [
            self.constants[each] for each in self.makers[other].input if each in self.constants
        ]
        return float(scale)

    def _constant(self, name: str) -> _Constant:
        if name in self.constants:
            stored = self.constants[name]
            integer = stored.dtype.kind in "iu"
            return _Constant(stored.astype(np.float64), np.full(1, float(integer)))
        maker = self.makers[name]
        if maker.op_type == "Cast":
            return self._constant(maker.input[0])
        if maker.op_type != _DEQUANTIZE:
            raise UnreadableLayersError(f"{maker.op_type} makes its weights")
        stored, scale, *zero = (self.constants[each] for each in maker.input)
        shift = zero[0].astype(np.float64) if zero else np.zeros(1)
        real = (stored.astype(np.float64) - shift) * scale.astype(np.float64)
        return _Constant(real, np.atleast_1d(scale.astype(np.float64)))

    def _until(self, end: str) -> bytes:
        """Return the file whose output is this tensor."""
        model = copy_of(self.model)
        graph = model.graph
        del graph.output[:]
        graph.output.add(name=end)
        needed, kept = {end}, []
        for node in reversed(graph.node):
            if needed & set(node.output):
                needed |= set(node.input)
                kept.append(copy_of(node))
        del graph.node[:]
        graph.node.extend(reversed(kept))
        initializers = [copy_of(each) for each in graph.initializer if each.name in needed]
        del graph.initializer[:]
        graph.initializer.extend(initializers)
        inferred = require("onnx.shape_inference", extra=EXTRA).infer_shapes(model)
        for value in inferred.graph.value_info:
            if value.name == end:
                graph.output[0].CopyFrom(value)
        for value in inferred.graph.output:
            if value.name == end and value.type.tensor_type.elem_type:
                graph.output[0].CopyFrom(value)
        payload: bytes = model.SerializeToString()
        return payload


def _check_product(node: Model) -> None:
    """Check that a product is that of inputs and weights, and nothing more.

    Raises:
        UnreadableLayersError: It is multiplied by a number, or its inputs are transposed.
    """
    if any(each.name in _FACTORS and each.f != 1 for each in node.attribute):
        raise UnreadableLayersError("a product is multiplied by a number")
    if _attribute(node, "transA"):
        raise UnreadableLayersError("a product takes its inputs transposed")


def _turns(node: Model) -> bool:
    """Return whether a node changes the order of pixels: all but moving the axis of channels."""
    return node.op_type == "Transpose" and _numbers(node, "perm") not in _CHANNELS_MOVED


def _numbers(node: Model, name: str) -> list[int]:
    return [int(number) for each in node.attribute if each.name == name for number in each.ints]


def _attribute(node: Model, name: str) -> int:
    return next((int(each.i) for each in node.attribute if each.name == name), 0)
