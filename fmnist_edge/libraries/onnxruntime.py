"""ONNX Runtime, imported without its telemetry."""

import os
from typing import Any, Final

from fmnist_edge.optional import require

PACKAGE: Final = "onnxruntime"
EXTRA: Final = "onnx"
CPU: Final = "CPUExecutionProvider"
ONLY_ERRORS: Final = 3  # the log level


def onnxruntime(module: str = PACKAGE) -> Any:  # noqa: ANN401 - a module
    """Import ONNX Runtime, or a module of it, and return it.

    Raises:
        MissingDependencyError: It, or a package that the module needs, is not installed.
    """
    # Without this variable the import writes a device id to the home folder.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    return require(module, extra=EXTRA)


def failures() -> tuple[type[Exception], ...]:
    """Return the exceptions of ONNX Runtime, which have no base class of their own."""
    state = onnxruntime("onnxruntime.capi.onnxruntime_pybind11_state")
    own = [each for each in vars(state).values() if isinstance(each, type)]
    return (ValueError, RuntimeError, *(each for each in own if issubclass(each, Exception)))
