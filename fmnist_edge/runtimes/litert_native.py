"""LiteRT called from C: `.tflite` files, without Python between the calls.

`libLiteRt.so` of the same package has compiled models instead of the Interpreter; both compute with
XNNPACK.
"""

from typing import Final

from fmnist_edge.artifact import Artifact, Format
from fmnist_edge.devices import CPU_ONLY
from fmnist_edge.errors import MissingDependencyError
from fmnist_edge.native import build, find_library
from fmnist_edge.native import load_library as load
from fmnist_edge.optional import versions_of
from fmnist_edge.runtimes.native_session import Interface, NativeSession, open_native
from fmnist_edge.session import DefaultUse, SessionOptions

FORMATS = frozenset({Format.TFLITE})
PACKAGE = "ai_edge_litert"
EXTRA = "litert"
DEVICES = CPU_ONLY
READS_MODEL = True
DEFAULT_USE = DefaultUse.ON_REQUEST

_DISTRIBUTION: Final = "ai-edge-litert"
_LIBRARY: Final = "libLiteRt.so"
_DRIVER: Final = "litert"
# In older versions, a function that opens models has the same name and other arguments.
_OLDEST: Final = (2, 1, 6)
# LiteRtElementType
_DTYPES: Final = {
    1: "float32",
    2: "int32",
    3: "uint8",
    4: "int64",
    6: "bool",
    7: "int16",
    9: "int8",
    10: "float16",
    11: "float64",
    13: "uint64",
    16: "uint32",
    17: "uint16",
}


def load_library() -> str:
    """Load the library of LiteRT, compile the C code that calls it, and return its version."""
    interface = _interface()
    build(interface.driver)
    load(interface.library)
    return _version()


def open(artifact: Artifact, options: SessionOptions) -> NativeSession:  # noqa: A001 - the contract's name
    """Open a `.tflite` file."""
    return open_native(_interface(), artifact, options)


def _interface() -> Interface:
    library = find_library(PACKAGE, _LIBRARY, extra=EXTRA)
    numbers = tuple(int(part) for part in _version().split(".")[:3] if part.isdecimal())
    if numbers < _OLDEST:
        oldest = ".".join(map(str, _OLDEST))
        raise MissingDependencyError(
            f"LiteRT {_version()} has another C interface than version {oldest}.",
            hint=f"Update it with: pip install '{_DISTRIBUTION}>={oldest}'",
        )
    return Interface("LiteRT", _DRIVER, library, _DTYPES, resizes=True)


def _version() -> str:
    return versions_of((_DISTRIBUTION,)).get(_DISTRIBUTION, "unknown")
