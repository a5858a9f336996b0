"""Named arrays in an `.npz` file, from anybody."""

import io
import tokenize
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.lib.format import read_array
from numpy.typing import NDArray

# What reading a damaged or foreign file may raise: RuntimeError says that it is encrypted, and an
# array's header is parsed as Python.
_DAMAGES: Final = (
    EOFError,
    MemoryError,
    OSError,
    RuntimeError,
    SyntaxError,
    ValueError,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)


class ArraysError(ValueError):
    """A file of arrays that is damaged, or none; the message says why."""


def read_arrays(payload: bytes) -> Mapping[str, NDArray[np.generic]]:
    """The arrays of an `.npz` file, by name; nothing in it is unpickled.

    Raises:
        ArraysError: it is damaged, holds objects, or is another kind of file.
    """
    try:
        # Not by np.load(), which looks into an array before its checksum has been compared.
        with zipfile.ZipFile(io.BytesIO(payload)) as archive:
            return {name.removesuffix(".npy"): _read(archive, name) for name in archive.namelist()}
    except _DAMAGES as error:
        raise ArraysError(str(error)) from error


def _read(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    array: NDArray[Any] = read_array(io.BytesIO(archive.read(name)), allow_pickle=False)
    return array
