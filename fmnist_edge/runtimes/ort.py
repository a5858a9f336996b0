"""ONNX Runtime: `.onnx` and `.ort` files, on its CPU execution provider."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.artifact import Artifact, Format, TensorSpec
from fmnist_edge.devices import CPU_ONLY
from fmnist_edge.errors import ModelUnreadableError, ModelUnsupportedError
from fmnist_edge.libraries import onnxruntime as onnxruntime_library
from fmnist_edge.libraries.native_output import first_line
from fmnist_edge.libraries.onnxruntime import CPU, ONLY_ERRORS, failures, onnxruntime
from fmnist_edge.session import (
    DefaultUse,
    PlainSession,
    SessionOptions,
    check_batch,
    check_device,
    single_pair,
)

FORMATS = frozenset({Format.ONNX, Format.ORT})
PACKAGE = onnxruntime_library.PACKAGE
EXTRA = onnxruntime_library.EXTRA
DEVICES = CPU_ONLY
READS_MODEL = True
DEFAULT_USE = DefaultUse.ALWAYS

_MEMORY: Final = "cpu"  # the memory of the arrays
_DTYPES: Final = {
    **{f"tensor({name})": name for name in ("float16", "int8", "int16", "int32", "int64")},
    **{f"tensor({name})": name for name in ("uint8", "uint16", "uint32", "uint64")},
    "tensor(float)": "float32",
    "tensor(double)": "float64",
}

Call = Callable[[NDArray[Any]], NDArray[Any]]


def load_library() -> str:
    """Import ONNX Runtime and return its version."""
    return str(onnxruntime().__version__)


class _Session(PlainSession):
    def __init__(self, path: Path, opened: Any, options: SessionOptions) -> None:  # noqa: ANN401 - untyped
        source, target = _spec(opened.get_inputs()[0]), _spec(opened.get_outputs()[0])
        super().__init__(source, target, options.batch)
        self.used: Mapping[str, str] = {
            "threads": str(opened.get_session_options().intra_op_num_threads),
            "provider": ", ".join(opened.get_providers()),
        }
        self._path: Final = path
        self._errors: Final = failures()
        self._opened: Final = opened
        self._plain: Final = _plain(opened, self.input, self.output)
        self._call: Call = self._first

    def run(self, tensor: NDArray[Any], /) -> NDArray[Any]:
        try:
            return self._call(tensor)
        except self._errors as error:
            raise ModelUnsupportedError(
                f"ONNX Runtime cannot run {self._path} on {self.batch} images: {_reason(error)}.",
                hint="Its graph may be made for another number of images; try --batch 1.",
            ) from error

    def _first(self, tensor: NDArray[Any]) -> NDArray[Any]:
        """Make the first call, which shows whether the output has the declared shape."""
        answer = self._plain(tensor)
        is_as_declared = answer.shape == _sized(self.output, self.batch)
        self._call = (
            _bound(self._opened, self.input, self.output, self.batch)
            if is_as_declared
            else self._plain
        )
        return answer


def _plain(opened: Any, source: TensorSpec, target: TensorSpec) -> Call:  # noqa: ANN401 - untyped
    """Return a function that passes an array to each call and returns a new one of any size."""
    infer, names = opened.run, [target.name]

    def call(tensor: NDArray[Any]) -> NDArray[Any]:
        answer: NDArray[Any] = infer(names, {source.name: tensor})[0]
        return answer

    return call


def _sized(spec: TensorSpec, batch: int) -> tuple[int, ...]:
    """Return a declared shape; the batch replaces an open first axis, 0 another open one."""
    return tuple(size or (0 if axis else batch) for axis, size in enumerate(spec.shape))


def _bound(opened: Any, source: TensorSpec, target: TensorSpec, batch: int) -> Call:  # noqa: ANN401 - untyped
    """Return a function that reads and writes two arrays which are bound once.

    Passing an array to each call and receiving a new one takes microseconds in Python.
    """
    given = np.zeros(_sized(source, batch), source.dtype)
    answer = np.zeros(_sized(target, batch), target.dtype)
    binding = opened.io_binding()
    for bind, name, array in (
        (binding.bind_input, source.name, given),
        (binding.bind_output, target.name, answer),
    ):
        bind(name, _MEMORY, 0, array.dtype, array.shape, array.ctypes.data)
    infer = opened.run_with_iobinding

    def call(tensor: NDArray[Any]) -> NDArray[Any]:
        np.copyto(given, tensor, casting="no")
        infer(binding)
        return answer

    return call


def open(artifact: Artifact, options: SessionOptions) -> _Session:  # noqa: A001 - the contract's name
    """Open an `.onnx` or `.ort` file."""
    check_device("ONNX Runtime", options, DEVICES)
    library = onnxruntime()
    try:
        opened = library.InferenceSession(
            artifact.payload,
            _options(library, options),
            providers=[CPU],
            enable_fallback=0,
        )
    except failures() as error:
        raise ModelUnreadableError(
            f"ONNX Runtime cannot open {artifact.path}: {_reason(error)}.",
            hint="Check that it is an ONNX file, or export it again.",
        ) from error
    source, _ = single_pair(
        artifact,
        [_spec(each) for each in opened.get_inputs()],
        [_spec(each) for each in opened.get_outputs()],
    )
    check_batch(artifact, source, options.batch)
    return _Session(artifact.path, opened, options)


def _options(library: Any, options: SessionOptions) -> Any:  # noqa: ANN401 - untyped
    settings = library.SessionOptions()
    settings.intra_op_num_threads = options.threads
    settings.inter_op_num_threads = 1
    settings.log_severity_level = ONLY_ERRORS
    return settings


def _spec(node: Any) -> TensorSpec:  # noqa: ANN401 - untyped
    shape = tuple(size if isinstance(size, int) else None for size in node.shape)
    return TensorSpec(node.name, shape, _DTYPES.get(node.type, node.type))


def _reason(error: Exception) -> str:
    # "[ONNXRuntimeError] : 7 : INVALID_PROTOBUF : Failed to ..." keeps its last part.
    return first_line(error).rpartition(" : ")[2]
