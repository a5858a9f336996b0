"""Keeping the chatter of native libraries off the user's screen, and their errors to one line.

TensorFlow and its converter write to file descriptors 1 and 2 from C++, past `sys.stdout`, before
and regardless of any logging level.
"""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_TAIL: Final = 4000
_DESCRIPTORS: Final = (1, 2)


@contextmanager
def suppress_native_output() -> Iterator[None]:
    """Collect what is written to stdout and stderr inside; drop it if all goes well.

    If an exception leaves the block, the end of what was collected goes with it as a note, so that
    nothing a bug report needs is lost. Whoever must print meanwhile needs a descriptor of its own.
    """
    _flush()
    with tempfile.TemporaryFile() as sink:
        saved = [os.dup(descriptor) for descriptor in _DESCRIPTORS]
        for descriptor in _DESCRIPTORS:
            os.dup2(sink.fileno(), descriptor)
        try:
            yield
        except Exception as error:
            _flush()
            if collected := _tail(sink.fileno()):
                error.add_note(collected)
            raise
        finally:
            _flush()
            for descriptor, original in zip(_DESCRIPTORS, saved, strict=True):
                os.dup2(original, descriptor)
                os.close(original)


def _flush() -> None:
    # What Python still buffers belongs to whoever wrote it, on their side of the switch.
    sys.stdout.flush()
    sys.stderr.flush()


def _tail(descriptor: int) -> str:
    size = os.fstat(descriptor).st_size
    text = os.pread(descriptor, _TAIL, max(0, size - _TAIL))
    return text.decode(errors="replace")


def first_line(error: Exception) -> str:
    """What a library's exception says first, without a full stop, to be part of a sentence."""
    return str(error).strip().partition("\n")[0].rstrip(".")
