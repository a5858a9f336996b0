"""The Python side of `session.h`: one model that is opened and called from C."""

import ctypes
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.native.library import load_library

# As in session.h.
_NAME_SIZE: Final = 256
_MAX_RANK: Final = 8
_INPUT: Final = 0
_OUTPUT: Final = 1

Shape = tuple[int, ...]
_Pointer = ctypes.c_void_p
_SIGNATURES: Final[dict[str, tuple[Any, list[Any]]]] = {
    "native_open": (_Pointer, [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int]),
    "native_error": (ctypes.c_char_p, [_Pointer]),
    "native_count": (ctypes.c_int64, [_Pointer, ctypes.c_int]),
    "native_describe": (ctypes.c_int, [_Pointer, ctypes.c_int, ctypes.c_size_t, _Pointer]),
    "native_bind": (ctypes.c_int, [_Pointer, ctypes.c_int64, _Pointer]),
    "native_bound": (ctypes.c_int, [_Pointer, ctypes.c_int, _Pointer]),
    "native_run": (ctypes.c_int, [_Pointer, _Pointer, _Pointer]),
    "native_time_calls": (
        ctypes.c_int64,
        [
            *(_Pointer, _Pointer, ctypes.c_size_t, _Pointer),
            *(ctypes.c_uint64, ctypes.c_uint64, _Pointer),
        ],
    ),
    "native_close": (None, [_Pointer]),
}


class NativeError(Exception):
    """An error of a runtime's C interface; the message is one line without a full stop."""


@dataclass(frozen=True)
class Tensor:
    """An input or output, as the library describes it.

    Args:
        name: Name in the file.
        type: Number of the element type in the library.
        shape: Size of each axis; None where it is not fixed.
        scale: Scale of a quantized tensor; None for others.
        zero_point: Zero point of a quantized tensor; 0 for others.
    """

    name: str
    type: int
    shape: tuple[int | None, ...]
    scale: float | None
    zero_point: int


class _Described(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char * _NAME_SIZE),
        ("type", ctypes.c_int32),
        ("rank", ctypes.c_int32),
        ("shape", ctypes.c_int64 * _MAX_RANK),
        ("is_quantized", ctypes.c_int32),
        ("zero_point", ctypes.c_int32),
        ("scale", ctypes.c_double),
    )


class Model:
    """A model that a runtime's C interface has opened.

    Args:
        driver: Path of the shared library that `build` compiled.
        library: Path of the runtime's shared library.
        payload: Contents of the model file.
        threads: Number of threads that one inference may use.

    Raises:
        MissingDependencyError: The driver cannot be loaded.
        NativeError: The library cannot open the model.
    """

    def __init__(self, driver: Path, library: Path, payload: bytes, threads: int) -> None:
        self._call: Final = _load(driver)
        self._run: Final = self._call.native_run
        self._handle: int | None = self._call.native_open(
            bytes(library), payload, len(payload), threads
        )
        if self._handle is None:
            raise NativeError("no memory is left")
        # Not at exit: the libraries may be unloaded before.
        self._close = weakref.finalize(self, self._call.native_close, self._handle)
        self._close.atexit = False
        if said := self._said():
            self.close()
            raise NativeError(said)

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """The inputs that the file declares.

        Raises:
            NativeError: The library cannot describe them.
        """
        return self._described(_INPUT)

    @property
    def outputs(self) -> tuple[Tensor, ...]:
        """The outputs that the file declares.

        Raises:
            NativeError: The library cannot describe them.
        """
        return self._described(_OUTPUT)

    def bind(self, batch: int, input_bytes: int, output_bytes: int) -> tuple[Shape, Shape]:
        """Allocate the buffers of the first input and the first output, before any `run`.

        Args:
            batch: Items per inference.
            input_bytes: Size of one element of the input in bytes.
            output_bytes: Size of one element of the output in bytes.

        Returns:
            The shapes of input and output.

        Raises:
            NativeError: The model does not take this batch size.
        """
        sizes = (ctypes.c_size_t * 2)(input_bytes, output_bytes)
        self._check(self._call.native_bind(self._opened(), batch, sizes))
        return self._bound(_INPUT), self._bound(_OUTPUT)

    def _bound(self, direction: int) -> Shape:
        shape = (ctypes.c_int64 * _MAX_RANK)()
        rank = self._call.native_bound(self._opened(), direction, shape)
        return tuple(shape[:rank])

    def run(self, source: int, target: int) -> None:
        """Run one inference.

        NumPy takes microseconds to return an address, so that a caller should ask it once.

        Args:
            source: Address of a contiguous input of the bound shape.
            target: Address of a contiguous output of the bound shape.

        Raises:
            NativeError: The library cannot run the model.
        """
        self._check(self._run(self._opened(), source, target))

    def time_calls(
        self, tensors: Sequence[NDArray[Any]], output: NDArray[Any], nanoseconds: int, at_most: int
    ) -> NDArray[np.uint64]:
        """Run inferences back to back on each of `tensors` in turn; each call fills `output`.

        Args:
            tensors: At least one contiguous input of the bound shape.
            output: Contiguous output of the bound shape.
            nanoseconds: Time after which no further call is made; at least one call is made.
            at_most: Largest number of calls.

        Returns:
            uint64[calls], the duration of each call in nanoseconds.

        Raises:
            NativeError: The library cannot run the model.
        """
        if not tensors:
            raise NativeError("there is no input to call it with")
        taken = np.empty(at_most, np.uint64)
        inputs = (_Pointer * len(tensors))(*(each.ctypes.data for each in tensors))
        calls = self._call.native_time_calls(
            self._opened(),
            inputs,
            len(tensors),
            output.ctypes.data,
            nanoseconds,
            at_most,
            taken.ctypes.data,
        )
        self._check(calls < 0)
        return taken[:calls].copy()

    def close(self) -> None:
        """Release the resources of the library; the other methods fail afterwards."""
        self._close()
        self._handle = None

    def _described(self, direction: int) -> tuple[Tensor, ...]:
        count = self._call.native_count(self._opened(), direction)
        self._check(count < 0)
        return tuple(self._one(direction, index) for index in range(count))

    def _one(self, direction: int, index: int) -> Tensor:
        described = _Described()
        self._check(
            self._call.native_describe(self._opened(), direction, index, ctypes.byref(described))
        )
        try:
            name = described.name.decode()
        except UnicodeDecodeError as error:
            raise NativeError("the name of a tensor is not text") from error
        return Tensor(
            name=name,
            type=described.type,
            shape=tuple(None if size < 0 else size for size in described.shape[: described.rank]),
            scale=described.scale if described.is_quantized else None,
            zero_point=described.zero_point if described.is_quantized else 0,
        )

    def _opened(self) -> int:
        if self._handle is None:
            raise NativeError("it is closed")
        return self._handle

    def _check(self, failed: object) -> None:
        if failed:
            raise NativeError(self._said())

    def _said(self) -> str:
        message: bytes = self._call.native_error(self._handle)
        return message.decode(errors="replace").strip().partition("\n")[0].rstrip(".")


def _load(driver: Path) -> ctypes.CDLL:
    library = load_library(driver)
    for name, (result, arguments) in _SIGNATURES.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library
