"""An ONNX file as a row of files that end one layer later, and what each layer is to compute."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.divergence.cuts import Cut, CutFile, UnreadableLayersError
from fmnist_edge.divergence.stages import Grid, Real, Stage, half_floor
from fmnist_edge.exporters.onnx.graph import LAYOUT, Model, copy_of, parse, readers_of
from fmnist_edge.libraries.keras import EXTRA
from fmnist_edge.optional import require
from fmnist_edge.session import WHITE

_DENSE: Final = frozenset({"Gemm", "MatMul", "MatMulInteger"})
_POOL: Final = "AveragePool"
_POOLING: Final = "average pool"
_SOFTMAX: Final = "Softmax"
_DEQUANTIZE: Final = "DequantizeLinear"
# Operators that belong to the layer of the product before them.
_REST: Final = frozenset({"Add", "Cast", "Mul", "Relu", "QuantizeLinear", _DEQUANTIZE})
_UINT8: Final = 2  # onnx.TensorProto.UINT8


@dataclass(frozen=True, eq=False)
class _Constant:
    """The real values of a constant, and the step of each last index: 0 of real numbers."""

    values: Real
    steps: Real


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
            cuts.append(Cut(_POOLING, self._until(pool), None, None, factor))
        for number, node in enumerate(products, 1):
            stage, end = self._stage(node, f"dense {number}", factor if number == 1 else 1.0)
            cuts.append(Cut(stage.name, self._until(end), stage, stage.grid))
        softmax = any(node.op_type == _SOFTMAX for node in self.graph.node)
        return CutFile(tuple(cuts), None if pool else input_grid, None, softmax)

    def _before(self, product: Model) -> tuple[float, Grid | None, str | None]:
        """Return what pixels of 0..1 are multiplied by, their grid, and the tensor of a pool."""
        source = self.graph.input[0]
        is_bytes = source.type.tensor_type.elem_type == _UINT8
        factor, grid, pool = WHITE if is_bytes else 1.0, None, None
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
                return factor, grid, pool
            elif node.op_type == _POOL:
                pool = node.output[0]
            elif node.op_type not in LAYOUT | {"Cast"}:
                raise UnreadableLayersError(f"{node.op_type} stands before the first layer")
            name = node.output[0]
        return factor, grid, pool

    def _grid(self, node: Model) -> Grid:
        scale, zero = (self.constants[name] for name in node.input[1:3])
        limits = np.iinfo(zero.dtype)
        return Grid(float(scale), int(zero), int(limits.min), int(limits.max))

    def _stage(self, node: Model, name: str, factor: float) -> tuple[Stage, str]:
        """Return what a layer computes, and the tensor that it ends with."""
        kernel = self._constant(node.input[1])
        values, steps = kernel.values, kernel.steps
        if node.op_type == "MatMulInteger" and len(node.input) > 3:  # noqa: PLR2004 - zero points
            values = values - self.constants[node.input[3]]
        if _attribute(node, "transB"):
            values = values.T
        has_bias = node.op_type == "Gemm" and len(node.input) > 2  # noqa: PLR2004 - the bias
        bias = self._constant(node.input[2]) if has_bias else None
        relu, grid, end = False, None, node.output[0]
        while len(readers := readers_of(self.graph, end)) == 1:
            [reader] = readers
            if reader.op_type not in _REST:
                break
            relu = relu or reader.op_type == "Relu"
            others = [each for each in reader.input if each in self.constants]
            if reader.op_type == "Add":
                bias = self._constant(others[0])
            elif reader.op_type == _DEQUANTIZE:
                grid = self._grid(reader)
            elif reader.op_type == "Mul" and node.op_type == "MatMulInteger":
                scale = self._dynamic_scale(reader)
                values, steps = values * scale, steps * scale
            end = reader.output[0]
        units = values.shape[1]
        bias = bias or _Constant(np.zeros(units), np.zeros(units))
        return Stage(
            name=name,
            kernel=np.ascontiguousarray(values) * factor,
            bias=bias.values,
            relu=relu,
            kernel_step=np.broadcast_to(steps * factor, units).copy(),
            bias_step=np.broadcast_to(bias.steps, units).copy(),
            half_floor=0.0 if kernel.steps.any() else half_floor(kernel.values, factor),
            grid=grid,
            factor=factor,
            dynamic=node.op_type == "MatMulInteger",
        ), end

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


def _attribute(node: Model, name: str) -> int:
    return next((int(each.i) for each in node.attribute if each.name == name), 0)
