"""Damaged files of ncnn, which itself trusts what it reads, are refused in words."""

import contextlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fmnist_edge.artifact import Artifact, Format
from fmnist_edge.errors import FmnistEdgeError, ModelUnreadableError
from fmnist_edge.ncnn_file import Network, Product, param_text, read_network, weights_bytes
from fmnist_edge.runtimes import ncnn_
from fmnist_edge.session import SessionOptions

_NETWORKS = [
    Network((Product(784, 10, "relu"), Product(10, 10, "softmax"))),
    Network((Product(16, 10, "relu"), Product(10, 10, "linear")), pool=7),
]
_WORDS = [
    "0",
    "1",
    "-1",
    "2",
    "7",
    "10",
    "784",
    "999999999",
    "0=1",
    "2=100",
    "9=4",
    "-23310=1,1",
    "\0",
]
_KINDS = ["Input", "Pooling", "Reshape", "InnerProduct", "ReLU", "Softmax", "Convolution", "Split"]


def _weights(network: Network) -> bytes:
    return b"".join(
        weights_bytes(
            np.full((each.inputs, each.units), 0.5, np.float32),
            np.arange(each.units, dtype=np.float32),
            halved=False,
        )
        for each in network.products
    )


def _artifact(text: bytes, weights: bytes) -> Artifact:
    return Artifact(Path("m.param"), Format.NCNN, text, None, {"m.bin": weights})


def _opens_and_answers(artifact: Artifact) -> None:
    """Run what opens; whatever it is, it has the shape that the session says."""
    with contextlib.suppress(FmnistEdgeError):
        session = ncnn_.open(artifact, SessionOptions(batch=2))
        source, target = session.input.shape[1:], session.output.shape[1:]
        answer = session.run(np.ones((2, *(size or 0 for size in source)), np.float32))
        assert answer.shape == (2, *target)
        assert np.array_equal(answer[0], answer[1], equal_nan=True)


@given(
    st.sampled_from(_NETWORKS),
    st.integers(0, 10**6),
    st.integers(1, 255),
    st.sampled_from([b"bin-sha256-", b""]),
)
def test_a_changed_byte_of_the_text_is_refused_or_harmless(
    network: Network, position: int, flips: int, prefix: bytes
) -> None:
    weights = _weights(network)
    text = bytearray(param_text(network, weights).encode().replace(b"bin-sha256-", prefix))
    text[position % len(text)] ^= flips
    _opens_and_answers(_artifact(bytes(text), weights))


@given(st.sampled_from(_NETWORKS), st.data())
def test_a_changed_word_is_refused_or_harmless(network: Network, data: st.DataObject) -> None:
    weights = _weights(network)
    lines = [line.split(" ") for line in param_text(network, weights).splitlines()]
    line = data.draw(st.sampled_from(lines))
    place = data.draw(st.integers(0, len(line) - 1))
    line[place] = data.draw(st.sampled_from([*_KINDS, *_WORDS]))
    text = "\n".join(map(" ".join, lines))
    _opens_and_answers(_artifact(text.encode(), weights))


@given(st.sampled_from(_NETWORKS), st.integers(0, 10**6), st.integers(1, 255))
def test_a_changed_byte_of_the_weights_is_refused(
    network: Network, position: int, flips: int
) -> None:
    weights = bytearray(_weights(network))
    text = param_text(network, bytes(weights)).encode()
    weights[position % len(weights)] ^= flips
    with pytest.raises(ModelUnreadableError, match=r"the \.bin file is not the one"):
        read_network(_artifact(text, bytes(weights)), bytes(weights))
    # Without the name of the weights, other numbers are as good; other kinds of numbers are not.
    _opens_and_answers(_artifact(text.replace(b"bin-sha256-", b""), bytes(weights)))


@given(st.sampled_from(_NETWORKS), st.integers(1, 10**6))
def test_every_truncation_is_refused(network: Network, lost: int) -> None:
    weights = _weights(network)
    text = param_text(network, weights).encode().rstrip()
    for cut in (
        _artifact(text[: -1 - lost % len(text)], weights),
        _artifact(text.replace(b"bin-sha256-", b""), weights[: -1 - lost % len(weights)]),
    ):
        with pytest.raises(FmnistEdgeError):
            ncnn_.open(cut, SessionOptions())


@given(st.binary(max_size=100), st.binary(max_size=100))
def test_any_other_bytes_are_refused(text: bytes, weights: bytes) -> None:
    for payload in (text, b"7767517\n" + text):
        with pytest.raises(FmnistEdgeError):
            ncnn_.open(_artifact(payload, weights), SessionOptions())
