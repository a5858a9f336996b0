"""Reading named arrays from an `.npz` file of unknown origin."""

import io
import tokenize
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.lib.format import read_array
from numpy.typing import NDArray

# Exceptions of reading a damaged file or one of another kind: RuntimeError means that it is
# encrypted, and the header of an array is parsed as Python.
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
    """A file is damaged or not an `.npz` file; the message gives the reason."""


def read_arrays(payload: bytes) -> Mapping[str, NDArray[np.generic]]:
    """Return the arrays of an `.npz` file by name; nothing is unpickled.

    Raises:
        ArraysError: The file is damaged, holds Python objects, or is of another kind.
    """
    try:
        # Not with np.load(), which parses an array before it checks the checksum.
        with zipfile.ZipFile(io.BytesIO(payload)) as archive:
            return {name.removesuffix(".npy"): _read(archive, name) for name in archive.namelist()}
    except _DAMAGES as error:
        raise ArraysError(str(error)) from error


def _read(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    array: NDArray[Any] = read_array(io.BytesIO(archive.read(name)), allow_pickle=False)
    return array
