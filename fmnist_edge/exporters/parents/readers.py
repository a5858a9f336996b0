"""The modules that read parents, by the format of the file."""

from types import MappingProxyType
from typing import Final, Protocol

from fmnist_edge.artifact import Artifact, Format
from fmnist_edge.exporters.parents import keras, onnx, saved_model, tflite
from fmnist_edge.exporters.parents.parent import Parent


class ParentModule(Protocol):
    """What a module that reads parents offers (a module has no `self` to pass)."""

    def load(self, artifact: Artifact) -> Parent:
        """Read a classifier; code inside its file is never run.

        Raises:
            MissingDependencyError: A tool that reads the format is not installed.
            ModelUnreadableError: The file is damaged.
            ModelUnsupportedError: The model is no Fashion-MNIST classifier, or none that exports
                can start from.
            StorageError: The temporary folder is full or not writable.
        """


_PARENTS: Final[dict[Format, ParentModule]] = {
    Format.KERAS: keras,
    Format.SAVED_MODEL: saved_model,
    Format.TFLITE: tflite,
    Format.ONNX: onnx,
}
PARENTS: Final = MappingProxyType(_PARENTS)


def load_parent(artifact: Artifact) -> Parent:
    """Read the classifier that exports start from.

    Args:
        artifact: A file of a format that `route_of` knows a way from.

    Raises:
        FmnistEdgeError: As `ParentModule.load` describes.
    """
    return PARENTS[artifact.format].load(artifact)
