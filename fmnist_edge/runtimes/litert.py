"""LiteRT (formerly TensorFlow Lite): `.tflite` files, on the CPU by the Interpreter and XNNPACK.

On other devices they are compiled models (`litert_compiled`).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.artifact import Artifact, Format, Quantization, TensorSpec
from fmnist_edge.devices import CPU, Provision
from fmnist_edge.errors import ModelUnreadableError, ModelUnsupportedError
from fmnist_edge.libraries.native_output import first_line
from fmnist_edge.optional import require, versions_of
from fmnist_edge.runtimes.litert_compiled import CompiledSession, open_compiled
from fmnist_edge.session import (
    DefaultUse,
    PlainSession,
    SessionOptions,
    check_device,
    single_pair,
)

FORMATS = frozenset({Format.TFLITE})
PACKAGE = "ai_edge_litert"
EXTRA = "litert"
DEVICES: Mapping[str, Provision] = MappingProxyType(
    {
        CPU: Provision(),
        "webgpu": Provision(
            system="on Linux a Vulkan loader and driver (Debian's libvulkan1 and "
            "mesa-vulkan-drivers, the latter at least of version 25)"
        ),
        "metal": Provision(),
    }
)
READS_MODEL = True
DEFAULT_USE = DefaultUse.ALWAYS

_MODULE: Final = "ai_edge_litert.interpreter"


def load_library() -> str:
    """Import LiteRT and return its version."""
    require(_MODULE, extra=EXTRA)
    return versions_of(("ai-edge-litert",)).get("ai-edge-litert", "unknown")


class _Session(PlainSession):
    def __init__(
        self,
        path: Path,
        specs: tuple[TensorSpec, TensorSpec],
        interpreter: Any,  # noqa: ANN401 - untyped
        options: SessionOptions,
    ) -> None:
        super().__init__(*specs, options.batch)
        self.used: Mapping[str, str] = {
            "threads": str(options.threads),
            "delegate": _delegate(interpreter),
        }
        self._path: Final = path
        self._source: Final = interpreter.get_input_details()[0]["index"]
        self._target: Final = interpreter.get_output_details()[0]["index"]
        # Looked up once, because a call takes only some microseconds.
        self._set: Final = interpreter.set_tensor
        self._invoke: Final = interpreter.invoke
        self._get: Final = interpreter.get_tensor

    def run(self, tensor: NDArray[Any], /) -> NDArray[Any]:
        try:
            self._set(self._source, tensor)
            self._invoke()
        except (ValueError, RuntimeError) as error:
            raise ModelUnsupportedError(
                f"LiteRT cannot run {self._path}: {first_line(error)}.",
                hint="Export it again, or update LiteRT.",
            ) from error
        output: NDArray[Any] = self._get(self._target)
        return output


def open(  # noqa: A001 - the contract's name
    artifact: Artifact, options: SessionOptions
) -> _Session | CompiledSession:
    """Open a `.tflite` file."""
    check_device("LiteRT", options, DEVICES)
    litert = require(_MODULE, extra=EXTRA)
    interpreter, inputs, outputs = _interpreter(litert, artifact, options)
    source, target = single_pair(artifact, inputs, outputs)
    if options.device != CPU:
        return open_compiled(artifact, (source, target), options, DEVICES[options.device])
    _resize(artifact, interpreter, source, options.batch)
    return _Session(artifact.path, (source, target), interpreter, options)


def _interpreter(
    litert: Any,  # noqa: ANN401 - untyped
    artifact: Artifact,
    options: SessionOptions,
) -> tuple[Any, Sequence[TensorSpec], Sequence[TensorSpec]]:
    """Return the interpreter and the inputs and outputs that the file declares."""
    try:
        interpreter = litert.Interpreter(
            model_content=artifact.payload, num_threads=options.threads
        )
        if options.device == CPU:
            interpreter.allocate_tensors()
        inputs = [_spec(each) for each in interpreter.get_input_details()]
        outputs = [_spec(each) for each in interpreter.get_output_details()]
    except (ValueError, RuntimeError) as error:
        raise ModelUnreadableError(
            f"LiteRT cannot open {artifact.path}: {first_line(error)}.",
            hint="Check that it is a TFLite file, or export it again.",
        ) from error
    return interpreter, inputs, outputs


def _spec(details: Mapping[str, Any]) -> TensorSpec:
    scale, zero_point = details["quantization"]
    is_integer = np.issubdtype(details["dtype"], np.integer)
    shape = tuple(None if size < 0 else int(size) for size in details["shape_signature"])
    return TensorSpec(
        # The converter adds the name of the signature; the rest is the name of the Keras tensor.
        name=details["name"].removeprefix("serving_default_").rpartition(":")[0] or details["name"],
        shape=shape,
        dtype=np.dtype(details["dtype"]).name,
        # A scale of 0 means "not quantized" in this file format; on floats a scale means nothing.
        quantization=Quantization(float(scale), int(zero_point)) if scale and is_integer else None,
    )


def _resize(artifact: Artifact, interpreter: Any, source: TensorSpec, batch: int) -> None:  # noqa: ANN401 - untyped
    if source.shape[0] == batch:
        return
    details = interpreter.get_input_details()[0]
    try:
        interpreter.resize_tensor_input(details["index"], [batch, *source.shape[1:]])
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise ModelUnsupportedError(
            f"{artifact.path} cannot take {batch} images at once: {first_line(error)}.",
            hint="Its batch size is fixed; measure it with that one.",
        ) from error


def _delegate(interpreter: Any) -> str:  # noqa: ANN401 - untyped
    # Only here does the Interpreter show whether XNNPACK executes the graph.
    try:
        operators = interpreter._get_ops_details()  # noqa: SLF001
    except UnicodeDecodeError:
        return "unknown"  # The names of operators in a damaged file may not be text.
    return "XNNPACK" if any(each["op_name"] == "DELEGATE" for each in operators) else "none"
