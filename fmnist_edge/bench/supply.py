"""What a model is fed with while it is measured."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.bench.own_data import OwnImages
from fmnist_edge.dataset import Split
from fmnist_edge.errors import ModelUnsupportedError
from fmnist_edge.result import Inputs
from fmnist_edge.session import Session, is_image_classifier, synthetic_inputs

__all__ = ["Supply", "supply_for"]

_SYNTHETIC: Final = 256
_SEED: Final = 0


@dataclass(frozen=True)
class Supply:
    """Inputs, and what is known of them.

    Args:
        images: [N, ...], what `Session.prepare` takes.
        record: Where they come from.
    """

    images: NDArray[Any]
    record: Inputs


def supply_for(session: Session, test: Split | None, own: OwnImages | None) -> Supply:
    """The user's images, else the test images for a model that takes them, else noise.

    Raises:
        ModelUnsupportedError: the user's labels name classes that the model does not have.
    """
    if own is not None:
        labelled = own.labels is not None
        if own.labels is not None:
            _check_classes(session, int(own.labels.max()))
        return Supply(own.images, Inputs("file", len(own.images), labelled))
    if test is not None and is_image_classifier(session.input, session.output):
        return Supply(test.images, Inputs("fashion-mnist", len(test.images), labelled=True))
    noise = synthetic_inputs(session.input, _SYNTHETIC, _SEED)
    return Supply(noise, Inputs("synthetic", len(noise), labelled=False))


def _check_classes(session: Session, largest: int) -> None:
    shape = session.output.shape
    classes = int(np.prod([size or 1 for size in shape[1:]]))
    if largest >= classes:
        raise ModelUnsupportedError(
            f"The labels go up to {largest}, and the model gives {classes} scores.",
            hint="Give data of the classes that the model was trained for, or leave out labels.",
        )
