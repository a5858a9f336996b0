"""ONNX Runtime: `.onnx` and `.ort` files, on its CPU execution provider."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from numpy.typing import NDArray

from fmnist_edge import onnxruntime_library
from fmnist_edge.artifact import Artifact, Format, TensorSpec
from fmnist_edge.errors import ModelUnreadableError, ModelUnsupportedError
from fmnist_edge.native_output import first_line
from fmnist_edge.onnxruntime_library import CPU, ONLY_ERRORS, failures, onnxruntime
from fmnist_edge.session import (
    Images,
    Scores,
    SessionOptions,
    check_classifier,
    decode_scores,
    prepare_images,
)

__all__ = ["EXTRA", "FORMATS", "PACKAGE", "READS_MODEL", "load_library", "open"]

FORMATS = frozenset({Format.ONNX, Format.ORT})
PACKAGE = onnxruntime_library.PACKAGE
EXTRA = onnxruntime_library.EXTRA
READS_MODEL = True

_DTYPES: Final = {"tensor(float)": "float32", "tensor(uint8)": "uint8", "tensor(int8)": "int8"}


def load_library() -> str:
    """Import ONNX Runtime and return its version.

    Raises:
        MissingDependencyError: it is not installed.
    """
    return str(onnxruntime().__version__)


class _Session:
    def __init__(self, path: Path, opened: Any, options: SessionOptions) -> None:  # noqa: ANN401 - untyped
        self.input: Final = _spec(opened.get_inputs()[0])
        self.output: Final = _spec(opened.get_outputs()[0])
        self.batch: Final = options.batch
        self.used: Mapping[str, str] = {
            "threads": str(opened.get_session_options().intra_op_num_threads),
            "provider": ", ".join(opened.get_providers()),
        }
        self._path: Final = path
        self._errors: Final = failures()
        self._run: Final = opened.run
        self._outputs: Final = [self.output.name]
        self._input: Final = self.input.name

    def prepare(self, images: Images) -> NDArray[Any]:
        return prepare_images(images, self.input)

    def run(self, tensor: NDArray[Any], /) -> NDArray[Any]:
        try:
            output: NDArray[Any] = self._run(self._outputs, {self._input: tensor})[0]
        except self._errors as error:
            raise ModelUnsupportedError(
                f"ONNX Runtime cannot run {self._path} on {self.batch} images: {_reason(error)}.",
                hint="Its graph may be made for another number of images; try --batch 1.",
            ) from error
        return output

    def decode(self, output: NDArray[Any]) -> Scores:
        return decode_scores(output, self.output)

    def close(self) -> None:
        pass


def open(artifact: Artifact, options: SessionOptions) -> _Session:  # noqa: A001 - the contract's name
    """Open an `.onnx` or `.ort` file.

    Raises:
        MissingDependencyError: ONNX Runtime is not installed.
        ModelUnreadableError: the file is damaged or no ONNX model.
        ModelUnsupportedError: it is no Fashion-MNIST classifier, or cannot take this batch.
    """
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
    _check(artifact, opened, options.batch)
    return _Session(artifact.path, opened, options)


def _options(library: Any, options: SessionOptions) -> Any:  # noqa: ANN401 - untyped
    settings = library.SessionOptions()
    settings.intra_op_num_threads = options.threads
    settings.inter_op_num_threads = 1
    settings.log_severity_level = ONLY_ERRORS
    return settings


def _check(artifact: Artifact, opened: Any, batch: int) -> None:  # noqa: ANN401 - untyped
    source, _ = check_classifier(
        artifact,
        [_spec(each) for each in opened.get_inputs()],
        [_spec(each) for each in opened.get_outputs()],
    )
    if source.shape[0] not in {None, batch}:
        raise ModelUnsupportedError(
            f"{artifact.path} takes {source.shape[0]} images at once, not {batch}.",
            hint="Its batch size is fixed; measure it with that one.",
        )


def _spec(node: Any) -> TensorSpec:  # noqa: ANN401 - untyped
    shape = tuple(size if isinstance(size, int) else None for size in node.shape)
    return TensorSpec(node.name, shape, _DTYPES.get(node.type, node.type))


def _reason(error: Exception) -> str:
    # "[ONNXRuntimeError] : 7 : INVALID_PROTOBUF : Failed to ..." keeps its last part.
    return first_line(error).rpartition(" : ")[2]
