"""OpenVINO: its own `.xml` files (with their `.bin`), `.onnx` and `.tflite`, on its plugins.

`openvino_devices` has what differs between the plugins.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.artifact import Artifact, Format, TensorSpec
from fmnist_edge.devices import CPU, Account
from fmnist_edge.errors import ModelUnreadableError, ModelUnsupportedError
from fmnist_edge.libraries import openvino as openvino_library
from fmnist_edge.libraries.openvino import openvino, plain_reason
from fmnist_edge.optional import versions_of
from fmnist_edge.runtimes import openvino_devices
from fmnist_edge.runtimes.openvino_devices import account_of, is_on, plugin_of, settings_of
from fmnist_edge.runtimes.openvino_graph import dequantization, kernels_of, spec_of
from fmnist_edge.runtimes.tflite_quantization import quantizations
from fmnist_edge.runtimes.weights_file import weights_of
from fmnist_edge.session import (
    DefaultUse,
    PlainSession,
    SessionOptions,
    check_device,
    single_pair,
)
from fmnist_edge.temporary_files import temporary_files

FORMATS = frozenset({Format.OPENVINO, Format.ONNX, Format.TFLITE})
PACKAGE = openvino_library.PACKAGE
EXTRA = openvino_library.EXTRA
DEVICES = openvino_devices.DEVICES
READS_MODEL = True
DEFAULT_USE = DefaultUse.ALWAYS

_INTEGERS: Final = ("int8", "uint8")
_TFLITE_NAME: Final = "model.tflite"
# The file identifier of a TFLite file and its position.
_TFLITE_MAGIC: Final = (slice(4, 8), b"TFL3")

Shape = tuple[int | None, ...]
# An OpenVINO model, its inputs, and its outputs.
Opened = tuple[Any, list[TensorSpec], list[TensorSpec]]


def load_library() -> str:
    """Import OpenVINO and return its version."""
    openvino()
    return versions_of((PACKAGE,)).get(PACKAGE, "unknown")


class _Session(PlainSession):
    def __init__(
        self,
        path: Path,
        specs: tuple[TensorSpec, TensorSpec],
        compiled: Any,  # noqa: ANN401 - untyped
        batch: int,
    ) -> None:
        super().__init__(*specs, batch)
        self._path: Final = path
        self._compiled: Final = compiled
        request = compiled.create_infer_request()
        # Bound once, because passing arrays to each call takes 45 us of Python inside OpenVINO.
        self._source: Final = _bind(request.set_input_tensor, specs[0], compiled.input(0))
        self._target: Final = _bind(request.set_output_tensor, specs[1], compiled.output(0))
        self._infer: Final = request.infer

    @property
    def used(self) -> Mapping[str, str]:
        told = {
            "precision": self._compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name(),
            "device": _devices(self._compiled),
        }
        if told["device"] == openvino_devices.CPU_PLUGIN:
            told["threads"] = str(self._compiled.get_property("INFERENCE_NUM_THREADS"))
        kernels = kernels_of(self._compiled)
        return told | {"kernels": kernels} if kernels else told

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


class _DeviceSession(_Session):
    def __init__(
        self,
        path: Path,
        specs: tuple[TensorSpec, TensorSpec],
        models: tuple[Any, Any],
        options: SessionOptions,
    ) -> None:
        super().__init__(path, specs, models[1], options.batch)
        self._models: Final = models
        self._options: Final = options

    def account(self) -> Account:
        return account_of(*self._models, self._options)


def _bind(place: Any, spec: TensorSpec, port: Any) -> NDArray[Any]:  # noqa: ANN401 - untyped
    """Return an array that the request reads or writes, for as long as both exist."""
    array = np.zeros(tuple(port.get_shape()), spec.dtype)
    place(openvino().Tensor(array, shared_memory=True))
    return array


def _devices(compiled: Any) -> str:  # noqa: ANN401 - untyped
    return ", ".join(compiled.get_property("EXECUTION_DEVICES"))


def open(artifact: Artifact, options: SessionOptions) -> _Session:  # noqa: A001 - the contract's name
    """Open an `.xml`, `.onnx` or `.tflite` file, with float arithmetic in float32."""
    check_device("OpenVINO", options, DEVICES)
    openvino_devices.check_available(artifact, options)
    try:
        model, inputs, outputs = _READERS[artifact.format](artifact)
    except (RuntimeError, ValueError) as error:
        raise ModelUnreadableError(
            f"OpenVINO cannot open {artifact.path}: {plain_reason(error)}.",
            hint="Check that it is a whole file of its kind, or export it again.",
        ) from error
    source, target = single_pair(artifact, inputs, outputs)
    _check_meaning(artifact, source, target)
    _reshape(artifact, model, (source, target), options.batch)
    plugin = plugin_of(options)
    try:
        compiled = openvino().Core().compile_model(model, plugin, settings_of(options))
    except RuntimeError as error:
        raise ModelUnsupportedError(
            f"OpenVINO cannot compile {artifact.path}: {plain_reason(error)}.",
            hint="Export it again, or update OpenVINO.",
        ) from error
    if not is_on(compiled.get_property("EXECUTION_DEVICES"), plugin):
        raise ModelUnsupportedError(
            f"OpenVINO would run {artifact.path} on {_devices(compiled)}, not on {plugin}.",
            hint="Use another runtime for this device.",
        )
    if options.device == CPU:
        return _Session(artifact.path, (source, target), compiled, options.batch)
    return _DeviceSession(artifact.path, (source, target), (model, compiled), options)


def _read_onnx(artifact: Artifact) -> Opened:
    return _opened(openvino().Core().read_model(artifact.payload, b""))


def _read_own(artifact: Artifact) -> Opened:
    return _opened(openvino().Core().read_model(artifact.payload, weights_of(artifact)))


def _read_tflite(artifact: Artifact) -> Opened:
    """Read a TFLite file from a temporary file, because OpenVINO does not read it from memory.

    OpenVINO's graph keeps the dtypes of quantized inputs and outputs and drops their quantization.
    """
    where, magic = _TFLITE_MAGIC
    if artifact.payload[where] != magic:  # OpenVINO would try all other readers and print
        raise ValueError("it is not a TFLite file")
    with temporary_files({_TFLITE_NAME: artifact.payload}) as folder:
        try:
            model = openvino().Core().read_model(folder / _TFLITE_NAME)
        except RuntimeError as error:
            reason = plain_reason(error).replace(str(folder / _TFLITE_NAME), artifact.path.name)
            raise ValueError(reason) from error
    inputs = [spec_of(each, None) for each in model.inputs]
    outputs = [spec_of(each, None) for each in model.outputs]
    if len(inputs) == len(outputs) == 1:
        source, target = quantizations(artifact.payload)
        inputs, outputs = [spec_of(model.input(0), source)], [spec_of(model.output(0), target)]
    return model, inputs, outputs


_READERS: Final[Mapping[Format, Callable[[Artifact], Opened]]] = {
    Format.OPENVINO: _read_own,
    Format.ONNX: _read_onnx,
    Format.TFLITE: _read_tflite,
}


def _opened(model: Any) -> Opened:  # noqa: ANN401 - untyped
    inputs = [spec_of(each, dequantization(each)) for each in model.inputs]
    return model, inputs, [spec_of(each, None) for each in model.outputs]


def _check_meaning(artifact: Artifact, source: TensorSpec, target: TensorSpec) -> None:
    if source.dtype == "int8" and source.quantization is None:
        raise ModelUnsupportedError(
            f"{artifact.path} takes int8 and does not tell what it means.",
            hint="Open it with the runtime that its format is made for.",
        )
    if target.dtype in _INTEGERS and target.quantization is None:
        raise ModelUnsupportedError(
            f"{artifact.path} gives {target.dtype} scores, and OpenVINO does not tell what they "
            "mean.",
            hint="Open it with the runtime that its format is made for.",
        )


def _reshape(
    artifact: Artifact,
    model: Any,  # noqa: ANN401 - untyped
    specs: tuple[TensorSpec, TensorSpec],
    batch: int,
) -> None:
    source, target = specs
    try:
        model.reshape([batch, *source.shape[1:]])
        made = spec_of(model.output(0), None).shape
        problem = _misfit(made, target.shape, source.shape[0], batch)
    except RuntimeError as error:
        problem = plain_reason(error)
    if problem:
        raise ModelUnsupportedError(
            f"{artifact.path} cannot take {batch} images at once: {problem}.",
            hint="Its batch size is fixed; measure it with that one.",
        )


def _misfit(made: Shape, declared: Shape, declared_batch: int | None, batch: int) -> str:
    """Return why an output has no fixed shape with the new batch in place of the old one."""
    if None in made:
        return "how large its answer is, only the data tells"
    if declared[:1] in {(None,), (declared_batch,)} and made[0] != batch:
        return "its shapes do not add up"
    return ""
