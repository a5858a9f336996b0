"""The `.bin` file beside a model file, which holds its weights."""

from pathlib import Path

from fmnist_edge.artifact import Artifact
from fmnist_edge.errors import ModelUnreadableError


def weights_of(artifact: Artifact) -> bytes:
    """Return the `.bin` of a model.

    Raises:
        ModelUnreadableError: There is none.
    """
    name = Path(artifact.path.name).with_suffix(".bin").name
    if name not in artifact.companions:
        raise ModelUnreadableError(
            f"{artifact.path} comes without {name}, which holds its weights.",
            hint="Copy both files together.",
        )
    return artifact.companions[name]
