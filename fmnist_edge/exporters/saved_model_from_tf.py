"""A TensorFlow classifier to a SavedModel: the folder that TensorFlow itself serves."""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from fmnist_edge.artifact import SAVED_MODEL_FILE
from fmnist_edge.errors import ExportError
from fmnist_edge.exporters import metadata
from fmnist_edge.exporters.files import Files
from fmnist_edge.exporters.parent import Parent
from fmnist_edge.exporters.saved_model_names import renumbered
from fmnist_edge.exporters.tf_function import serving_module
from fmnist_edge.files import storage_errors
from fmnist_edge.libraries.keras import tensorflow
from fmnist_edge.libraries.native_output import first_line
from fmnist_edge.recipes import Choices, Recipe
from fmnist_edge.records import replace
from fmnist_edge.session import Images

__all__ = ["NEEDS", "TOOLS", "export"]

NEEDS: Final[Mapping[str, str]] = {}
TOOLS: Final[tuple[str, ...]] = ("tensorflow", "keras", "numpy")

# It holds a random number and is read by nobody who serves the model.
_RANDOM: Final = "fingerprint.pb"
# The place for files that travel with the model and are none of its graph's business.
_ABOUT: Final = f"assets.extra/{metadata.NAME}.json"


def export(parent: Parent, recipe: Recipe, choices: Choices, calibration: Images) -> Files:  # noqa: ARG001 - the contract
    """Save, with a signature `serving_default`: uint8 `image` to `scores`.

    The batch axis is open unless it is to be more than 1: TensorFlow is no faster for a fixed one.

    Raises:
        ExportError: TensorFlow cannot save the model, or the choices cannot be had.
        MissingDependencyError: TensorFlow is not installed.
        StorageError: the temporary folder is full or not writable.
    """
    batch = None if choices.batch == 1 else choices.batch
    files = _saved(serving_module(parent, replace(choices, batch=batch), "uint8"))
    main = renumbered(files.pop(SAVED_MODEL_FILE))
    about = metadata.known(parent, recipe, choices, metadata.RAW_PIXELS, TOOLS)
    if about:
        files[_ABOUT] = json.dumps(about, indent=1, sort_keys=True).encode()
    folder = f".{recipe.format}"
    return {f"{folder}/{SAVED_MODEL_FILE}": main} | {
        f"{folder}/{name}": files[name] for name in sorted(files)
    }


def _saved(module: Any) -> dict[str, bytes]:  # noqa: ANN401 - a tf.Module
    """What TensorFlow writes, by path inside the folder."""
    tf = tensorflow()
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
