"""TensorFlow itself: SavedModels, called through their signature."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from numpy.typing import NDArray

from fmnist_edge import keras_library
from fmnist_edge.artifact import Artifact, Format, TensorSpec
from fmnist_edge.errors import ModelUnsupportedError
from fmnist_edge.keras_library import tensorflow
from fmnist_edge.native_output import first_line
from fmnist_edge.saved_model import Signature, load_signature
from fmnist_edge.session import (
    Images,
    Scores,
    SessionOptions,
    check_classifier,
    decode_scores,
    prepare_images,
)

__all__ = ["EXTRA", "FORMATS", "PACKAGE", "READS_MODEL", "load_library", "open"]

FORMATS = frozenset({Format.SAVED_MODEL})
PACKAGE = "tensorflow"
EXTRA = keras_library.EXTRA
READS_MODEL = True


def load_library() -> str:
    """Import TensorFlow and return its version.

    Raises:
        MissingDependencyError: it is not installed.
    """
    return str(tensorflow().__version__)


class _Session:
    def __init__(
        self,
        path: Path,
        signature: Signature,
        used: Mapping[str, str],
        batch: int,
    ) -> None:
        tf = tensorflow()
        self.input: Final = signature.inputs[0]
        self.output: Final = signature.outputs[0]
        self.batch: Final = batch
        self.used: Mapping[str, str] = used
        self._path: Final = path
        self._held: Final = signature.held
        self._call: Final = signature.function
        self._tensor: Final = tf.constant
        self._errors: Final = (ValueError, TypeError, tf.errors.OpError)

    def prepare(self, images: Images) -> NDArray[Any]:
        return prepare_images(images, self.input)

    def run(self, tensor: NDArray[Any], /) -> NDArray[Any]:
        try:
            answer = self._call(**{self.input.name: self._tensor(tensor)})
        except self._errors as error:
            reason = first_line(error)
            raise ModelUnsupportedError(
                f"TensorFlow cannot run {self._path} on {self.batch} images: {reason}.",
                hint="Its graph may be made for another number of images; try --batch 1.",
            ) from error
        output: NDArray[Any] = answer[self.output.name].numpy()
        return output

    def decode(self, output: NDArray[Any]) -> Scores:
        return decode_scores(output, self.output)

    def close(self) -> None:
        pass


def open(artifact: Artifact, options: SessionOptions) -> _Session:  # noqa: A001 - the contract's name
    """Load a SavedModel.

    Raises:
        MissingDependencyError: TensorFlow is not installed.
        ModelUnreadableError: the model is damaged.
        ModelUnsupportedError: it is no Fashion-MNIST classifier, or cannot take this batch.
        StorageError: the temporary folder is full or not writable.
    """
    used = _use(options.threads)
    signature = load_signature(artifact)
    source, _ = check_classifier(artifact, signature.inputs, signature.outputs)
    _check_batch(artifact, source, options.batch)
    return _Session(artifact.path, signature, used, options.batch)


def _check_batch(artifact: Artifact, source: TensorSpec, batch: int) -> None:
    if source.shape[0] not in {None, batch}:
        raise ModelUnsupportedError(
            f"{artifact.path} takes {source.shape[0]} images at once, not {batch}.",
            hint="Its batch size is fixed; measure it with that one.",
        )


def _use(threads: int) -> Mapping[str, str]:
    """Ask for so many threads, and tell if that was heard."""
    settings = tensorflow().config.threading
    # The first session of a process decides: later TensorFlow says that it is too late.
    with suppress(RuntimeError):
        settings.set_intra_op_parallelism_threads(threads)
        settings.set_inter_op_parallelism_threads(1)
    heard = settings.get_intra_op_parallelism_threads() == threads
    return {"threads": str(threads)} if heard else {}
