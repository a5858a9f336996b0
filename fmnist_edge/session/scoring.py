"""Running a session of a fixed batch size on any number of items."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.session.contract import Session
from fmnist_edge.session.tensors import Scores


def classify(session: Session, images: NDArray[Any]) -> Scores:
    """Return the scores of any number of items.

    The last batch is padded with its own last item, and the scores of the padding are dropped.

    Args:
        session: An opened model whose output has the batch as its first axis.
        images: [N,...] items that `session.prepare` takes, such as uint8[N,28,28]; N at least 1.

    Returns:
        float32[N,...]; [N,C] of a classifier with C classes.
    """
    parts = []
    for start in range(0, len(images), session.batch):
        part = images[start : start + session.batch]
        short = session.batch - len(part)
        full = np.concatenate([part, np.repeat(part[-1:], short, axis=0)]) if short else part
        decoded = session.decode(session.run(session.prepare(full)))
        parts.append(decoded[: len(part)])
    return np.concatenate(parts)
