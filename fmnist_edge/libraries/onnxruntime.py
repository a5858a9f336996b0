"""ONNX Runtime, told to keep to itself."""

import os
from typing import Any, Final

from fmnist_edge.optional import require

PACKAGE: Final = "onnxruntime"
EXTRA: Final = "onnx"
CPU: Final = "CPUExecutionProvider"
ONLY_ERRORS: Final = 3  # the log level


def onnxruntime(module: str = PACKAGE) -> Any:  # noqa: ANN401 - a module
    """The package, or a module of it.

    Raises:
        MissingDependencyError: it, or what that module needs, is not installed.
    """
    # It writes a device id into the home folder at import unless told not to, before the import.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    return require(module, extra=EXTRA)


def failures() -> tuple[type[Exception], ...]:
    """What it raises; its own exceptions derive from `Exception` alone, so they are listed."""
    state = onnxruntime("onnxruntime.capi.onnxruntime_pybind11_state")
    own = [each for each in vars(state).values() if isinstance(each, type)]
    return (ValueError, RuntimeError, *(each for each in own if issubclass(each, Exception)))
