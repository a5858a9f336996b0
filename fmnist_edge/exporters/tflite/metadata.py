"""What a TFLite file says of itself: where it comes from and how it is used.

The format's `metadata` table maps names to buffers; a reader that does not know a name leaves it
alone. Ours holds one line of JSON.
"""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from fmnist_edge.exporters.metadata import NAME, RAW_PIXELS, facts
from fmnist_edge.exporters.parent import Parent
from fmnist_edge.exporters.tflite.compact import compact
from fmnist_edge.exporters.tflite.file import named, pack, schema, unpack
from fmnist_edge.recipes import Choices, Recipe

__all__ = ["finish"]

# By this entry a delegate knows that it may compute in float16. It is no note: it decides how fast
# a float16 file runs.
_PERMISSION: Final = b"reduced_precision_support"
# A runtime that is too old says so without the first one too: it does not know the operator.
_ENTRIES: Final = frozenset({b"min_runtime_version", _PERMISSION})
# By the input's type as the schema calls it.
_PREPROCESSING: Final[Mapping[str, str]] = MappingProxyType(
    {
        "UINT8": RAW_PIXELS,
        "INT8": "int8 = uint8 pixel - 128",
        "FLOAT32": "float32 = uint8 pixel / 255",
    }
)


def finish(
    payload: bytes, parent: Parent, recipe: Recipe, choices: Choices, tools: tuple[str, ...]
) -> bytes:
    """Call the ends `image` and `scores`, drop what no reader needs, embed what is known as JSON.

    The same arguments and tools give the same bytes.

    Args:
        payload: A TFLite file with one input and one output.
        parent: What it was made from.
        recipe: What it is.
        choices: Whether the scores are logits, and whether the file tells what is known.
        tools: The distributions that made it.

    Raises:
        MissingDependencyError: LiteRT is not installed.
    """
    model = compact(named(unpack(payload)), _ENTRIES if choices.metadata else {_PERMISSION})
    if choices.metadata:
        known = facts(parent, recipe, choices, _preprocessing(model), tools)
        _embed(model, json.dumps(known, sort_keys=True, separators=(",", ":")).encode())
    return pack(model)


def _preprocessing(model: Any) -> str:  # noqa: ANN401 - generated code
    graph = model.subgraphs[0]
    stored = graph.tensors[graph.inputs[0]].type
    names = {number: name for name, number in vars(schema().TensorType).items()}
    return _PREPROCESSING[names[stored]]


def _embed(model: Any, text: bytes) -> None:  # noqa: ANN401 - generated code
    tflite = schema()
    model.metadata = [*(model.metadata or ()), tflite.MetadataT(NAME, len(model.buffers))]
    model.buffers.append(tflite.BufferT(np.frombuffer(text, np.uint8)))
