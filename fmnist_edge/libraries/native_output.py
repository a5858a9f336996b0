"""Keep what native libraries write off the screen, and shorten their errors to one line.

TensorFlow and its converter write to file descriptors 1 and 2 from C++. `sys.stdout` and the
logging level have no effect on that.
"""

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

_TAIL: Final = 4000
_DESCRIPTORS: Final = (1, 2)


@contextmanager
def suppress_native_output() -> Iterator[None]:
    """Collect what is written to stdout and stderr in the block, and discard it at the end.

    If an exception leaves the block, the last 4,000 characters are added to it as a note, because a
    bug report needs them. Code that must print in the block needs a file descriptor of its own.
    """
    with collect_native_output() as written:
        try:
            yield
        except Exception as error:
            if collected := written()[-_TAIL:]:
                error.add_note(collected)
            raise


@contextmanager
def collect_native_output() -> Iterator[Callable[[], str]]:
    """Collect what is written to stdout and stderr in the block.

    Yields:
        A function that returns what was written so far; to be called in the block.
    """
    _flush()
    with tempfile.TemporaryFile() as sink:
        saved = [os.dup(descriptor) for descriptor in _DESCRIPTORS]
        for descriptor in _DESCRIPTORS:
            os.dup2(sink.fileno(), descriptor)

        def written() -> str:
            _flush()
            size = os.fstat(sink.fileno()).st_size
            return os.pread(sink.fileno(), size, 0).decode(errors="replace")

        try:
            yield written
        finally:
            _flush()
            for descriptor, original in zip(_DESCRIPTORS, saved, strict=True):
                os.dup2(original, descriptor)
                os.close(original)


def _flush() -> None:
    # Text in Python's buffers was written before the descriptors were switched.
    sys.stdout.flush()
    sys.stderr.flush()


def first_line(error: Exception) -> str:
    """Return the first line of an exception's message, without a full stop."""
    return str(error).strip().partition("\n")[0].rstrip(".")
