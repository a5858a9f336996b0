"""The last step of an ONNX export: plain names, the batch axis, and the metadata."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from fmnist_edge import __version__
from fmnist_edge.exporters.conversion import Conversion, Files
from fmnist_edge.exporters.metadata import (
    AUTHOR,
    description,
    is_ours,
    labels,
    texts,
)
from fmnist_edge.exporters.onnx.graph import Model, set_batch
from fmnist_edge.exporters.onnx.tidy import tidy_quantized
from fmnist_edge.recipes import Pixels

# ONNX's names of the range of the pixels.
_RANGES: Final[Mapping[Pixels, str]] = MappingProxyType(
    {"uint8": "NominalRange_0_255", "float32": "Normalized_0_1"}
)


def finish(model: Model, conversion: Conversion) -> Files:
    """Return the `.onnx` file, from `image` [N,28,28] to `scores`, float32[N,10].

    Raises:
        ExportError: The graph is not valid ONNX.
    """
    payload: bytes = finished(model, conversion).SerializeToString(deterministic=True)
    return {conversion.recipe.format.suffix: payload}


def finished(model: Model, conversion: Conversion) -> Model:
    """Return the tidied graph with its batch axis and its metadata.

    A batch of 1 leaves the axis open, because ONNX Runtime is no slower for an open one.

    Raises:
        ExportError: The graph is not valid ONNX.
    """
    choices = conversion.choices
    tidied = tidy_quantized(model)
    set_batch(tidied, None if choices.batch == 1 else choices.batch)
    tidied.producer_name = "fmnist-edge"
    tidied.producer_version = __version__
    tidied.doc_string = ""
    del tidied.metadata_props[:]
    if choices.metadata:
        _describe(tidied, conversion)
    return tidied


def _describe(model: Model, conversion: Conversion) -> None:
    """Add our own facts, and those that ONNX and other tools have names for.

    ONNX's documents IR.md and MetadataProps.md name the licence, the author and the format of an
    image; `names` is the key of Ultralytics for the labels, a Python dict as text.
    """
    known = texts(conversion)
    standard = {
        "Image.BitmapPixelFormat": "Gray8",
        "Image.NominalPixelRange": _RANGES[conversion.choices.pixels],
        "model_license": known["license"],
        "names": str(dict(enumerate(labels(conversion)))),
    }
    if is_ours(conversion):
        standard["model_author"] = AUTHOR
    model.doc_string = description(conversion)
    model.graph.input[0].type.denotation = "IMAGE"
    for name, text in sorted({**known, **standard}.items()):
        model.metadata_props.add(key=name, value=text)
