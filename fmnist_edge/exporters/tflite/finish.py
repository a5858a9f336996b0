"""The last step of a TFLite export: names, a compact graph, and the metadata entry.

The format's `metadata` table maps names to buffers, and a reader ignores the names that it does not
know. The entry `fmnist_edge` holds one line of JSON, and `TFLITE_METADATA` the standard metadata.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from fmnist_edge.exporters.conversion import Conversion, Files
from fmnist_edge.exporters.metadata import NAME, description, facts, labels
from fmnist_edge.exporters.tflite.compact import compact
from fmnist_edge.exporters.tflite.file import named, pack, schema, unpack
from fmnist_edge.exporters.tflite.standard_metadata import ENTRY, standard_metadata, with_labels

# This entry permits a delegate to compute in float16, and so decides how fast a float16 file runs.
_PERMISSION: Final = b"reduced_precision_support"
# A file without the first entry works too: a runtime that is too old does not know its operators.
_ENTRIES: Final = frozenset({b"min_runtime_version", _PERMISSION})
_RAW: Final = "uint8"


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
        kind = _input_type(model)
        known = facts(conversion, kind)
        _embed(model, NAME.encode(), _json(known))
        standard = standard_metadata(
            description=description(conversion),
            license_=known["license"],
            scaled=kind != _RAW,
            probabilities=conversion.choices.scores == "probabilities",
        )
        _embed(model, ENTRY, standard)
    payload = pack(model)
    return {
        conversion.recipe.format.suffix: with_labels(payload, labels(conversion))
        if told
        else payload
    }


def _input_type(model: Any) -> str:  # noqa: ANN401 - generated code
    graph = model.subgraphs[0]
    stored = graph.tensors[graph.inputs[0]].type
    names: dict[int, str] = {number: name for name, number in vars(schema().TensorType).items()}
    return names[stored].lower()


def _json(known: Mapping[str, Any]) -> bytes:
    return json.dumps(known, sort_keys=True, separators=(",", ":")).encode()


def _embed(model: Any, name: bytes, content: bytes) -> None:  # noqa: ANN401 - generated code
    tflite = schema()
    model.metadata = [*(model.metadata or ()), tflite.MetadataT(name, len(model.buffers))]
    model.buffers.append(tflite.BufferT(np.frombuffer(content, np.uint8)))
