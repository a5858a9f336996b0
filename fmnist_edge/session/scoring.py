"""Running any number of items through a session of one batch size."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.session.contract import Session
from fmnist_edge.session.tensors import Scores


def classify(session: Session, images: NDArray[Any]) -> Scores:
    """The scores of any number of items, through a session of any batch size.

    The last batch is filled up with its own last item; what that adds is cut off again.

    Args:
        session: An opened model whose output has the batch as its first axis.
        images: [N,...] of what `session.prepare` takes, such as uint8[N,28,28]; N at least 1.

    Returns:
        float32[N,...]: of a classifier, one score per class.
    """
    parts = []
    for start in range(0, len(images), session.batch):
        part = images[start : start + session.batch]
        short = session.batch - len(part)
        full = np.concatenate([part, np.repeat(part[-1:], short, axis=0)]) if short else part
        decoded = session.decode(session.run(session.prepare(full)))
        parts.append(decoded[: len(part)])
    return np.concatenate(parts)
