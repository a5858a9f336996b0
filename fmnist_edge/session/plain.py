"""The common part of the sessions of all runtimes."""

from typing import Any, Final

from numpy.typing import NDArray

from fmnist_edge.artifact import TensorSpec
from fmnist_edge.session.tensors import Scores, decode_scores, prepare_images


class PlainSession:
    """A session without `run` and `used`, which each runtime adds.

    Args:
        source: The input tensor that the file declares.
        target: The output tensor that the file declares.
        batch: Number of items that one `run` takes.
    """

    def __init__(self, source: TensorSpec, target: TensorSpec, batch: int) -> None:
        self.input: Final = source
        self.output: Final = target
        self.batch: Final = batch

    def prepare(self, images: NDArray[Any]) -> NDArray[Any]:
        """Convert `batch` items to the input tensor, as `prepare_images` does."""
        return prepare_images(images, self.input)

    def decode(self, output: NDArray[Any]) -> Scores:
        """Convert a raw output to float32 of the same shape."""
        return decode_scores(output, self.output)

    def close(self) -> None:
        """Release the resources of the runtime; most hold none that outlive the session."""
