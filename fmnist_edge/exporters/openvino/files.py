"""An OpenVINO model as the bytes of an `.xml` and a `.bin`, the same ones every time."""

import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from fmnist_edge.exporters import metadata
from fmnist_edge.exporters.files import Files
from fmnist_edge.files import storage_errors
from fmnist_edge.libraries.openvino import openvino

__all__ = ["serialize"]

# What the converter notes about itself: that it was handed a Python object, and the like.
_CHATTER: Final = "conversion_parameters"


def serialize(model: Any, known: Mapping[str, str], *, halved: bool = False) -> Files:  # noqa: ANN401 - untyped
    """Write a model.

    Args:
        model: An `openvino.Model` with one input and one output; it is renamed.
        known: What `rt_info` shall say, under `fmnist_edge`.
        halved: Whether float weights are kept in float16; OpenVINO widens them when it loads.

    Raises:
        StorageError: the temporary folder is full or not writable.
    """
    library = openvino()
    for key, value in known.items():
        model.set_rt_info(value, [metadata.NAME, key])
    with storage_errors(Path(tempfile.gettempdir())), tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.xml"
        # Twice: the first pass puts in the operators of the compression, for the names to be given.
        library.save_model(model, path, compress_to_fp16=halved)
        # From memory: a model that is read from a file lives in it, and is gone when that changes.
        final = library.Core().read_model(path.read_bytes(), path.with_suffix(".bin").read_bytes())
        _name(final)
        library.serialize(final, path)
        text, weights = path.read_bytes(), path.with_suffix(".bin").read_bytes()
    return {".xml": _without_chatter(text), ".bin": weights}


def _name(model: Any) -> None:  # noqa: ANN401 - untyped
    """Name operators by their place: OpenVINO's names count all that this process ever made."""
    model.set_friendly_name("classifier")
    for index, node in enumerate(model.get_ordered_ops()):
        node.set_friendly_name(f"{node.get_type_name()}_{index}")
        for output in node.outputs():
            output.set_names(set())
    model.get_parameters()[0].set_friendly_name("image")
    model.get_results()[0].set_friendly_name("scores")
    model.input(0).set_names({"image"})
    model.output(0).set_names({"scores"})


def _without_chatter(text: bytes) -> bytes:
    block = re.compile(rf"\s*<{_CHATTER}>.*?</{_CHATTER}>".encode(), re.DOTALL)
    # No line break at the end: a file that lacks its last byte is then no XML.
    return block.sub(b"", text).rstrip()
