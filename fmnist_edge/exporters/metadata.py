"""The facts that an exported file carries about itself, in formats that have room for them."""

import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from fmnist_edge import __version__
from fmnist_edge.dataset import LABELS
from fmnist_edge.exporters.conversion import Conversion
from fmnist_edge.optional import versions_of

NAME: Final = "fmnist_edge"
# How a camera's bytes become the input of a file, by the type of that input.
PREPROCESSING: Final[Mapping[str, str]] = MappingProxyType(
    {
        "uint8": "uint8 pixels as they are, 0 (background) to 255",
        "int8": "int8 = uint8 pixel - 128",
        "float32": "float32 = uint8 pixel / 255",
    }
)
AUTHOR: Final = "fmnist-edge"
# Of models that this project trains, on data under the same licence; others keep their owner's.
_LICENSE: Final = "MIT"
_LICENSE_OF_OTHERS: Final = "that of the parent"


def description(conversion: Conversion) -> str:
    """Return one sentence about the model."""
    return (
        f"Fashion-MNIST classifier ({conversion.recipe.precision}): "
        f"28x28 pixels in, {conversion.choices.scores} of 10 classes out."
    )


def facts(conversion: Conversion, pixels: str) -> dict[str, Any]:
    """Return the facts by name, as values that JSON can hold.

    The same arguments and the same versions of the tools give the same facts.

    Args:
        conversion: The export that makes the file.
        pixels: The type of the input, a key of `PREPROCESSING`.
    """
    return {
        "labels": list(labels(conversion)),
        "license": _LICENSE if is_ours(conversion) else _LICENSE_OF_OTHERS,
        "parent_sha256": conversion.parent.artifact.sha256,
        "preprocessing": PREPROCESSING[pixels],
        "recipe": conversion.recipe.name,
        "scores": conversion.choices.scores,
        "tools": {"fmnist-edge": __version__, **versions_of(conversion.tools)},
    }


def labels(conversion: Conversion) -> Sequence[str]:
    """Return the names of the classes in the order of the scores."""
    manifest = conversion.parent.artifact.manifest
    return manifest.labels if manifest else LABELS


def is_ours(conversion: Conversion) -> bool:
    """Return whether this project trained the parent."""
    manifest = conversion.parent.artifact.manifest
    return manifest is not None and manifest.training is not None


def texts(conversion: Conversion) -> dict[str, str]:
    """Return the same facts for formats that hold texts only: lists and maps become JSON.

    The input holds the pixels of the user's choice. The result is empty if the user wants files
    without metadata.
    """
    if not conversion.choices.metadata:
        return {}
    return {
        name: fact if isinstance(fact, str) else json.dumps(fact, sort_keys=True)
        for name, fact in facts(conversion, conversion.choices.pixels).items()
    }
