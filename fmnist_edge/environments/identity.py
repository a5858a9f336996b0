"""What must be the same in two environments whose measurements stand in one result."""

import hashlib
import platform
import sys
from pathlib import Path
from typing import Final

_PACKAGE: Final = Path(__file__).parents[1]
_SOURCES: Final = frozenset({".py", ".c", ".h"})


def source_digest() -> str:
    """Return the SHA-256 of this package's source as hexadecimal digits.

    Every line of a measuring process is in it, the messages that the benchmark sends and reads
    among them.
    """
    digest = hashlib.sha256()
    for path in sorted(each for each in _PACKAGE.rglob("*") if each.suffix in _SOURCES):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(_PACKAGE).as_posix()} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def machine() -> str:
    """Return what this interpreter is built for, such as "x86_64, 64 bit"."""
    return f"{platform.machine()}, {sys.maxsize.bit_length() + 1} bit"
