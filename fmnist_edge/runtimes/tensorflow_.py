"""TensorFlow: SavedModels by their signature, and `.keras` files as one compiled graph."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from numpy.typing import NDArray

from fmnist_edge.artifact import Artifact, Format, TensorSpec
from fmnist_edge.devices import CPU, Account, Provision
from fmnist_edge.errors import ModelUnsupportedError
from fmnist_edge.keras_file import load_model, tensor_specs
from fmnist_edge.libraries import keras as keras_library
from fmnist_edge.libraries.keras import failures, keep_to_cpu, tensorflow
from fmnist_edge.libraries.native_output import first_line
from fmnist_edge.runtimes import tensorflow_gpu
from fmnist_edge.saved_model import load_signature
from fmnist_edge.session import (
    DefaultUse,
    Opening,
    PlainSession,
    SessionOptions,
    check_batch,
    check_device,
    single_pair,
)

FORMATS = frozenset({Format.SAVED_MODEL, Format.KERAS})
PACKAGE = "tensorflow"
EXTRA = keras_library.EXTRA
DEVICES: Mapping[str, Provision] = MappingProxyType(
    {CPU: Provision(), tensorflow_gpu.DEVICE: tensorflow_gpu.PROVISION}
)
READS_MODEL = True
DEFAULT_USE = DefaultUse.SLOW_IMPORT

Pair = tuple[TensorSpec, TensorSpec]
# A function from a tensor to a tensor.
Call = Callable[[Any], Any]


def load_library() -> str:
    """Import TensorFlow and return its version."""
    return str(tensorflow().__version__)


class _Session(PlainSession):
    def __init__(
        self, path: Path, specs: Pair, call: Call, used: Mapping[str, str], batch: int
    ) -> None:
        super().__init__(*specs, batch)
        self.used: Mapping[str, str] = used
        self._path: Final = path
        self._call: Final = call
        self._tensor: Final = tensorflow().constant
        self._errors: Final = failures()

    def run(self, tensor: NDArray[Any], /) -> NDArray[Any]:
        try:
            output: NDArray[Any] = self._call(self._tensor(tensor)).numpy()
        except self._errors as error:
            raise _cannot_run(self._path, self.batch, error) from error
        return output


class _DeviceSession(_Session):
    def __init__(
        self,
        path: Path,
        specs: Pair,
        traced: "_Traced",
        used: Mapping[str, str],
        options: SessionOptions,
    ) -> None:
        super().__init__(path, specs, traced.call, used, options.batch)
        self._function: Final = traced.function
        self._options: Final = options

    def run(self, tensor: NDArray[Any], /) -> NDArray[Any]:
        with tensorflow_gpu.placed(self._options):
            return super().run(tensor)

    def account(self) -> Account:
        return tensorflow_gpu.account_of(self._function, self._options)


@dataclass(frozen=True)
class _Traced:
    """A model as a function of tensors.

    Args:
        call: Computes the output.
        function: The traced function that does so.
    """

    call: Call
    function: Any


def open(artifact: Artifact, options: SessionOptions) -> _Session:  # noqa: A001 - the contract's name
    """Load a SavedModel or a `.keras` file."""
    check_device("TensorFlow", options, DEVICES)
    opener = _OPENERS[artifact.format]
    if options.device == CPU:
        used = keep_to_cpu(options.threads)
        specs, traced = opener(artifact, options.batch)
        return _Session(artifact.path, specs, traced.call, used, options.batch)
    if options.opening is not Opening.ON_CPU:
        tensorflow_gpu.check_gpu()
    used = tensorflow_gpu.configure(options)
    with tensorflow_gpu.placed(options):
        specs, traced = opener(artifact, options.batch)
    return _DeviceSession(artifact.path, specs, traced, used, options)


def _open_signature(artifact: Artifact, batch: int) -> tuple[Pair, _Traced]:
    signature = load_signature(artifact)
    source, target = single_pair(artifact, signature.inputs, signature.outputs)
    check_batch(artifact, source, batch)

    def call(tensor: Any) -> Any:  # noqa: ANN401 - tensors
        return signature.function(**{source.name: tensor})[target.name]

    return (source, target), _Traced(call, signature.function)


def _open_keras(artifact: Artifact, batch: int) -> tuple[Pair, _Traced]:
    """Trace the model as one graph for one shape, without Keras's Python code between layers."""
    tf = tensorflow()
    model = load_model(artifact)
    source, target = single_pair(artifact, *tensor_specs(model))
    check_batch(artifact, source, batch)

    def infer(tensor: Any) -> Any:  # noqa: ANN401 - tensors
        return tf.nest.flatten(model(tensor, training=False))[0]

    signature = [tf.TensorSpec((batch, *source.shape[1:]), source.dtype)]
    try:
        # Without AutoGraph, which writes Python files into the temporary folder; Keras's layers do
        # not need it.
        compiled = tf.function(infer, input_signature=signature, autograph=False)
        traced = compiled.get_concrete_function()
    except failures() as error:
        raise _cannot_run(artifact.path, batch, error) from error
    return (source, target), _Traced(traced, traced)


_OPENERS: Final = {Format.SAVED_MODEL: _open_signature, Format.KERAS: _open_keras}


def _cannot_run(path: Path, batch: int, error: Exception) -> ModelUnsupportedError:
    return ModelUnsupportedError(
        f"TensorFlow cannot run {path} on {batch} images: {first_line(error)}.",
        hint="Its graph may be made for another number of images; try --batch 1.",
    )
