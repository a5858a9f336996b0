"""OpenVINO: its own `.xml` files (with their `.bin`) and `.onnx`, on its CPU plugin.

It would read `.tflite` too, but only from the disk, and it loses what an int8 input means.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fmnist_edge import openvino_library
from fmnist_edge.artifact import Artifact, Format, Quantization, TensorSpec
from fmnist_edge.errors import ModelUnreadableError, ModelUnsupportedError
from fmnist_edge.openvino_library import openvino, plain_reason
from fmnist_edge.optional import versions_of
from fmnist_edge.session import (
    IMAGE_SHAPE,
    Images,
    Scores,
    SessionOptions,
    check_classifier,
    decode_scores,
    prepare_images,
)

__all__ = ["EXTRA", "FORMATS", "PACKAGE", "READS_MODEL", "load_library", "open"]

FORMATS = frozenset({Format.OPENVINO, Format.ONNX})
PACKAGE = openvino_library.PACKAGE
EXTRA = openvino_library.EXTRA
READS_MODEL = True

_DEVICE: Final = "CPU"
_DTYPES: Final = {"f32": "float32", "u8": "uint8", "i8": "int8", "f64": "double"}
_INTEGERS: Final = ("int8", "uint8")


def load_library() -> str:
    """Import OpenVINO and return its version.

    Raises:
        MissingDependencyError: it is not installed.
    """
    openvino()
    return versions_of((PACKAGE,)).get(PACKAGE, "unknown")


class _Session:
    def __init__(
        self,
        path: Path,
        specs: tuple[TensorSpec, TensorSpec],
        compiled: Any,  # noqa: ANN401 - untyped
        batch: int,
    ) -> None:
        self.input: Final = specs[0]
        self.output: Final = specs[1]
        self.batch: Final = batch
        self.used: Mapping[str, str] = {
            "threads": str(compiled.get_property("INFERENCE_NUM_THREADS")),
            "precision": compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name(),
            "device": ", ".join(compiled.get_property("EXECUTION_DEVICES")),
        }
        self._path: Final = path
        request = compiled.create_infer_request()
        # Bound once: passing arrays to each call costs 45 microseconds of Python inside OpenVINO.
        self._source: Final = _bind(request.set_input_tensor, specs[0], (batch, *IMAGE_SHAPE))
        self._target: Final = _bind(request.set_output_tensor, specs[1], (batch, 10))
        self._infer: Final = request.infer

    def prepare(self, images: Images) -> NDArray[Any]:
        return prepare_images(images, self.input)

    def run(self, tensor: NDArray[Any], /) -> NDArray[Any]:
        np.copyto(self._source, tensor, casting="no")
        try:
            self._infer()
        except RuntimeError as error:
            raise ModelUnsupportedError(
                f"OpenVINO cannot run {self._path}: {plain_reason(error)}.",
                hint="Export it again, or update OpenVINO.",
            ) from error
        return self._target

    def decode(self, output: NDArray[Any]) -> Scores:
        return decode_scores(output, self.output)

    def close(self) -> None:
        pass


def _bind(place: Any, spec: TensorSpec, shape: tuple[int, ...]) -> NDArray[Any]:  # noqa: ANN401 - untyped
    """An array that the request reads from, or writes to, as long as both live."""
    array = np.zeros(shape, spec.dtype)
    place(openvino().Tensor(array, shared_memory=True))
    return array


def open(artifact: Artifact, options: SessionOptions) -> _Session:  # noqa: A001 - the contract's name
    """Open an `.xml` or `.onnx` file, with float arithmetic in float32.

    Raises:
        MissingDependencyError: OpenVINO is not installed.
        ModelUnreadableError: the file is damaged or no model.
        ModelUnsupportedError: it is no Fashion-MNIST classifier, or cannot take this batch.
    """
    core = openvino().Core()
    weights = _weights(artifact)
    try:
        model = core.read_model(artifact.payload, weights)
        source, target = check_classifier(
            artifact,
            [_spec(each, _quantization(each)) for each in model.inputs],
            [_spec(each, None) for each in model.outputs],
        )
    except RuntimeError as error:
        raise ModelUnreadableError(
            f"OpenVINO cannot open {artifact.path}: {plain_reason(error)}.",
            hint="Check that it is a whole OpenVINO or ONNX file, or export it again.",
        ) from error
    _check_types(artifact, source, target)
    _reshape(artifact, model, options.batch)
    compiled = core.compile_model(model, _DEVICE, _settings(options))
    return _Session(artifact.path, (source, target), compiled, options.batch)


def _settings(options: SessionOptions) -> Mapping[str, str | int]:
    return {
        # Else it computes in bfloat16 wherever the CPU can, and says nothing.
        "INFERENCE_PRECISION_HINT": "f32",
        "INFERENCE_NUM_THREADS": options.threads,
        "PERFORMANCE_HINT": "LATENCY",
    }


def _weights(artifact: Artifact) -> bytes:
    """The `.bin` of an `.xml`: of a file of ours it was read and checked; else it lies beside."""
    if artifact.format is not Format.OPENVINO:
        return b""
    name = Path(artifact.path.name).with_suffix(".bin").name
    if name in artifact.companions:
        return artifact.companions[name]
    try:
        return (artifact.path.parent / name).read_bytes()
    except OSError as error:
        raise ModelUnreadableError(
            f"{artifact.path} comes without {name}, which holds its weights.",
            hint="Copy both files together.",
        ) from error


def _spec(port: Any, quantization: Quantization | None) -> TensorSpec:  # noqa: ANN401 - untyped
    shape = tuple(
        axis.get_length() if axis.is_static else None for axis in port.get_partial_shape()
    )
    kind = port.get_element_type().get_type_name()
    return TensorSpec(
        port.get_any_name() if port.get_names() else port.get_node().get_friendly_name(),
        shape,
        _DTYPES.get(kind, kind),
        quantization,
    )


def _quantization(port: Any) -> Quantization | None:  # noqa: ANN401 - untyped
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


def _check_types(artifact: Artifact, source: TensorSpec, target: TensorSpec) -> None:
    if source.dtype == "int8" and source.quantization is None:
        raise ModelUnsupportedError(
            f"{artifact.path} takes int8 and does not tell what it means.",
            hint="Open it with the runtime that its format is made for.",
        )
    if target.dtype in _INTEGERS or target.dtype not in _DTYPES.values():
        raise ModelUnsupportedError(
            f"{artifact.path} gives {target.dtype} scores, and OpenVINO does not tell what they "
            "mean.",
            hint="Open it with the runtime that its format is made for.",
        )


def _reshape(artifact: Artifact, model: Any, batch: int) -> None:  # noqa: ANN401 - untyped
    try:
        model.reshape([batch, *IMAGE_SHAPE])
        fits = list(model.output(0).get_shape()) == [batch, 10]
        reason = "its shapes do not add up"
    except RuntimeError as error:
        fits, reason = False, plain_reason(error)
    if not fits:
        raise ModelUnsupportedError(
            f"{artifact.path} cannot take {batch} images at once: {reason}.",
            hint="Its batch size is fixed; measure it with that one.",
        )
