"""Small operations on ONNX graphs."""

from collections.abc import Iterable, Sequence
from typing import Any, Final, TypeAlias

from fmnist_edge.libraries.keras import EXTRA
from fmnist_edge.optional import require

PRODUCTS: Final = frozenset({"Conv", "Gemm", "MatMul"})
# These operators reshape or transpose and compute nothing.
LAYOUT: Final = frozenset({"Flatten", "Reshape", "Squeeze", "Transpose", "Unsqueeze"})

# An onnx.ModelProto, or a message inside it: the package is optional, so its types are unknown.
Model: TypeAlias = Any


def set_batch(model: Model, batch: int | None) -> None:
    """Set the first axis of input and output to a size, or leave it open as `N`."""
    for value in (*model.graph.input, *model.graph.output):
        axis = value.type.tensor_type.shape.dim[0]
        axis.Clear()
        if batch is None:
            axis.dim_param = "N"
        else:
            axis.dim_value = batch


def parse(payload: bytes) -> Model:
    """Return the model in the bytes of an `.onnx` file."""
    return require("onnx", extra=EXTRA).ModelProto.FromString(payload)


def copy_of(message: Model) -> Model:
    """Return a copy of a protobuf message."""
    copied = type(message)()
    copied.CopyFrom(message)
    return copied


def replace(field: Any, kept: Sequence[Any]) -> None:  # noqa: ANN401 - a repeated field
    """Replace the contents of a repeated field by these messages, in this order."""
    copies = [copy_of(each) for each in kept]
    del field[:]
    field.extend(copies)


def redirect(nodes: Iterable[Any], old: str, new: str) -> None:
    """Rename the tensor `old` to `new` in the inputs and outputs of the nodes."""
    for node in nodes:
        for names in (node.input, node.output):
            for index, name in enumerate(names):
                names[index] = new if name == old else name


def readers_of(graph: Model, name: str) -> list[Any]:
    """Return the nodes that read a tensor."""
    return [node for node in graph.node if name in node.input]
