"""Raw samples as compressed text."""

import base64
import binascii
import zlib
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.errors import ResultUnreadableError
from fmnist_edge.records import Record


class Samples(Record):
    """Unsigned integers in the order they were taken, such as durations in nanoseconds.

    Args:
        count: How many there are.
        data: Little-endian unsigned 64-bit integers, zlib-compressed, in base64.
        encoding: The same, in short.
    """

    count: int
    data: str
    encoding: Literal["base64(zlib(uint64le))"] = "base64(zlib(uint64le))"

    @classmethod
    def pack(cls, values: NDArray[np.uint64]) -> "Samples":
        """Pack uint64[count]."""
        raw = zlib.compress(values.astype("<u8").tobytes(), level=6)
        return cls(len(values), base64.b64encode(raw).decode("ascii"))

    def unpack(self) -> NDArray[np.uint64]:
        """Return the integers, uint64[count].

        Raises:
            ResultUnreadableError: The data is damaged.
        """
        size = 8 * self.count
        try:
            packed = base64.b64decode(self.data, validate=True)
            # At most one byte more than `count` needs is unpacked: that shows a wrong count, and a
            # small text cannot fill the memory.
            stream = zlib.decompressobj()
            raw = stream.decompress(packed, size + 1)
        except (binascii.Error, ValueError, OverflowError, zlib.error) as error:
            raise ResultUnreadableError(f"The samples are damaged: {error}.") from error
        if len(raw) != size or not stream.eof or stream.unused_data:
            raise ResultUnreadableError(f"The samples are not the {self.count} they claim to be.")
        return np.frombuffer(raw, "<u8").astype(np.uint64)
