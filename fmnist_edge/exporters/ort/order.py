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
    # A table begins with the distance back to its layout, which may lie before it.
    place = _place(model)
    layout = place - int.from_bytes(flat[place : place + 4], "little", signed=True)
    old, end = _place(resolver), min(layout, place)
    field = _place(root) + root._tab.Offset(_RESOLVER)  # noqa: SLF001 - generated code
    flat[old:end] = bytes(end - old)
    flat += bytes(-len(flat) % _ALIGNMENT)
    flat[field : field + 4] = (len(flat) + start - field).to_bytes(4, "little")
    return bytes(flat + made)


def _table(name: str) -> Any:  # noqa: ANN401 - generated code
    return getattr(_functions(name), name)


def _functions(name: str) -> Any:  # noqa: ANN401 - generated code
    return require(f"{_SCHEMA}.{name}", extra="onnx")


def _place(table: Any) -> int:  # noqa: ANN401 - generated code
    return int(table._tab.Pos)  # noqa: SLF001 - generated code has no other way


def _sorted(resolver: Any) -> tuple[bytes, int]:  # noqa: ANN401 - generated code
    """Return the sorted list as a flatbuffer, and the offset of its table in it."""
    builder = require("flatbuffers", extra="onnx").Builder(0)
    operators = [
        resolver.OpKernelTypeStrArgs(index) for index in range(resolver.OpKernelTypeStrArgsLength())
    ]
    made = [_operator(builder, each) for each in sorted(operators, key=lambda each: each.OpId())]
    write = _functions("KernelTypeStrResolver")
    listed = _vector(builder, write.StartOpKernelTypeStrArgsVector, made)
    write.Start(builder)
    write.AddOpKernelTypeStrArgs(builder, listed)
    builder.Finish(write.End(builder))
    output = bytes(builder.Output())
    return output, int.from_bytes(output[:4], "little")


def _operator(builder: Any, operator: Any) -> int:  # noqa: ANN401 - generated code
    write = _functions("OpIdKernelTypeStrArgsEntry")
    types = [
        operator.KernelTypeStrArgs(index) for index in range(operator.KernelTypeStrArgsLength())
    ]
    made = [_type(builder, each) for each in sorted(types, key=lambda each: each.KernelTypeStr())]
    listed = _vector(builder, write.StartKernelTypeStrArgsVector, made)
    name = builder.CreateString(operator.OpId())
    write.Start(builder)
    write.AddOpId(builder, name)
    write.AddKernelTypeStrArgs(builder, listed)
    return int(write.End(builder))


def _type(builder: Any, entry: Any) -> int:  # noqa: ANN401 - generated code
    write = _functions("KernelTypeStrArgsEntry")
    made = [_argument(builder, entry.Args(index)) for index in range(entry.ArgsLength())]
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
