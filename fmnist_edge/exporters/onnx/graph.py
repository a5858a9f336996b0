"""Small things that one does to an ONNX graph."""

from collections.abc import Iterable, Sequence
from typing import Any, Final, TypeAlias

from fmnist_edge.libraries.keras import EXTRA
from fmnist_edge.optional import require

__all__ = [
    "LAYOUT",
    "PRODUCTS",
    "Model",
    "copy_of",
    "parse",
    "readers_of",
    "redirect",
    "replace",
    "set_batch",
]

PRODUCTS: Final = frozenset({"Conv", "Gemm", "MatMul"})
# They move values about and compute nothing.
LAYOUT: Final = frozenset({"Flatten", "Reshape", "Squeeze", "Transpose", "Unsqueeze"})

# An onnx.ModelProto, or a message inside it: the package is optional, so its types are unknown.
Model: TypeAlias = Any


def set_batch(model: Model, batch: int | None) -> None:
    """Fix the first axis of input and output, or open it as `N`."""
    for value in (*model.graph.input, *model.graph.output):
        axis = value.type.tensor_type.shape.dim[0]
        axis.Clear()
        if batch is None:
            axis.dim_param = "N"
        else:
            axis.dim_value = batch


def parse(payload: bytes) -> Model:
    """The model in a file's bytes."""
    return require("onnx", extra=EXTRA).ModelProto.FromString(payload)


def copy_of(message: Model) -> Model:
    """A copy that nobody else holds."""
    copied = type(message)()
    copied.CopyFrom(message)
    return copied


def replace(field: Any, kept: Sequence[Any]) -> None:  # noqa: ANN401 - a repeated field
    """Let a repeated field hold these messages, in this order, and no others."""
    copies = [copy_of(each) for each in kept]
    del field[:]
    field.extend(copies)


def redirect(nodes: Iterable[Any], old: str, new: str) -> None:
    """Let nodes that read or write the tensor `old` read or write `new`."""
    for node in nodes:
        for names in (node.input, node.output):
            for index, name in enumerate(names):
                names[index] = new if name == old else name


def readers_of(graph: Model, name: str) -> list[Any]:
    """The nodes that read a tensor."""
    return [node for node in graph.node if name in node.input]
