"""The JSON Schema of a results file, made from the records and their docstrings.

    python -m fmnist_edge.result.json_schema docs/result.schema.json

writes the published copy anew; a test holds the two against each other.
"""

import inspect
import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from fmnist_edge.files import write_atomically
from fmnist_edge.result.run import SCHEMA_VERSION, Run

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
# A field in the `Args:` section of a docstring: its name, and lines that are indented further.
_FIELD: Final = re.compile(r"^    (\w+): (.+(?:\n {8}.+)*)", re.MULTILINE)


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a results file, with a description per field."""
    (reference,), definitions = msgspec.json.schema_components(
        (Run,), ref_template="#/$defs/{name}"
    )
    named = {kind.__name__: kind for kind in _records(Run)}
    for name, definition in definitions.items():
        _describe(definition, inspect.getdoc(named[name]) or "" if name in named else "")
    version = definitions["Run"]["properties"]["schema_version"]
    version["const"] = SCHEMA_VERSION
    return {
        "$schema": _DIALECT,
        "title": f"fmnist-edge result, schema {SCHEMA_VERSION}",
        **reference,
        "$defs": dict(sorted(definitions.items())),
    }


def _records(kind: type[msgspec.Struct]) -> set[type[msgspec.Struct]]:
    """Return a record's class and those of all records that it holds."""
    found, waiting = set(), [msgspec.inspect.type_info(kind)]
    while waiting:
        each = waiting.pop()
        if isinstance(each, msgspec.inspect.StructType):
            if each.cls in found:
                continue
            found.add(each.cls)
            waiting += [field.type for field in each.fields]
        waiting += _parts(each)
    return found


def _parts(kind: msgspec.inspect.Type) -> list[msgspec.inspect.Type]:
    """Return the types that a union, a list or a mapping is made of."""
    if isinstance(kind, msgspec.inspect.UnionType):
        return list(kind.types)
    if isinstance(kind, msgspec.inspect.VarTupleType):
        return [kind.item_type]
    return [kind.value_type] if isinstance(kind, msgspec.inspect.DictType) else []


def _describe(definition: dict[str, Any], text: str) -> None:
    """Put the parts of a docstring where tools that read a schema look for them."""
    definition.pop("description", None)
    what = text.partition("\n\nArgs:\n")[0]
    if what:
        definition["description"] = " ".join(what.split())
    told: Mapping[str, str] = dict(_FIELD.findall(text.partition("\nArgs:\n")[2]))
    for name, described in told.items():
        if name in definition.get("properties", {}):
            definition["properties"][name]["description"] = " ".join(described.split())


def schema_text() -> str:
    """Return the schema as the text of its file."""
    return json.dumps(json_schema(), indent=1) + "\n"


if __name__ == "__main__":
    write_atomically(Path(sys.argv[1]), schema_text().encode())
