"""The runtimes, which execute artifacts.

A new runtime is a module that satisfies `RuntimeModule` and a line in the table below; the contract
tests and `bench` then include it. Importing this package imports no runtime's library.
"""

from types import MappingProxyType
from typing import Final

from fmnist_edge.artifact import Format
from fmnist_edge.runtimes import (
    keras_predict,
    litert,
    litert_native,
    ncnn_,
    null,
    numpy_,
    openvino_,
    ort,
    ort_native,
    tensorflow_,
)
from fmnist_edge.session import RuntimeModule
from fmnist_edge.tables import look_up

__all__ = ["RUNTIMES", "get", "reading"]

_MODULES: Final[dict[str, RuntimeModule]] = {
    "null": null,
    "numpy": numpy_,
    "litert": litert,
    "onnxruntime": ort,
    "openvino": openvino_,
    "ncnn": ncnn_,
    "tensorflow": tensorflow_,
    "keras-predict": keras_predict,
    "litert-native": litert_native,
    "onnxruntime-native": ort_native,
}
RUNTIMES: Final = MappingProxyType(_MODULES)


def get(name: str) -> RuntimeModule:
    """Return the runtime called `name`.

    Raises:
        UsageError: There is no such runtime.
    """
    return look_up(RUNTIMES, name, "runtime")


def reading(target: Format) -> tuple[str, ...]:
    """Return the names of the runtimes that open files of this format and execute the model."""
    return tuple(
        name for name, module in RUNTIMES.items() if module.READS_MODEL and target in module.FORMATS
    )
