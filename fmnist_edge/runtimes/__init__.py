"""The runtimes, which execute artifacts.

A new runtime is a module that satisfies `RuntimeModule` and a line in the table below; the contract
tests and `bench` then include it. Importing this package imports no runtime's library, and no
module of a runtime: a measuring process needs one of them.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from fmnist_edge.artifact import Format
from fmnist_edge.optional import own_module
from fmnist_edge.session import RuntimeModule
from fmnist_edge.tables import look_up

__all__ = ["RUNTIMES", "get", "reading"]

_MODULES: Final = {
    "null": "null",
    "numpy": "numpy_",
    "litert": "litert",
    "onnxruntime": "ort",
    "openvino": "openvino_",
    "ncnn": "ncnn_",
    "tensorflow": "tensorflow_",
    "keras-predict": "keras_predict",
    "litert-native": "litert_native",
    "onnxruntime-native": "ort_native",
}

if TYPE_CHECKING:
    # So that mypy holds each module of the table against the contract.
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

    _IN_THE_TABLE: tuple[RuntimeModule, ...] = (
        *(null, numpy_, litert, ort, openvino_, ncnn_, tensorflow_, keras_predict),
        *(litert_native, ort_native),
    )


class _Runtimes(Mapping[str, RuntimeModule]):
    """The table by name; a module is imported when it is looked up."""

    def __getitem__(self, name: str) -> RuntimeModule:
        module: RuntimeModule = own_module(f"{__name__}.{_MODULES[name]}")
        return module

    def __contains__(self, name: object) -> bool:
        return name in _MODULES

    def __iter__(self) -> Iterator[str]:
        return iter(_MODULES)

    def __len__(self) -> int:
        return len(_MODULES)


RUNTIMES: Final[Mapping[str, RuntimeModule]] = _Runtimes()


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
