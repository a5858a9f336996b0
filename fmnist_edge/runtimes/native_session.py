"""What the runtimes that are called from C have in common."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.artifact import Artifact, Quantization, TensorSpec
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
    """A runtime's C interface.

    Args:
        name: The runtime's, for people.
        driver: The source in `fmnist_edge.native` that calls it.
        library: The runtime's shared library.
        dtypes: NumPy's names of its element types.
        resizes: Whether a model of one batch size can be opened with another.
    """

    name: str
    driver: str
    library: Path
    dtypes: Mapping[int, str]
    resizes: bool


@dataclass(frozen=True)
class _File:
    """A file that is open, and what opened it."""

    artifact: Artifact
    interface: Interface
    model: Model


class NativeSession(PlainSession):
    """A session whose calls C makes: `run` makes one, `time_calls` many."""

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
        # What `run` reads and writes.
        self._takes, self._gives = arrays
        self._source: Final = self._takes.ctypes.data
        self._target: Final = self._gives.ctypes.data

    def run(self, tensor: NDArray[Any], /) -> NDArray[Any]:
        """Infer once; the next call overwrites what this one returned.

        Raises:
            ModelUnsupportedError: the runtime gives up on this model, or the tensor is not one that
                `prepare` makes.
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
        """Call back to back (see `SelfTiming`): copy the input in, infer, copy the output out.

        Python is not asked meanwhile: Ctrl-C works when the time is over.

        Returns:
            uint64[calls] nanoseconds per call, in order, and the output of the last call.

        Raises:
            ModelUnsupportedError: as in `run`.
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
        """Give back what the runtime holds."""
        self._model.close()

    def _check(self, tensor: NDArray[Any]) -> None:
        """C reads as many bytes as it expects, whatever is there."""
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
        MissingDependencyError: there is no C compiler that works.
        ModelUnreadableError: the file is damaged or of another kind.
        ModelUnsupportedError: it has several inputs or outputs, or cannot take this batch; or
            another device than the CPU is asked for.
    """
    check_device(interface.name, options)
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
    """An array like those that go in, and one like those that come out."""
    source, target = specs
    if None in target.shape[1:]:
        raise ModelUnsupportedError(
            f"{file.artifact.path} leaves axis {target.shape.index(None, 1)} of its output open.",
            hint="C needs to know beforehand how large an output is; call it from Python.",
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
        # TensorFlow's converter decorates names with the signature's.
        name=tensor.name.removeprefix("serving_default_").rpartition(":")[0] or tensor.name,
        shape=tensor.shape,
        dtype=dtype,
        quantization=quantization,
    )
