"""The last step of an OpenVINO export: batch size, names, metadata, and reproducible bytes."""

import re
import tempfile
from pathlib import Path
from typing import Any, Final

from fmnist_edge.artifact import Precision
from fmnist_edge.exporters.conversion import Conversion, Files
from fmnist_edge.exporters.metadata import NAME, texts
from fmnist_edge.files import storage_errors
from fmnist_edge.libraries.openvino import openvino
from fmnist_edge.session import IMAGE_SHAPE

# The converter's own notes, such as that it was given a Python object.
_NOTES: Final = "conversion_parameters"


def finish(model: Any, conversion: Conversion) -> Files:  # noqa: ANN401 - untyped
    """Return the `.xml` and the `.bin` file, the same bytes for the same model every time.

    The batch size is fixed unless the user leaves it open. Float weights of a float16 file are
    stored in 16 bits; OpenVINO widens them when it loads the file.

    Args:
        model: An `openvino.Model` with one input and one output; it is changed.
        conversion: The export that makes the files.

    Raises:
        StorageError: The temporary folder is full or not writable.
    """
    library = openvino()
    halved = conversion.recipe.precision is Precision.FLOAT16
    # Not `reshape`, which adds operators that prepare the graph for later changes of its shape.
    shape = library.PartialShape([conversion.choices.batch or -1, *IMAGE_SHAPE])
    model.get_parameters()[0].set_partial_shape(shape)
    model.validate_nodes_and_infer_types()
    for key, fact in texts(conversion).items():
        model.set_rt_info(fact, [NAME, key])
    with storage_errors(Path(tempfile.gettempdir())), tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.xml"
        # Twice: the first pass adds the operators of the compression, so that they get names too.
        library.save_model(model, path, compress_to_fp16=halved)
        # From memory: a model that is read from a file is mapped to it, and the file is replaced.
        final = library.Core().read_model(path.read_bytes(), path.with_suffix(".bin").read_bytes())
        _name(final)
        library.serialize(final, path)
        text, weights = path.read_bytes(), path.with_suffix(".bin").read_bytes()
    return {".xml": _without_notes(text), ".bin": weights}


def _name(model: Any) -> None:  # noqa: ANN401 - untyped
    """Name operators by their place, because OpenVINO counts all operators of the process."""
    model.set_friendly_name("classifier")
    for index, node in enumerate(model.get_ordered_ops()):
        node.set_friendly_name(f"{node.get_type_name()}_{index}")
        for output in node.outputs():
            output.set_names(set())
    model.get_parameters()[0].set_friendly_name("image")
    model.get_results()[0].set_friendly_name("scores")
    model.input(0).set_names({"image"})
    model.output(0).set_names({"scores"})


def _without_notes(text: bytes) -> bytes:
    block = re.compile(rf"\s*<{_NOTES}>.*?</{_NOTES}>".encode(), re.DOTALL)
    # Without the line break at the end, a file that lacks its last byte is no valid XML.
    return block.sub(b"", text).rstrip()
