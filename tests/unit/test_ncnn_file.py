"""The two files of ncnn: what is written, what is read, and what is refused."""

from pathlib import Path

import numpy as np
import pytest

from fmnist_edge.artifact import Artifact, Format
from fmnist_edge.errors import ModelUnreadableError, ModelUnsupportedError
from fmnist_edge.ncnn_file import Network, Product, param_text, read_network, weights_bytes

PLAIN = Network((Product(2, 3, "relu"), Product(3, 1, "softmax")))
POOLED = Network((Product(16, 2, "linear"),), pool=7)
# Of a file that pnnx made: the input has no shape, and the blobs have numbers.
FOREIGN = """7767517
5 5
Input            in0        0 1 in0
Reshape          flatten_2  1 1 in0 1 0=2
InnerProduct     linear_0   1 1 1 2 0=3 1=1 2=6
ReLU             relu_1     1 1 2 3
InnerProduct     linear_1   1 1 3 out0 0=1 1=1 2=3
"""


def _weights(network: Network, *, halved: bool = False) -> bytes:
    noise = np.random.default_rng(0)
    return b"".join(
        weights_bytes(
            noise.normal(size=(each.inputs, each.units)).astype(np.float32),
            noise.normal(size=each.units).astype(np.float32),
            halved=halved,
        )
        for each in network.products
    )


def _artifact(text: str) -> Artifact:
    return Artifact(Path("model.param"), Format.NCNN, text.encode(), None)


WEIGHTS = _weights(PLAIN)
TEXT = param_text(PLAIN, WEIGHTS)


def test_layers_become_lines() -> None:
    assert param_text(PLAIN, b"weights") == (
        "7767517\n"
        "4 4\n"
        "Input bin-sha256-9a129038d9a00aed0cf6a7ea059ca50a813449061ab87848cf1a13eafdf33b2c 0 1 "
        "image 0=2\n"
        "InnerProduct innerproduct_1 1 1 image innerproduct_1 0=3 1=1 2=6 9=1\n"
        "InnerProduct innerproduct_2 1 1 innerproduct_1 innerproduct_2 0=1 1=1 2=3 9=0\n"
        "Softmax softmax_3 1 1 innerproduct_2 scores 0=-1 1=1\n"
    )


def test_a_pool_takes_images_and_gives_rows() -> None:
    assert param_text(POOLED, b"").splitlines()[3:] == [
        "Pooling pooling_1 1 1 image pooling_1 0=1 1=7 2=7",
        "Reshape reshape_2 1 1 pooling_1 reshape_2 0=16 1=-1",
        "InnerProduct innerproduct_3 1 1 reshape_2 scores 0=2 1=1 2=32 9=0",
    ]
    assert param_text(POOLED, b"").splitlines()[2].endswith(" 0 1 image 0=28 1=28 2=1")


@pytest.mark.parametrize(
    ("halved", "written"),
    [
        (False, "000000000000803f00000040000040c00000003f"),
        # Three numbers of 16 bits are padded to four.
        (True, "476b3001003c004000c200000000003f"),
    ],
)
def test_weights_are_written_unit_by_unit(*, halved: bool, written: str) -> None:
    kernel, bias = np.array([[1.0], [2.0], [-3.0]], np.float32), np.array([0.5], np.float32)
    assert weights_bytes(kernel, bias, halved=halved).hex() == written


def test_a_row_of_the_file_holds_what_one_unit_takes() -> None:
    kernel = np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)
    written = weights_bytes(kernel, np.zeros(2, np.float32), halved=False)
    assert np.frombuffer(written, "<f4", 4, offset=4).tolist() == [1, 3, 2, 4]


@pytest.mark.parametrize("network", [PLAIN, POOLED])
@pytest.mark.parametrize("halved", [False, True])
def test_what_was_written_is_read(network: Network, *, halved: bool) -> None:
    weights = _weights(network, halved=halved)
    assert read_network(_artifact(param_text(network, weights)), weights) == network


def test_a_chain_that_another_program_wrote_is_read() -> None:
    network = Network((Product(2, 3, "relu"), Product(3, 1, "linear")), 1, "in0", "out0")
    assert read_network(_artifact(FOREIGN), WEIGHTS) == network


@pytest.mark.parametrize(
    ("line", "instead", "problem"),
    [
        ("7767517", "7767518", "it does not begin with ncnn's magic number"),
        ("5 5", "5 6", "it has another number of layers than it says"),
        ("5 5", "", "it has another number of layers than it says"),
        ("1 0=2", "1 0=", "its layer 'Reshape' is damaged"),
        ("1 1 2 3", "1", "its layer 'ReLU' is damaged"),
        ("1 1 2 3", "1 1 2", "its layer 'ReLU' is damaged"),
        ("1 1 2 3", "1 1_0 2 3", "its layer 'ReLU' is damaged"),
        ("2=6", "2=7", "it has an InnerProduct without units, or of unequal ones"),
        ("0=3 1", "0=0 1", "it has an InnerProduct without units, or of unequal ones"),
        ("0=3 1", "0=-3 1", "it has an InnerProduct without units, or of unequal ones"),
        ("2=3", "2=4", "it has an InnerProduct that does not fit what is before it"),
        ("2=6", "2=3", "it has an InnerProduct that does not fit what is before it"),
        ("0=1 1=1 2=3", "0=3 1=1 2=9", "its weights are not the 60 bytes of the .bin file"),
    ],
)
def test_a_damaged_text_is_unreadable(line: str, instead: str, problem: str) -> None:
    assert FOREIGN.count(line) == 1
    with pytest.raises(ModelUnreadableError) as caught:
        read_network(_artifact(FOREIGN.replace(line, instead)), WEIGHTS)
    assert caught.value.message == f"model.param is not a model of ncnn: {problem}."
    assert "export --format ncnn" in caught.value.hint


@pytest.mark.parametrize(
    ("line", "instead", "problem"),
    [
        ("ReLU ", "Sigmoid ", "it has a layer of the kind 'Sigmoid'"),
        ("1 1 2 3", "1 2 2 3 4", "its layer 'ReLU' takes 1 blobs and makes 2"),
        ("1 1 2 3", "1 1 1 3", "its layer 'ReLU' does not follow the one before it"),
        ("1 1 2 3", "1 1 2 3 0=1", "it has a ReLU with a slope"),
        ("1 1 2 3", "1 1 2 3 0=1e-1", "its layer 'ReLU' has parameters that are no whole numbers"),
        ("2=6", "2=6 -23310=1,0.1", "its layer 'InnerProduct' has parameters that are no whole"),
        ("2=6", "2=6 8=1", "it has an InnerProduct without bias, or with another activation"),
        ("2=6", "2=6 9=4", "it has an InnerProduct without bias, or with another activation"),
        ("0=3 1=1", "0=3 1=0", "it has an InnerProduct without bias, or with another activation"),
        ("2=6", "2=6 9=1", "it has an activation that follows no InnerProduct"),
        ("0=2\n", "0=3 1=-1 2=1\n", "it reshapes an image to something else than a row"),
        ("0 1 in0", "0 1 in0 0=1 1=2", "its input is neither a row of numbers nor an image"),
        ("0 1 in0", "0 1 in0 0=-2", "its input is neither a row of numbers nor an image"),
    ],
)
def test_a_network_of_another_kind_is_not_supported(line: str, instead: str, problem: str) -> None:
    assert FOREIGN.count(line) == 1
    with pytest.raises(ModelUnsupportedError, match="no plain chain of dense layers") as caught:
        read_network(_artifact(FOREIGN.replace(line, instead)), WEIGHTS)
    assert problem in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("pool", ["0=0 1=7 2=7", "0=1 1=7 2=1", "0=1 1=3 2=3", "0=1 1=7 2=7 3=1"])
def test_another_pool_is_not_supported(pool: str) -> None:
    text = param_text(POOLED, b"").replace("0=1 1=7 2=7", pool)
    with pytest.raises(ModelUnsupportedError, match="its pool is not one of whole squares"):
        read_network(_artifact(text), b"")


@pytest.mark.parametrize("layer", ["Softmax softmax 1 1 2 3 0=1 1=1", "Softmax softmax 1 1 2 3"])
def test_a_softmax_over_another_axis_is_not_supported(layer: str) -> None:
    text = FOREIGN.replace("ReLU             relu_1     1 1 2 3", layer)
    with pytest.raises(ModelUnsupportedError, match="it has a Softmax"):
        read_network(_artifact(text), WEIGHTS)


def test_a_network_without_weights_is_not_supported() -> None:
    with pytest.raises(ModelUnsupportedError, match="it has no layer with weights"):
        read_network(_artifact("7767517\n1 1\nInput in 0 1 in 0=784\n"), b"")


def test_what_is_no_text_is_unreadable() -> None:
    artifact = Artifact(Path("model.param"), Format.NCNN, b"\xff" + TEXT.encode(), None)
    with pytest.raises(ModelUnreadableError, match=r"^model\.param is not a model of ncnn: "):
        read_network(artifact, WEIGHTS)


@pytest.mark.parametrize("weights", [b"", WEIGHTS[:3], WEIGHTS[:-1], WEIGHTS + b"\0"])
def test_weights_of_another_length_are_unreadable(weights: bytes) -> None:
    with pytest.raises(ModelUnreadableError, match=f"are not the {len(weights)} bytes of the .bin"):
        read_network(_artifact(FOREIGN), weights)


def test_quantized_weights_are_not_supported() -> None:
    weights = (0x000D4B38).to_bytes(4, "little") + WEIGHTS[4:]
    with pytest.raises(ModelUnsupportedError, match="its weights are neither float32 nor float16"):
        read_network(_artifact(FOREIGN), weights)


def test_the_weights_of_another_file_are_refused_though_they_fit() -> None:
    others = WEIGHTS[:-4] + bytes(4)
    with pytest.raises(ModelUnreadableError, match=r"the \.bin file is not the one that it names"):
        read_network(_artifact(TEXT), others)
