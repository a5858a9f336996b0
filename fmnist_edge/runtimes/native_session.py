"""The common part of the runtimes that are called from C."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.artifact import Artifact, Quantization, TensorSpec
from fmnist_edge.devices import CPU_ONLY
from fmnist_edge.errors import ModelUnreadableError, ModelUnsupportedError
from fmnist_edge.native import Model, NativeError, Tensor, build
from fmnist_edge.session import (
    PlainSession,
    SessionOptions,
    check_batch,
    check_device,
    single_pair,
)


@dataclass(frozen=True)
class Interface:
    """The C interface of a runtime.

    Args:
        name: Name of the runtime for messages.
        driver: Name of the C source in `fmnist_edge.native` that calls it.
        library: Path of the shared library of the runtime.
        dtypes: Names of NumPy dtypes by the numbers of its element types.
        resizes: Whether a model of a fixed batch size can be opened with another one.
    """

    name: str
    driver: str
    library: Path
    dtypes: Mapping[int, str]
    resizes: bool


@dataclass(frozen=True)
class _File:
    """An opened file and the interface that opened it."""

    artifact: Artifact
    interface: Interface
    model: Model


class NativeSession(PlainSession):
    """A session that is called from C: `run` makes one call, `time_calls` makes many."""

    def __init__(
        self,
        file: _File,
        specs: tuple[TensorSpec, TensorSpec],
        arrays: tuple[NDArray[Any], NDArray[Any]],
        options: SessionOptions,
    ) -> None:
        super().__init__(*specs, options.batch)
        self.used: Mapping[str, str] = {
            "threads": str(options.threads),
            "library": file.interface.library.name,
            "interface": "C API",
        }
        self._path: Final = file.artifact.path
        self._name: Final = file.interface.name
        self._model: Final = file.model
        # The arrays that `run` reads and writes.
        self._takes, self._gives = arrays
        self._source: Final = self._takes.ctypes.data
        self._target: Final = self._gives.ctypes.data

    def run(self, tensor: NDArray[Any], /) -> NDArray[Any]:
        """Run one inference; the next call overwrites the array that this one returned.

        Raises:
            ModelUnsupportedError: The runtime cannot run this model, or the tensor is not one that
                `prepare` returns.
        """
        self._check(tensor)
        np.copyto(self._takes, tensor)
        try:
            self._model.run(self._source, self._target)
        except NativeError as error:
            raise self._failure(error) from error
        return self._gives

    def time_calls(
        self, tensors: Sequence[NDArray[Any]], nanoseconds: int, at_most: int
    ) -> tuple[NDArray[np.uint64], NDArray[Any]]:
        """Run inferences back to back (see `SelfTiming`), each with copies of input and output.

        Ctrl-C takes effect only after the last call, because no Python code runs before.

        Raises:
            ModelUnsupportedError: As in `run`.
        """
        for tensor in tensors:
            self._check(tensor)
        output = np.empty_like(self._gives)
        try:
            taken = self._model.time_calls(tensors, output, nanoseconds, at_most)
        except NativeError as error:
            raise self._failure(error) from error
        return taken, output

    def close(self) -> None:
        """Release the resources of the runtime."""
        self._model.close()

    def _check(self, tensor: NDArray[Any]) -> None:
        """Check the tensor, because C reads as many bytes as it expects."""
        takes = self._takes
        fits = (tensor.shape, tensor.dtype) == (takes.shape, takes.dtype)
        if not fits or not tensor.flags.c_contiguous:
            raise ModelUnsupportedError(
                f"{self._path} takes {takes.dtype}{list(takes.shape)} in one piece, "
                f"not {tensor.dtype}{list(tensor.shape)}.",
                hint="Give it what prepare() returns for as many images as the session's batch.",
            )

    def _failure(self, error: NativeError) -> ModelUnsupportedError:
        return ModelUnsupportedError(
            f"{self._name} cannot run {self._path} on {self.batch} images: {error}.",
            hint="Its graph may be made for another number of images; try --batch 1.",
        )


def open_native(interface: Interface, artifact: Artifact, options: SessionOptions) -> NativeSession:
    """Open a model through a runtime's C interface.

    Raises:
        MissingDependencyError: No C compiler works.
        ModelUnreadableError: The file is damaged or of another kind.
        ModelUnsupportedError: The model has several inputs or outputs, or cannot take this batch
            size.
        DeviceUnavailableError: Another device than the CPU is asked for.
    """
    check_device(interface.name, options, CPU_ONLY)
    driver = build(interface.driver)
    try:
        model = Model(driver, interface.library, artifact.payload, options.threads)
        inputs = [_spec(each, interface) for each in model.inputs]
        outputs = [_spec(each, interface) for each in model.outputs]
    except NativeError as error:
        raise _unreadable(interface, artifact, error) from error
    specs = single_pair(artifact, inputs, outputs)
    if not interface.resizes:
        check_batch(artifact, specs[0], options.batch)
    file = _File(artifact, interface, model)
    return NativeSession(file, specs, _bind(file, specs, options.batch), options)


def _bind(
    file: _File, specs: tuple[TensorSpec, TensorSpec], batch: int
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return an array for the input and one for the output."""
    source, target = specs
    if None in target.shape[1:]:
        raise ModelUnsupportedError(
            f"{file.artifact.path} has an output of which axis {target.shape.index(None, 1)} "
            "has no fixed size.",
            hint="The C interface needs outputs of a known size; use the runtime without --native.",
        )
    takes, gives = np.dtype(source.dtype), np.dtype(target.dtype)
    try:
        shapes = file.model.bind(batch, takes.itemsize, gives.itemsize)
    except NativeError as error:
        if source.shape[0] == batch:
            raise _unreadable(file.interface, file.artifact, error) from error
        raise ModelUnsupportedError(
            f"{file.artifact.path} cannot take {batch} images at once: {error}.",
            hint="Its batch size is fixed; measure it with that one.",
        ) from error
    return np.empty(shapes[0], takes), np.empty(shapes[1], gives)


def _unreadable(
    interface: Interface, artifact: Artifact, error: NativeError
) -> ModelUnreadableError:
    return ModelUnreadableError(
        f"{interface.name} cannot open {artifact.path}: {error}.",
        hint="Check that it is whole and of the right kind, or export it again.",
    )


def _spec(tensor: Tensor, interface: Interface) -> TensorSpec:
    dtype = interface.dtypes.get(tensor.type, f"elements of type {tensor.type}")
    quantization = None
    if tensor.scale and "int" in dtype:  # on floats, a scale means nothing
        quantization = Quantization(tensor.scale, tensor.zero_point)
    return TensorSpec(
        # TensorFlow's converter adds the name of the signature.
        name=tensor.name.removeprefix("serving_default_").rpartition(":")[0] or tensor.name,
        shape=tensor.shape,
        dtype=dtype,
        quantization=quantization,
    )
