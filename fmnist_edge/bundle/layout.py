"""The ZIP format as a bundle uses it: which bytes there are for given members.

Every member is stored as it is, without compression, because the same data compress to other bytes
with another version of zlib. Times, modes and the order are fixed, and there are no gaps, comments
or additional fields. So the bytes of a bundle follow from the names and bytes of its members alone,
and a reader can demand them.

Source: PKWARE, "APPNOTE.TXT - .ZIP File Format Specification", 6.3.10, sections 4.3.7, 4.3.12 and
4.3.16.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

LOCAL: Final = struct.Struct("<4s5H3L2H")
CENTRAL: Final = struct.Struct("<4s6H3L5H2L")
END: Final = struct.Struct("<4s4H2LH")
LOCAL_MAGIC: Final = b"PK\x03\x04"
CENTRAL_MAGIC: Final = b"PK\x01\x02"
END_MAGIC: Final = b"PK\x05\x06"

ENCRYPTED: Final = 0x0001
UTF8: Final = 0x0800
STORED: Final = 0
_NEEDS_VERSION: Final = 20  # of the specification, times 10
_MADE_BY_UNIX: Final = 3 << 8 | _NEEDS_VERSION
_MIDNIGHT: Final = 0
_FIRST_OF_1980: Final = 1 << 5 | 1  # the earliest day that the format can express
_PLAIN_FILE: Final = 0o100644


@dataclass(frozen=True)
class Entry:
    """A member as the archive lists it.

    Args:
        name: Its path.
        crc32: CRC-32 of its bytes.
        size_bytes: Their number.
        offset: Where its local header begins in the archive.
    """

    name: str
    crc32: int
    size_bytes: int
    offset: int

    @property
    def header(self) -> bytes:
        """The bytes before those of the member."""
        name = self.name.encode()
        sizes = (self.size_bytes, self.size_bytes)
        return LOCAL.pack(LOCAL_MAGIC, *self._common, *sizes, len(name), 0) + name

    @property
    def end(self) -> int:
        """Where the next one begins."""
        return self.offset + len(self.header) + self.size_bytes

    @property
    def listed(self) -> bytes:
        """Its entry in the directory at the end of the archive."""
        name = self.name.encode()
        sizes = (self.size_bytes, self.size_bytes, len(name), 0, 0)
        mode = _PLAIN_FILE << 16
        fixed = (CENTRAL_MAGIC, _MADE_BY_UNIX, *self._common, *sizes, 0, 0, mode, self.offset)
        return CENTRAL.pack(*fixed) + name

    @property
    def _common(self) -> tuple[int, ...]:
        flags = 0 if self.name.isascii() else UTF8
        return _NEEDS_VERSION, flags, STORED, _MIDNIGHT, _FIRST_OF_1980, self.crc32


def directory(entries: Sequence[Entry]) -> bytes:
    """Return what follows the last member: the list of all, and the end of the archive."""
    listed = b"".join(each.listed for each in entries)
    start = entries[-1].end if entries else 0
    count = len(entries)
    return listed + END.pack(END_MAGIC, 0, 0, count, count, len(listed), start, 0)
