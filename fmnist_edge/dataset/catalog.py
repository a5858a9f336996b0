"""The four files Fashion-MNIST is published as, and how to know each of them.

A file is known by the SHA-256 of its *contents*, the decompressed IDX bytes, and not by that of
the gzip container around them: Debian repacks the containers without file name and time, so the
containers differ from source to source while the contents are identical everywhere.
"""

import math
from dataclasses import dataclass
from typing import Final, Literal

from fmnist_edge.files import sha256_of

__all__ = [
    "DATASET_SHA256",
    "FILES",
    "IMAGE_SHAPE",
    "LABELS",
    "TEST_IMAGES",
    "TEST_LABELS",
    "TRAIN_IMAGES",
    "TRAIN_LABELS",
    "DataFile",
    "Role",
]

Role = Literal["train-images", "train-labels", "test-images", "test-labels"]

LABELS: Final = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
IMAGE_SHAPE: Final = (28, 28)


@dataclass(frozen=True)
class DataFile:
    """One published file.

    Args:
        name: Its published name, gzip-compressed.
        role: What it holds.
        dims: The dimensions its IDX header states.
        sha256: The SHA-256 of its decompressed contents.
    """

    name: str
    role: Role
    dims: tuple[int, ...]
    sha256: str

    @property
    def unpacked_name(self) -> str:
        """The name the file has after `gunzip`."""
        return self.name.removesuffix(".gz")

    @property
    def size(self) -> int:
        """How many bytes the decompressed contents are: magic, dimensions, one byte an item."""
        return 4 + 4 * len(self.dims) + math.prod(self.dims)


TRAIN_IMAGES: Final = DataFile(
    "train-images-idx3-ubyte.gz",
    "train-images",
    (60_000, *IMAGE_SHAPE),
    "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
)
TRAIN_LABELS: Final = DataFile(
    "train-labels-idx1-ubyte.gz",
    "train-labels",
    (60_000,),
    "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
)
TEST_IMAGES: Final = DataFile(
    "t10k-images-idx3-ubyte.gz",
    "test-images",
    (10_000, *IMAGE_SHAPE),
    "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
)
TEST_LABELS: Final = DataFile(
    "t10k-labels-idx1-ubyte.gz",
    "test-labels",
    (10_000,),
    "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
)
FILES: Final = (TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS)

# The dataset as a whole: the four hashes in the order of FILES, as one line of text, hashed.
DATASET_SHA256: Final = sha256_of("".join(file.sha256 for file in FILES).encode("ascii"))
