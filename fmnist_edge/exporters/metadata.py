"""What an exported file says of itself, in formats that have room for it."""

import json
from typing import Any, Final

from fmnist_edge import __version__
from fmnist_edge.dataset import LABELS
from fmnist_edge.exporters.parent import Parent
from fmnist_edge.optional import versions_of
from fmnist_edge.recipes import Choices, Recipe

__all__ = ["NAME", "RAW_PIXELS", "facts", "known"]

NAME: Final = "fmnist_edge"
RAW_PIXELS: Final = "uint8 pixels as they are, 0 (background) to 255"
# Of models that this project trains, on data under the same licence; others keep their owner's.
_LICENSE: Final = "MIT"
_LICENSE_OF_OTHERS: Final = "that of the parent"


def facts(
    parent: Parent, recipe: Recipe, choices: Choices, preprocessing: str, tools: tuple[str, ...]
) -> dict[str, Any]:
    """Facts by name, as JSON can hold them. The same arguments and tools give the same facts.

    Args:
        parent: What the file was made from.
        recipe: What it is.
        choices: Whether the scores are logits.
        preprocessing: From a camera's bytes to its input.
        tools: The distributions that made it.
    """
    manifest = parent.artifact.manifest
    ours = manifest is not None and manifest.training is not None
    return {
        "labels": list(manifest.labels if manifest else LABELS),
        "license": _LICENSE if ours else _LICENSE_OF_OTHERS,
        "parent_sha256": parent.artifact.sha256,
        "preprocessing": preprocessing,
        "recipe": recipe.name,
        "scores": choices.scores,
        "tools": {"fmnist-edge": __version__, **versions_of(tools)},
    }


def known(
    parent: Parent, recipe: Recipe, choices: Choices, preprocessing: str, tools: tuple[str, ...]
) -> dict[str, str]:
    """The same facts for formats that hold texts only: lists and maps as JSON.

    None at all if the user wants the file to carry none.
    """
    if not choices.metadata:
        return {}
    every = facts(parent, recipe, choices, preprocessing, tools)
    return {
        name: fact if isinstance(fact, str) else json.dumps(fact, sort_keys=True)
        for name, fact in every.items()
    }
