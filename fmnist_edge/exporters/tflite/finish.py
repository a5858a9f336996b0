"""The last step of a TFLite export: names, a compact graph, and the metadata entry.

The format's `metadata` table maps names to buffers, and a reader ignores the names that it does not
know. The entry `fmnist_edge` holds one line of JSON.
"""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from fmnist_edge.exporters.conversion import Conversion, Files
from fmnist_edge.exporters.metadata import NAME, RAW_PIXELS, facts
from fmnist_edge.exporters.tflite.compact import compact
from fmnist_edge.exporters.tflite.file import named, pack, schema, unpack

# This entry permits a delegate to compute in float16, and so decides how fast a float16 file runs.
_PERMISSION: Final = b"reduced_precision_support"
# A file without the first entry works too: a runtime that is too old does not know its operators.
_ENTRIES: Final = frozenset({b"min_runtime_version", _PERMISSION})
# The preprocessing by the type of the input, as the schema calls it.
_PREPROCESSING: Final[Mapping[str, str]] = MappingProxyType(
    {
        "UINT8": RAW_PIXELS,
        "INT8": "int8 = uint8 pixel - 128",
        "FLOAT32": "float32 = uint8 pixel / 255",
    }
)


def finish(payload: bytes, conversion: Conversion) -> Files:
    """Return the `.tflite` file with the ends `image` and `scores`, compact, with its metadata.

    The same arguments and the same versions of the tools give the same bytes.

    Args:
        payload: A TFLite file with one input and one output, as a converter leaves it.
        conversion: The export that makes the file.

    Raises:
        MissingDependencyError: LiteRT is not installed.
    """
    told = conversion.choices.metadata
    model = compact(named(unpack(payload)), _ENTRIES if told else {_PERMISSION})
    if told:
        known = facts(conversion, _preprocessing(model))
        _embed(model, json.dumps(known, sort_keys=True, separators=(",", ":")).encode())
    return {conversion.recipe.format.suffix: pack(model)}


def _preprocessing(model: Any) -> str:  # noqa: ANN401 - generated code
    graph = model.subgraphs[0]
    stored = graph.tensors[graph.inputs[0]].type
    names = {number: name for name, number in vars(schema().TensorType).items()}
    return _PREPROCESSING[names[stored]]


def _embed(model: Any, text: bytes) -> None:  # noqa: ANN401 - generated code
    tflite = schema()
    model.metadata = [*(model.metadata or ()), tflite.MetadataT(NAME, len(model.buffers))]
    model.buffers.append(tflite.BufferT(np.frombuffer(text, np.uint8)))
