"""A TFLite file as a row of files that end one layer later, and what each layer is to compute.

A file that ends at a layer runs on the same runtime with the same kernels as the whole file, which
keeps the tensors between its layers to itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.divergence.cuts import Cut, CutFile, UnreadableLayersError, check_squares
from fmnist_edge.divergence.stages import Grid, Real, Stage, half_floor
from fmnist_edge.exporters.tflite.file import pack, schema, unpack
from fmnist_edge.session import WHITE

_DENSE: Final = "FULLY_CONNECTED"
_POOL: Final = "AVERAGE_POOL_2D"
_POOLING: Final = "average pool"
_SOFTMAX: Final = "SOFTMAX"
_QUANTIZE: Final = "QUANTIZE"
# They compute nothing, or nothing that a difference could come from.
_PLAIN: Final = frozenset({"CAST", "RESHAPE", "DEQUANTIZE", "QUANTIZE", _SOFTMAX})
_TYPES: Final[Mapping[str, np.dtype[Any]]] = {
    "FLOAT32": np.dtype(np.float32),
    "FLOAT16": np.dtype(np.float16),
    "INT8": np.dtype(np.int8),
    "INT16": np.dtype(np.int16),
    "INT32": np.dtype(np.int32),
    "INT64": np.dtype(np.int64),
}
_NIBBLES: Final = "INT4"
_HIGHEST: Final = {"INT4": 7, "INT8": 127}


@dataclass(frozen=True, eq=False)
class _Constant:
    """The real values of a constant, and how they are stored.

    Args:
        values: float64 of the constant's shape.
        steps: Quantization steps along the first axis; 0 of real numbers.
        ends: Where the stored value is the largest or the smallest that quantizers use.
    """

    values: Real
    steps: Real
    ends: NDArray[np.bool_] | None = None


def cut(payload: bytes) -> CutFile:
    """Return the layers of a TFLite file.

    Raises:
        MissingDependencyError: LiteRT is not installed.
        UnreadableLayersError: The file is no chain of dense layers.
    """
    try:
        return _Reader(payload).read()
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise UnreadableLayersError(str(error)) from error


class _Reader:
    def __init__(self, payload: bytes) -> None:
        self.payload: Final = payload
        self.model: Final = unpack(payload)
        self.graph: Final = self.model.subgraphs[0]
        self.names: Final = _names(schema().BuiltinOperator)
        self.types: Final = _names(schema().TensorType)
        self.operators: Final = [(self._kind(each), each) for each in self.graph.operators]

    def read(self) -> CutFile:
        kinds = [kind for kind, _ in self.operators]
        if _DENSE not in kinds or not set(kinds) <= _PLAIN | {_DENSE, _POOL}:
            raise UnreadableLayersError("it has other operators than those of dense layers")
        self._check_order(kinds)
        first = self.operators[kinds.index(_DENSE)][1]
        divisor = WHITE if self._takes_bytes() else 1.0
        cuts, pooled = [], [operator for kind, operator in self.operators if kind == _POOL]
        for kind, operator in self.operators:
            target = int(operator.outputs[0])
            if kind == _POOL:
                pool = operator.builtinOptions
                check_squares((pool.filterHeight, pool.filterWidth), (pool.strideH, pool.strideW))
                cuts.append(Cut(_POOLING, self._until(target), None, self._grid(target), divisor))
            if kind == _DENSE:
                factor = divisor if operator is first else 1.0
                stage = self._stage(operator, f"dense {len(cuts) + 1 - len(pooled)}", factor)
                cuts.append(Cut(stage.name, self._until(target), stage, stage.grid))
        softmax = [operator for kind, operator in self.operators if kind == _SOFTMAX]
        return CutFile(
            tuple(cuts),
            self._grid(int(pooled[0].inputs[0] if pooled else first.inputs[0])),
            self._grid(int(softmax[0].outputs[0])) if softmax else None,
            bool(softmax),
        )

    def _check_order(self, kinds: Sequence[str]) -> None:
        """Check that nothing between the dense layers changes what one gives to the next.

        Raises:
            UnreadableLayersError: Something does.
        """
        first = kinds.index(_DENSE)
        last = len(kinds) - 1 - kinds[::-1].index(_DENSE)
        wrong = {_POOL, _SOFTMAX, _QUANTIZE, "CAST"} & set(kinds[first:last])
        if wrong or _POOL in kinds[last:] or _SOFTMAX in kinds[:first]:
            raise UnreadableLayersError("other operators stand between its dense layers")

    def _kind(self, operator: Any) -> str:  # noqa: ANN401 - generated code
        code = self.model.operatorCodes[operator.opcodeIndex]
        return self.names[max(code.builtinCode, code.deprecatedBuiltinCode)]

    def _takes_bytes(self) -> bool:
        source = self.graph.tensors[int(self.graph.inputs[0])]
        return self.types[source.type] == "UINT8" and self._grid(int(self.graph.inputs[0])) is None

    def _until(self, target: int) -> bytes:
        """Return the file whose output is this tensor."""
        model = unpack(self.payload)
        graph = model.subgraphs[0]
        made = [int(each.outputs[0]) for each in graph.operators].index(target)
        graph.operators = graph.operators[: made + 1]
        graph.outputs = np.array([target], np.int32)
        model.signatureDefs = None
        return pack(model)

    def _grid(self, index: int) -> Grid | None:
        tensor = self.graph.tensors[index]
        kind = self.types[tensor.type]
        scales = None if tensor.quantization is None else tensor.quantization.scale
        if kind not in {"INT8", "INT16", "UINT8"} or scales is None or len(scales) != 1:
            return None
        limits = np.iinfo(kind.lower())
        zero = tensor.quantization.zeroPoint
        zero_point = 0 if zero is None else int(zero[0])
        return Grid(float(scales[0]), zero_point, int(limits.min), int(limits.max))

    def _stage(self, operator: Any, name: str, factor: float) -> Stage:  # noqa: ANN401 - generated code
        kernel = self._constant(int(operator.inputs[1]))
        units = len(kernel.values)
        bias = _Constant(np.zeros(units), np.zeros(units))
        if len(operator.inputs) > 2 and operator.inputs[2] >= 0:  # noqa: PLR2004 - the bias
            bias = self._constant(int(operator.inputs[2]))
        source = self.graph.tensors[int(operator.inputs[0])]
        is_float = self.types[source.type] == "FLOAT32"
        activation = _names(schema().ActivationFunctionType)[
            operator.builtinOptions.fusedActivationFunction
        ]
        if activation not in {"NONE", "RELU"}:
            raise UnreadableLayersError(f"a layer has the activation {activation}")
        return Stage(
            name=name,
            kernel=np.ascontiguousarray(kernel.values.T) * factor,
            bias=bias.values,
            relu=activation == "RELU",
            kernel_step=kernel.steps * factor,
            bias_step=bias.steps,
            half_floor=0.0 if kernel.steps.any() else half_floor(kernel.values, factor),
            kernel_end=None if kernel.ends is None else np.ascontiguousarray(kernel.ends.T),
            grid=self._grid(int(operator.outputs[0])),
            factor=factor,
            dynamic=is_float and bool(kernel.steps.any()),
        )

    def _constant(self, index: int) -> _Constant:
        """Return a constant, or the constant that an operator dequantizes to this tensor."""
        tensor = self.graph.tensors[index]
        data = self.model.buffers[tensor.buffer].data
        if data is None:
            [maker] = [each for each in self.graph.operators if index in each.outputs]
            if self._kind(maker) != "DEQUANTIZE":
                raise UnreadableLayersError("its weights are computed")
            return self._constant(int(maker.inputs[0]))
        kind = self.types[tensor.type]
        stored = _stored(data, kind).reshape(tensor.shape)
        scales = None if tensor.quantization is None else tensor.quantization.scale
        if scales is None or stored.dtype.kind == "f":
            real = stored.astype(np.float64)
            return _Constant(real, np.zeros(len(real)))
        zeros = tensor.quantization.zeroPoint
        steps = np.broadcast_to(np.asarray(scales, np.float64), len(stored)).copy()
        shift = np.broadcast_to(np.asarray(0 if zeros is None else zeros), len(stored))
        axes = (len(stored), *[1] * (stored.ndim - 1))
        real = (stored.astype(np.float64) - shift.reshape(axes)) * steps.reshape(axes)
        high = _HIGHEST.get(kind)
        ends = None if high is None else np.abs(stored.astype(np.int64)) >= high
        return _Constant(real, steps, ends)


def _stored(data: Any, kind: str) -> NDArray[Any]:  # noqa: ANN401 - uint8[N]
    bytes_ = np.asarray(data, np.uint8)
    if kind != _NIBBLES:
        numbers: NDArray[Any] = bytes_.view(_TYPES[kind])
        return numbers
    # Two numbers of four bits in each byte, the first one in the lower half.
    halves = np.stack([bytes_ & 0xF, bytes_ >> 4], axis=1).reshape(-1).astype(np.int8)
    return np.where(halves > 7, halves - 16, halves)  # noqa: PLR2004 - the sign bit


def _names(table: Any) -> dict[int, str]:  # noqa: ANN401 - generated code
    return {value: name for name, value in vars(table).items() if isinstance(value, int)}
