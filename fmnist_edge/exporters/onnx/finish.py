"""The last step of an ONNX export: plain names, the batch axis, and the metadata."""

from fmnist_edge import __version__
from fmnist_edge.exporters.conversion import Conversion, Files
from fmnist_edge.exporters.metadata import RAW_PIXELS, texts
from fmnist_edge.exporters.onnx.graph import Model, set_batch
from fmnist_edge.exporters.onnx.tidy import tidy_quantized


def finish(model: Model, conversion: Conversion) -> Files:
    """Return the `.onnx` file; its `image` is uint8[N,28,28], its `scores` are float32[N,10].

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
    recipe, choices = conversion.recipe, conversion.choices
    tidied = tidy_quantized(model)
    set_batch(tidied, None if choices.batch == 1 else choices.batch)
    tidied.producer_name = "fmnist-edge"
    tidied.producer_version = __version__
    tidied.doc_string = (
        f"Fashion-MNIST classifier ({recipe.precision}): "
        f"28x28 pixels in, {choices.scores} of 10 classes out."
        if choices.metadata
        else ""
    )
    del tidied.metadata_props[:]
    for name, text in sorted(texts(conversion, RAW_PIXELS).items()):
        tidied.metadata_props.add(key=name, value=text)
    return tidied
