"""A session of ONNX Runtime, on whatever device."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.artifact import Artifact, TensorSpec
from fmnist_edge.errors import ModelUnreadableError, ModelUnsupportedError
from fmnist_edge.libraries.native_output import first_line
from fmnist_edge.libraries.onnxruntime import ONLY_ERRORS, failures
from fmnist_edge.session import PlainSession, SessionOptions, check_batch, single_pair

_MEMORY: Final = "cpu"  # the memory of the arrays
_DTYPES: Final = {
    **{f"tensor({name})": name for name in ("float16", "int8", "int16", "int32", "int64")},
    **{f"tensor({name})": name for name in ("uint8", "uint16", "uint32", "uint64")},
    "tensor(float)": "float32",
    "tensor(double)": "float64",
}
# What precedes the cause in a message: "[ONNXRuntimeError] : 7 : INVALID_PROTOBUF : Failed to ...",
# and the condition that was not met.
_BEFORE_CAUSES: Final = (" was false. ", " : ")
# A message may start with the place in the source and the function: "FILE.cc:729 void ...".
_PLACE: Final = re.compile(r"^\S+\.cc:\d+ .*?\) (?=[A-Z])")

Call = Callable[[NDArray[Any]], NDArray[Any]]


class OrtSession(PlainSession):
    """A session.

    Args:
        path: The file.
        opened: The session of ONNX Runtime.
        options: Options of the session.
        binds: Whether arrays are bound once, where the output has the shape that the file declares.
            ONNX Runtime copies an input to another device when it is bound, and never again.
    """

    def __init__(
        self,
        path: Path,
        opened: Any,  # noqa: ANN401 - untyped
        options: SessionOptions,
        *,
        binds: bool,
    ) -> None:
        source, target = spec_of(opened.get_inputs()[0]), spec_of(opened.get_outputs()[0])
        super().__init__(source, target, options.batch)
        self.used: Mapping[str, str] = {
            "threads": str(opened.get_session_options().intra_op_num_threads),
            "provider": ", ".join(opened.get_providers()),
        }
        self._path: Final = path
        self._errors: Final = failures()
        self._opened: Final = opened
        self._plain: Final = _plain(opened, self.input, self.output)
        self._call: Call = self._first if binds else self._plain

    def run(self, tensor: NDArray[Any], /) -> NDArray[Any]:
        """Run one inference.

        Raises:
            ModelUnsupportedError: ONNX Runtime cannot run this model.
        """
        try:
            return self._call(tensor)
        except self._errors as error:
            raise self._cannot_run(error) from error

    def _cannot_run(self, error: Exception) -> ModelUnsupportedError:
        return ModelUnsupportedError(
            f"ONNX Runtime cannot run {self._path} on {self.batch} images: {reason_of(error)}.",
            hint="Its graph may be made for another number of images; try --batch 1.",
        )

    def _first(self, tensor: NDArray[Any]) -> NDArray[Any]:
        """Make the first call, which shows whether the output has the declared shape."""
        answer = self._plain(tensor)
        is_as_declared = answer.shape == sized(self.output, self.batch)
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


def sized(spec: TensorSpec, batch: int) -> tuple[int, ...]:
    """Return a declared shape; the batch replaces an open first axis, 0 another open one."""
    return tuple(size or (0 if axis else batch) for axis, size in enumerate(spec.shape))


def _bound(opened: Any, source: TensorSpec, target: TensorSpec, batch: int) -> Call:  # noqa: ANN401 - untyped
    """Return a function that reads and writes two arrays which are bound once.

    Passing an array to each call and receiving a new one takes microseconds in Python.
    """
    given = np.zeros(sized(source, batch), source.dtype)
    answer = np.zeros(sized(target, batch), target.dtype)
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


def check_model(artifact: Artifact, opened: Any, batch: int) -> None:  # noqa: ANN401 - untyped
    """Check that a model has one input and one output, and takes that many items.

    Raises:
        ModelUnsupportedError: It has others, or is fixed to another number.
    """
    source, _ = single_pair(
        artifact,
        [spec_of(each) for each in opened.get_inputs()],
        [spec_of(each) for each in opened.get_outputs()],
    )
    check_batch(artifact, source, batch)


def unreadable(artifact: Artifact, error: Exception) -> ModelUnreadableError:
    """Return the error about a file that ONNX Runtime does not open on the CPU."""
    return ModelUnreadableError(
        f"ONNX Runtime cannot open {artifact.path}: {reason_of(error)}.",
        hint="Check that it is an ONNX file, or export it again.",
    )


def settings_for(library: Any, options: SessionOptions) -> Any:  # noqa: ANN401 - untyped
    """Return ONNX Runtime's options of a session."""
    settings = library.SessionOptions()
    settings.intra_op_num_threads = options.threads
    settings.inter_op_num_threads = 1
    settings.log_severity_level = ONLY_ERRORS
    return settings


def spec_of(node: Any) -> TensorSpec:  # noqa: ANN401 - untyped
    """Return an input or an output as the model declares it."""
    shape = tuple(size if isinstance(size, int) else None for size in node.shape)
    return TensorSpec(node.name, shape, _DTYPES.get(node.type, node.type))


def reason_of(error: Exception) -> str:
    """Return the cause that an exception of ONNX Runtime ends with."""
    reason = _PLACE.sub("", first_line(error))
    for mark in _BEFORE_CAUSES:
        reason = reason.rpartition(mark)[2]
    return reason
