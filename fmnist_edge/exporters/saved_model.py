"""A TensorFlow classifier as a SavedModel, the folder that TensorFlow Serving serves."""

import json
import tempfile
from pathlib import Path
from typing import Final

from fmnist_edge.artifact import SAVED_MODEL_FILE
from fmnist_edge.errors import ExportError
from fmnist_edge.exporters import metadata
from fmnist_edge.exporters.conversion import Conversion, Files
from fmnist_edge.exporters.saved_model_names import renumbered
from fmnist_edge.exporters.serving import serving_module
from fmnist_edge.files import storage_errors
from fmnist_edge.libraries.keras import tensorflow
from fmnist_edge.libraries.native_output import first_line
from fmnist_edge.records import replace

# This file holds a random number, and nothing that serves the model reads it.
_RANDOM: Final = "fingerprint.pb"
# The folder for files that travel with the model and are not part of its graph.
_ABOUT: Final = f"assets.extra/{metadata.NAME}.json"


def convert(conversion: Conversion) -> dict[str, bytes]:
    """Return the files that TensorFlow writes, by their paths inside the folder.

    The signature `serving_default` takes `image` [N,28,28] and gives float32[N,10] `scores`.
    A batch of 1 leaves the batch axis open, because TensorFlow is no faster for a fixed one.

    Raises:
        ExportError: TensorFlow cannot save the model, or the options cannot be had.
        MissingDependencyError: TensorFlow is not installed.
        StorageError: The temporary folder is full or not writable.
    """
    tf = tensorflow()
    choices = conversion.choices
    batch = None if choices.batch == 1 else choices.batch
    module = serving_module(conversion.parent, replace(choices, batch=batch), choices.pixels)
    with storage_errors(Path(tempfile.gettempdir())), tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        try:
            tf.saved_model.save(module, temporary, signatures={"serving_default": module.serve})
        except (ValueError, RuntimeError, tf.errors.OpError) as error:
            raise ExportError(
                f"TensorFlow cannot save it: {first_line(error)}.",
                hint="This is worth a bug report, with the model attached.",
            ) from error
        files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*")}
        return {
            name: path.read_bytes()
            for name, path in files.items()
            if path.is_file() and name != _RANDOM
        }


def finish(saved: dict[str, bytes], conversion: Conversion) -> Files:
    """Return the files of the folder, with stable names of functions and with the metadata."""
    files = dict(saved)
    main = renumbered(files.pop(SAVED_MODEL_FILE))
    about = metadata.texts(conversion)
    if about:
        files[_ABOUT] = json.dumps(about, indent=1, sort_keys=True).encode()
    folder = f".{conversion.recipe.format}"
    return {f"{folder}/{SAVED_MODEL_FILE}": main} | {
        f"{folder}/{name}": files[name] for name in sorted(files)
    }
