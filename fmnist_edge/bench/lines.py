"""Records as single lines, and scores as text: what goes through the pipes."""

import base64
import json

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.records import encode

__all__ = ["decode_scores", "encode_line", "encode_scores"]


def encode_line(record: object) -> bytes:
    """A record as one line of JSON."""
    return json.dumps(encode(record), allow_nan=False).encode() + b"\n"


def encode_scores(scores: NDArray[np.float32]) -> str:
    """float32[N,C] as text."""
    return f"{scores.shape[1]}:" + base64.b64encode(scores.astype("<f4").tobytes()).decode("ascii")


def decode_scores(text: str) -> NDArray[np.float32]:
    """What `encode_scores` made of float32[N,C].

    Raises:
        ValueError: it is something else.
    """
    classes, _, packed = text.partition(":")
    flat = np.frombuffer(base64.b64decode(packed, validate=True), "<f4")
    return flat.reshape(-1, int(classes)).astype(np.float32)
