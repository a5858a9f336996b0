"""A fixed order for the one list in an `.ort` file whose order varies.

The list names the types of each operator's arguments (`KernelTypeStrResolver` in ONNX Runtime's
ort.fbs), in the order of a hash map. The rest of the file is the same for the same graph.
"""

from collections.abc import Sequence
from typing import Any, Final

from fmnist_edge.optional import require

_SCHEMA: Final = "onnxruntime.tools.ort_format_model.ort_flatbuffers_py.fbs"
# The place of `kernel_type_str_resolver` in the root's vtable: two sizes, then fields 0, 1, 2.
_RESOLVER: Final = 4 + 2 * 3
_ALIGNMENT: Final = 8
_LAYOUT_OF_ROOT: Final = 12


def ordered(payload: bytes) -> bytes:
    """Return the same model with that list sorted.

    The offsets of a flatbuffer may point to any place behind them, so the sorted list is appended,
    the root points to it, and zeros replace the old list.

    Args:
        payload: An `.ort` file as ONNX Runtime writes it, with the list between root and model.
    """
    flat = bytearray(payload)
    root = _table("InferenceSession").GetRootAs(flat, 0)
    resolver, model = root.KernelTypeStrResolver(), root.Model()
    made, start = _sorted(resolver)
    old, end = _place(resolver), min(_layout(model), _place(model))
    flat[old:end] = bytes(end - old)
    _move_root(flat, _layout(root), _place(root), old)
    root = _table("InferenceSession").GetRootAs(flat, 0)
    field = _place(root) + root._tab.Offset(_RESOLVER)  # noqa: SLF001 - generated code
    flat += bytes(-len(flat) % _ALIGNMENT)
    flat[field : field + 4] = (len(flat) + start - field).to_bytes(4, "little")
    return bytes(flat + made)


def _children(table: Any, name: str) -> list[Any]:  # noqa: ANN401 - generated code
    return [getattr(table, name)(index) for index in range(getattr(table, f"{name}Length")())]


def _move_root(flat: bytearray, layout: int, place: int, end: int) -> None:
    """Move the root, whose fields are all offsets, to a fixed place behind the identifier.

    The padding inside the list depends on its order, so that the root in front of it begins at
    byte 20 or at byte 24.
    """
    shift = layout - _LAYOUT_OF_ROOT
    for field in range(place + 4, end, 4):
        target = int.from_bytes(flat[field : field + 4], "little")
        flat[field : field + 4] = (target + shift if target else 0).to_bytes(4, "little")
    block = bytes(flat[layout:end])
    flat[layout:end] = bytes(end - layout)
    flat[_LAYOUT_OF_ROOT : _LAYOUT_OF_ROOT + len(block)] = block
    flat[:4] = (place - shift).to_bytes(4, "little")


def _layout(table: Any) -> int:  # noqa: ANN401 - generated code
    """Return the place of a table's layout; a table begins with the distance back to it."""
    place = _place(table)
    return place - int.from_bytes(table._tab.Bytes[place : place + 4], "little", signed=True)  # noqa: SLF001


def _table(name: str) -> Any:  # noqa: ANN401 - generated code
    return getattr(_functions(name), name)


def _functions(name: str) -> Any:  # noqa: ANN401 - generated code
    return require(f"{_SCHEMA}.{name}", extra="onnx")


def _place(table: Any) -> int:  # noqa: ANN401 - generated code
    return int(table._tab.Pos)  # noqa: SLF001 - generated code has no other way


def _sorted(resolver: Any) -> tuple[bytes, int]:  # noqa: ANN401 - generated code
    """Return the sorted list as a flatbuffer, and the offset of its table in it."""
    builder = require("flatbuffers", extra="onnx").Builder(0)
    operators = sorted(_children(resolver, "OpKernelTypeStrArgs"), key=lambda each: each.OpId())
    made = [_operator(builder, each) for each in operators]
    write = _functions("KernelTypeStrResolver")
    listed = _vector(builder, write.StartOpKernelTypeStrArgsVector, made)
    write.Start(builder)
    write.AddOpKernelTypeStrArgs(builder, listed)
    builder.Finish(write.End(builder))
    output = bytes(builder.Output())
    return output, int.from_bytes(output[:4], "little")


def _operator(builder: Any, operator: Any) -> int:  # noqa: ANN401 - generated code
    write = _functions("OpIdKernelTypeStrArgsEntry")
    types = sorted(_children(operator, "KernelTypeStrArgs"), key=lambda each: each.KernelTypeStr())
    made = [_type(builder, each) for each in types]
    listed = _vector(builder, write.StartKernelTypeStrArgsVector, made)
    name = builder.CreateString(operator.OpId())
    write.Start(builder)
    write.AddOpId(builder, name)
    write.AddKernelTypeStrArgs(builder, listed)
    return int(write.End(builder))


def _type(builder: Any, entry: Any) -> int:  # noqa: ANN401 - generated code
    write = _functions("KernelTypeStrArgsEntry")
    made = [_argument(builder, each) for each in _children(entry, "Args")]
    listed = _vector(builder, write.StartArgsVector, made)
    name = builder.CreateString(entry.KernelTypeStr())
    write.Start(builder)
    write.AddKernelTypeStr(builder, name)
    write.AddArgs(builder, listed)
    return int(write.End(builder))


def _argument(builder: Any, argument: Any) -> int:  # noqa: ANN401 - generated code
    write = _functions("ArgTypeAndIndex")
    write.Start(builder)
    write.AddArgType(builder, argument.ArgType())
    write.AddIndex(builder, argument.Index())
    return int(write.End(builder))


def _vector(builder: Any, start: Any, offsets: Sequence[int]) -> int:  # noqa: ANN401 - generated code
    start(builder, len(offsets))
    for offset in reversed(offsets):  # a builder works from the end to the beginning
        builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())
