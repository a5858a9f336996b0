"""Raw nanoseconds, kept small."""

import base64
import binascii
import zlib
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.errors import ResultUnreadableError

__all__ = ["Samples"]


@dataclass(frozen=True)
class Samples:
    """Durations of single calls in nanoseconds, in the order they were taken.

    Args:
        count: How many.
        data: Little-endian unsigned 64-bit integers, zlib-compressed, in base64.
    """

    count: int
    data: str
    encoding: Literal["base64(zlib(uint64le))"] = "base64(zlib(uint64le))"

    @classmethod
    def pack(cls, nanoseconds: NDArray[np.uint64]) -> "Samples":
        """Pack uint64[count] nanoseconds."""
        raw = zlib.compress(nanoseconds.astype("<u8").tobytes(), level=6)
        return cls(len(nanoseconds), base64.b64encode(raw).decode("ascii"))

    def unpack(self) -> NDArray[np.uint64]:
        """The nanoseconds, uint64[count].

        Raises:
            ResultUnreadableError: the data is damaged.
        """
        size = 8 * self.count
        try:
            packed = base64.b64decode(self.data, validate=True)
            # One byte more than promised is asked for, so that a lie shows and no bomb goes off.
            stream = zlib.decompressobj()
            raw = stream.decompress(packed, size + 1)
        except (binascii.Error, ValueError, OverflowError, zlib.error) as error:
            raise ResultUnreadableError(f"The samples are damaged: {error}.") from error
        if len(raw) != size or not stream.eof or stream.unused_data:
            raise ResultUnreadableError(f"The samples are not the {self.count} they claim to be.")
        return np.frombuffer(raw, "<u8").astype(np.uint64)
