"""ONNX Runtime called from C: `.onnx` and `.ort` files, without Python between the calls.

`libonnxruntime.so` is of the same package and release as the Python module, which holds a copy of
its own.
"""

import os
from typing import Final

from fmnist_edge.artifact import Artifact, Format
from fmnist_edge.devices import CPU_ONLY
from fmnist_edge.libraries import onnxruntime as onnxruntime_library
from fmnist_edge.native import build, find_library
from fmnist_edge.native import load_library as load
from fmnist_edge.runtimes.native_session import Interface, NativeSession, open_native
from fmnist_edge.session import DefaultUse, SessionOptions

FORMATS = frozenset({Format.ONNX, Format.ORT})
PACKAGE = onnxruntime_library.PACKAGE
EXTRA = onnxruntime_library.EXTRA
DEVICES = CPU_ONLY
READS_MODEL = True
DEFAULT_USE = DefaultUse.ON_REQUEST

_LIBRARY: Final = "capi/libonnxruntime.so.*"
_DRIVER: Final = "onnxruntime"
# ONNXTensorElementDataType
_DTYPES: Final = {
    1: "float32",
    2: "uint8",
    3: "int8",
    4: "uint16",
    5: "int16",
    6: "int32",
    7: "int64",
    8: "string",
    9: "bool",
    10: "float16",
    11: "float64",
    12: "uint32",
    13: "uint64",
}


def load_library() -> str:
    """Load ONNX Runtime's library, compile the C code that calls it, and return its version."""
    interface = _interface()
    build(interface.driver)
    load(interface.library)
    return interface.library.name.partition(".so.")[2]


def open(artifact: Artifact, options: SessionOptions) -> NativeSession:  # noqa: A001 - the contract's name
    """Open an `.onnx` or `.ort` file."""
    return open_native(_interface(), artifact, options)


def _interface() -> Interface:
    # As in `onnxruntime_library`: without this, loading it writes a file into the home folder.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    library = find_library(PACKAGE, _LIBRARY, extra=EXTRA)
    return Interface("ONNX Runtime", _DRIVER, library, _DTYPES, resizes=False)
