"""The two files of a network of dense layers in the form of ncnn: a `.param` and a `.bin`.

The `.param` is text: a magic number, how many layers and blobs there are, and a line per layer with
its kind, its name, how many blobs it takes and makes, their names, and its parameters `key=value`.
The `.bin` holds the weights of the layers one after the other, each behind a number that tells how
they are stored, and each bias as float32.

In files that are written here, the name of the first layer holds the SHA-256 of the `.bin`. Without
it, models of one architecture would have the same `.param`, whatever their weights.

Only chains of dense layers are read. ncnn itself trusts its files: it reads past the end of a
`.bin` that is too short, and does not check whether two layers fit together.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Final

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.artifact import Artifact
from fmnist_edge.errors import ModelUnreadableError, ModelUnsupportedError
from fmnist_edge.files import sha256_of
from fmnist_edge.records import replace

Array = NDArray[np.float32]

# The names of the input and the output in files that are written here.
SOURCE: Final = "image"
TARGET: Final = "scores"
_DIGEST_PREFIX: Final = "bin-sha256-"
_MAGIC: Final = "7767517"
_SIDE: Final = 28  # of the images that are pooled, in pixels
# The flags before weights.
_FLOAT32: Final = 0
_FLOAT16: Final = 0x01306B47
_ITEM_BYTES: Final = {_FLOAT32: 4, _FLOAT16: 2}
_FLAG_BYTES: Final = 4
_BIAS_ITEM_BYTES: Final = 4

# What stands between the words of a line is any white space, and numbers are whole ones.
_NUMBER: Final = re.compile(r"-?[0-9]{1,9}", re.ASCII)
_PARAMETER: Final = re.compile(r"(-?[0-9]{1,9})=(\S+)", re.ASCII)
_LAYER_WORDS: Final = 4  # kind, name, how many blobs it takes, how many it makes


@dataclass(frozen=True)
class Product:
    """The InnerProduct of a dense layer, and the activation behind it.

    Args:
        inputs: Numbers that it takes per item.
        units: Numbers that it makes per item.
        activation: What is applied to them: relu, softmax, or nothing (linear).
    """

    inputs: int
    units: int
    activation: str


@dataclass(frozen=True)
class Network:
    """The contents of a `.param` file.

    Args:
        products: Dense layers, first to last.
        pool: The side of the squares of pixels whose means the first layer takes; 1 without a pool.
        source: The name of the input.
        target: The name of the output.
    """

    products: tuple[Product, ...]
    pool: int = 1
    source: str = SOURCE
    target: str = TARGET


def param_text(network: Network, weights: bytes) -> str:
    """Return the `.param` file for these weights, with the names of this project.

    No layer knows of a batch. Each image is a row of a matrix, which InnerProduct computes row by
    row. In front of a pool, each image is a channel, because a pool computes channel by channel.
    """
    first = network.products[0]
    lines = (
        [
            ("Input", f"0={_SIDE} 1={_SIDE} 2=1"),
            ("Pooling", f"0=1 1={network.pool} 2={network.pool}"),
            ("Reshape", f"0={first.inputs} 1=-1"),
        ]
        if network.pool > 1
        else [("Input", f"0={first.inputs}")]
    )
    for each in network.products:
        relu = int(each.activation == "relu")
        size = each.inputs * each.units
        lines.append(("InnerProduct", f"0={each.units} 1=1 2={size} 9={relu}"))
        if each.activation == "softmax":
            lines.append(("Softmax", "0=-1 1=1"))
    names = [f"{kind.lower()}_{index}" for index, (kind, _) in enumerate(lines)]
    names[0] = f"{_DIGEST_PREFIX}{sha256_of(weights)}"
    blobs = [SOURCE, *names[1:-1], TARGET]
    text = [_MAGIC, f"{len(lines)} {len(lines)}"]
    for index, (kind, parameters) in enumerate(lines):
        taken = f"1 1 {blobs[index - 1]}" if index else "0 1"
        text.append(f"{kind} {names[index]} {taken} {blobs[index]} {parameters}")
    return "\n".join(text) + "\n"


def weights_bytes(kernel: Array, bias: Array, *, halved: bool) -> bytes:
    """Return what the `.bin` file holds of one layer.

    Args:
        kernel: float32[inputs, units].
        bias: float32[units].
        halved: Whether the kernel is stored in 16 bits.
    """
    flag = _FLOAT16 if halved else _FLOAT32
    rows = kernel.T.astype("<f2" if halved else "<f4").tobytes()
    padding = bytes(-len(rows) % _FLAG_BYTES)
    return flag.to_bytes(_FLAG_BYTES, "little") + rows + padding + bias.astype("<f4").tobytes()


def read_network(artifact: Artifact, weights: bytes) -> Network:
    """Return what the `.param` file of a chain of dense layers holds.

    Args:
        artifact: The `.param` file.
        weights: The `.bin` file, whose length is compared with what the layers need.

    Raises:
        ModelUnreadableError: The file is damaged, is no `.param` file, or the `.bin` is of another.
        ModelUnsupportedError: The file holds other layers, or weights of other kinds.
    """
    try:
        lines = _lines(artifact.payload.decode())
        network = _network(lines)
        _check_weights(network, weights, lines[0].name)
    except _ForeignError as error:
        raise ModelUnsupportedError(
            f"{artifact.path} is no plain chain of dense layers: {error}.",
            hint="Of ncnn's files, those of InnerProduct, ReLU and Softmax can be used, with or "
            "without an average pool in front.",
        ) from error
    except ValueError as error:
        raise ModelUnreadableError(
            f"{artifact.path} is not a model of ncnn: {error}.",
            hint="Copy it again together with its .bin, or export it again with: "
            "fmnist-edge export --format ncnn",
        ) from error
    return network


class _ForeignError(Exception):
    """The file is a model of another kind; the message says what it holds."""


@dataclass(frozen=True)
class _Line:
    kind: str
    name: str
    taken: tuple[str, ...]
    made: str
    parameters: Mapping[int, str]


def _lines(text: str) -> Sequence[_Line]:
    split = [line.split() for line in text.splitlines() if line.strip()]
    if split[:1] != [[_MAGIC]]:
        raise ValueError("it does not begin with ncnn's magic number")
    lines = [_line(words) for words in split[2:]]
    if split[1:2] != [[str(len(lines))] * 2]:
        raise ValueError("it has another number of layers than it says")
    return lines


def _network(lines: Sequence[_Line]) -> Network:
    inputs = sum(each.kind == "Input" for each in lines)
    if inputs != 1:
        raise _ForeignError(f"it has {inputs} inputs and 1 outputs, not one of each")
    chain = _Chain()
    for each in lines:
        chain.add(each)
    return chain.network()


def _line(words: list[str]) -> _Line:
    kind, *_ = words
    counts = words[2:_LAYER_WORDS]
    if len(counts) < 2 or not all(map(_NUMBER.fullmatch, counts)):  # noqa: PLR2004 - in and out
        raise ValueError(f"its layer {kind!r} is damaged")
    takes, makes = map(int, counts)
    if takes not in {0, 1} or makes != 1:
        raise _ForeignError(f"its layer {kind!r} takes {takes} blobs and makes {makes}")
    blobs, told = words[_LAYER_WORDS : _LAYER_WORDS + takes + 1], words[_LAYER_WORDS + takes + 1 :]
    found = [_PARAMETER.fullmatch(each) for each in told]
    if len(blobs) != takes + 1 or not all(found):
        raise ValueError(f"its layer {kind!r} is damaged")
    parameters = {int(match[1]): match[2] for match in found if match}
    return _Line(kind, words[1], tuple(blobs[:-1]), blobs[-1], parameters)


@dataclass
class _Chain:
    """The layers that were read so far."""

    products: list[Product] = field(default_factory=list)
    pool: int = 1
    blobs: list[str] = field(default_factory=list)
    shape: tuple[int, ...] | None = None  # of an item; None until a layer tells

    def add(self, line: _Line) -> None:
        if line.kind not in _READERS:
            raise _ForeignError(f"it has a layer of the kind {line.kind!r}")
        if line.taken != tuple(self.blobs[-1:]):
            raise _ForeignError(f"its layer {line.kind!r} does not follow the one before it")
        _READERS[line.kind](self, _numbers(line))
        self.blobs.append(line.made)

    def network(self) -> Network:
        if not self.products:
            raise _ForeignError("it has no layer with weights")
        return Network(tuple(self.products), self.pool, self.blobs[0], self.blobs[-1])

    def input(self, numbers: Mapping[int, int]) -> None:
        told = tuple(numbers.values())
        if self.blobs or tuple(numbers) not in {(), (0,), (0, 1, 2)} or min(told, default=1) < 1:
            raise _ForeignError("its input is neither a row of numbers nor an image")
        self.shape = told or None

    def pooling(self, numbers: Mapping[int, int]) -> None:
        side = numbers.get(1, 0)
        is_plain = dict(numbers) == {0: 1, 1: side, 2: side} and side > 1 and _SIDE % side == 0
        if self.shape != (_SIDE, _SIDE, 1) or self.products or not is_plain:
            raise _ForeignError(f"its pool is not one of whole squares of {_SIDE}x{_SIDE} pixels")
        self.pool, self.shape = side, (_SIDE // side, _SIDE // side, 1)

    def reshape(self, numbers: Mapping[int, int]) -> None:
        width, rest = numbers.get(0, 0), {1: -1} if len(numbers) > 1 else {}
        if self.products or dict(numbers) != {0: width} | rest or not self._fits(width):
            raise _ForeignError("it reshapes an image to something else than a row")
        self.shape = (width,)

    def product(self, numbers: Mapping[int, int]) -> None:
        units, size, relu = numbers.get(0, 0), numbers.get(2, 0), numbers.get(9, 0)
        if numbers.get(1) != 1 or relu not in {0, 1} or not numbers.keys() <= {0, 1, 2, 9}:
            raise _ForeignError("it has an InnerProduct without bias, or with another activation")
        if units < 1 or size < 1 or size % units:
            raise ValueError("it has an InnerProduct without units, or of unequal ones")
        inputs = size // units
        if not self._fits(inputs):
            raise ValueError("it has an InnerProduct that does not fit what is before it")
        self.products.append(Product(inputs, units, "relu" if relu else "linear"))
        self.shape = (units,)

    def relu(self, numbers: Mapping[int, int]) -> None:
        if any(numbers.values()):
            raise _ForeignError("it has a ReLU with a slope")
        self._activate("relu")

    def softmax(self, numbers: Mapping[int, int]) -> None:
        # Of a row, the first axis is the last one.
        if numbers.get(0, 0) not in {0, -1} or numbers.get(1) != 1 or len(numbers) > 2:  # noqa: PLR2004
            raise _ForeignError("it has a Softmax of an earlier version or over another axis")
        self._activate("softmax")

    def _fits(self, width: int) -> bool:
        return self.shape is None or prod(self.shape) == width

    def _activate(self, activation: str) -> None:
        if not self.products or self.products[-1].activation != "linear":
            raise _ForeignError("it has an activation that follows no InnerProduct")
        self.products[-1] = replace(self.products[-1], activation=activation)


_READERS: Final[Mapping[str, Callable[[_Chain, Mapping[int, int]], None]]] = {
    "Input": _Chain.input,
    "Pooling": _Chain.pooling,
    "Reshape": _Chain.reshape,
    "InnerProduct": _Chain.product,
    "ReLU": _Chain.relu,
    "Softmax": _Chain.softmax,
}


def _numbers(line: _Line) -> Mapping[int, int]:
    if not all(map(_NUMBER.fullmatch, line.parameters.values())):
        raise _ForeignError(f"its layer {line.kind!r} has parameters that are no whole numbers")
    return {key: int(value) for key, value in line.parameters.items()}


def _check_weights(network: Network, weights: bytes, name: str) -> None:
    """Check that each layer finds as many bytes as it is going to read, and nothing is left.

    Args:
        network: The layers.
        weights: The `.bin` file.
        name: The name of the first layer, which may hold the digest of that file.
    """
    if name.startswith(_DIGEST_PREFIX) and name != f"{_DIGEST_PREFIX}{sha256_of(weights)}":
        raise ValueError("the .bin file is not the one that it names by its SHA-256")
    place = 0
    for each in network.products:
        flag = int.from_bytes(weights[place : place + _FLAG_BYTES], "little")
        if len(weights) < place + _FLAG_BYTES:
            break
        if flag not in _ITEM_BYTES:
            raise _ForeignError("its weights are neither float32 nor float16")
        size = each.inputs * each.units * _ITEM_BYTES[flag]
        place += _FLAG_BYTES + size + -size % _FLAG_BYTES + each.units * _BIAS_ITEM_BYTES
    else:
        if place == len(weights):
            return
    raise ValueError(f"its weights are not the {len(weights):,} bytes of the .bin file")
