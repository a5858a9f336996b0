"""Function names inside a `saved_model.pb` that are the same in every process.

TensorFlow ends the name of each traced function with a number that counts all functions and
variables of the process.
"""

import copy
import re
from collections.abc import Mapping
from typing import Any, Final

from fmnist_edge.libraries.keras import EXTRA
from fmnist_edge.optional import require

_NUMBERED: Final = re.compile(r"(.*)_(\d+)")
# The name that the user gave to an argument; for a captured weight it is a counter too.
_CALLED: Final = "_user_specified_name"


def renumbered(payload: bytes) -> bytes:
    """Return the same `saved_model.pb` with its functions counted from 0 and sorted.

    Raises:
        MissingDependencyError: TensorFlow is not installed.
    """
    proto = require("tensorflow.core.protobuf.saved_model_pb2", extra=EXTRA)
    saved = proto.SavedModel.FromString(payload)
    for graph in saved.meta_graphs:
        functions = graph.graph_def.library.function
        _rename(graph, _numbered([each.signature.name for each in functions]))
        functions.sort(key=lambda each: each.signature.name)
    written: bytes = saved.SerializeToString(deterministic=True)
    return written


def _numbered(names: list[str]) -> Mapping[str, str]:
    """Return the new names by the old ones; numbers follow the order of tracing."""
    found = [(int(match[2]), match[1]) for each in names if (match := _NUMBERED.fullmatch(each))]
    return {f"{stem}_{old}": f"{stem}_{new}" for new, (old, stem) in enumerate(sorted(found))}


def _rename(message: Any, names: Mapping[str, str]) -> None:  # noqa: ANN401 - a protobuf message
    for field, value in message.ListFields():
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            _rename_map(field, value, names)
        elif field.message_type is not None:
            for part in _parts(value):
                _rename(part, names)
        elif field.type == field.TYPE_STRING and isinstance(value, str):
            setattr(message, field.name, names.get(value, value))
        elif field.type == field.TYPE_STRING:
            value[:] = [names.get(each, each) for each in value]


def _rename_map(field: Any, value: Any, names: Mapping[str, str]) -> None:  # noqa: ANN401 - protobuf
    if field.message_type.fields_by_name["value"].message_type is None:
        for key, text in value.items():
            value[key] = names.get(text, text)
        return
    moved = {}
    for key in list(value):
        _rename(value[key], names)
        if key in names:
            moved[names[key]] = copy.deepcopy(value[key])
        if key in names or (key == _CALLED and value[key].s.isdigit()):
            del value[key]
    # After all deletions, because a new name may have been the old name of another entry.
    for key, entry in moved.items():
        value[key].CopyFrom(entry)


def _parts(value: Any) -> list[Any]:  # noqa: ANN401 - one message, or many
    return [value] if hasattr(value, "ListFields") else list(value)
