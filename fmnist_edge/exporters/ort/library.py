"""ONNX Runtime as a tool of exports."""

import os
from typing import Any

from fmnist_edge.optional import require

__all__ = ["failures", "part"]


def part(module: str = "onnxruntime") -> Any:  # noqa: ANN401 - a module
    """ONNX Runtime, or a module of it.

    Raises:
        MissingDependencyError: it, or what that module needs, is not installed.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # read at import; see runtimes/ort.py
    return require(module, extra="onnx")


def failures() -> tuple[type[Exception], ...]:
    """What it raises; its own exceptions derive from `Exception` alone, so they are listed."""
    state = part("onnxruntime.capi.onnxruntime_pybind11_state")
    own = [each for each in vars(state).values() if isinstance(each, type)]
    return (ValueError, RuntimeError, *(each for each in own if issubclass(each, Exception)))
