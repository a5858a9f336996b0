"""The four published files of Fashion-MNIST and their hashes.

Each file is identified by the SHA-256 of its decompressed contents (IDX), not by that of the gzip
file around them: Debian compresses the files again without file name and time, so that the gzip
files differ from source to source while the contents are the same everywhere.
"""

import math
from dataclasses import dataclass
from typing import Final, Literal

from fmnist_edge.files import sha256_of

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
        name: Published name of the gzip file.
        role: What the file holds.
        dims: Dimensions in its IDX header.
        sha256: SHA-256 of the decompressed contents, hexadecimal.
    """

    name: str
    role: Role
    dims: tuple[int, ...]
    sha256: str

    @property
    def unpacked_name(self) -> str:
        """Name of the file after `gunzip`."""
        return self.name.removesuffix(".gz")

    @property
    def size(self) -> int:
        """Size of the decompressed contents in bytes: header, then one byte per item."""
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
TRAIN_FILES: Final = (TRAIN_IMAGES, TRAIN_LABELS)
TEST_FILES: Final = (TEST_IMAGES, TEST_LABELS)
FILES: Final = TRAIN_FILES + TEST_FILES

# SHA-256 of the whole dataset: of the text of the four hashes in the order of FILES.
DATASET_SHA256: Final = sha256_of("".join(file.sha256 for file in FILES).encode("ascii"))
