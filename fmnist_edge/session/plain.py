"""What sessions have in common: everything but the call itself."""

from typing import Any, Final

from numpy.typing import NDArray

from fmnist_edge.artifact import TensorSpec
from fmnist_edge.session.tensors import Scores, decode_scores, prepare_images


class PlainSession:
    """A session that lacks `run` and `used`.

    Args:
        source: The input tensor the file declares.
        target: The output tensor the file declares.
        batch: Items that one `run` takes.
    """

    def __init__(self, source: TensorSpec, target: TensorSpec, batch: int) -> None:
        self.input: Final = source
        self.output: Final = target
        self.batch: Final = batch

    def prepare(self, images: NDArray[Any]) -> NDArray[Any]:
        """Turn `batch` items into the exact input tensor, as `prepare_images` does.

        Raises:
            ModelUnsupportedError: the model takes items of another shape or kind.
        """
        return prepare_images(images, self.input)

    def decode(self, output: NDArray[Any]) -> Scores:
        """Turn a raw output into float32 of the same shape."""
        return decode_scores(output, self.output)

    def close(self) -> None:
        """Give back what the runtime holds; most hold nothing that outlives the session."""
