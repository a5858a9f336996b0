"""The index of a bundle, `bundle.json`: what is in it, and the limits of what may be."""

import re
from typing import Final, Literal

from fmnist_edge.bundle.names import problem_of_names
from fmnist_edge.dataset import DATASET_SHA256, TEST_FILES, TRAIN_LABELS, DataFile
from fmnist_edge.records import Record

SCHEMA_VERSION: Final = 1  # 1: first
INDEX_NAME: Final = "bundle.json"
MODELS_FOLDER: Final = "models"
DATA_FOLDER: Final = "fashion-mnist"
# What `bench` and `evaluate` read of the test split: the training labels give the baseline.
DATA_FILES: Final[tuple[DataFile, ...]] = (*TEST_FILES, TRAIN_LABELS)

# A bundle beyond these limits is neither written nor read.
MOST_MEMBERS: Final = 4_096
LARGEST_MEMBER_BYTES: Final = 512 << 20
LARGEST_BUNDLE_BYTES: Final = 1 << 30
LARGEST_INDEX_BYTES: Final = 2 << 20

_SHA256: Final = re.compile(r"[0-9a-f]{64}")


class Member(Record):
    """One file in a bundle.

    Args:
        path: Its path in the archive, with slashes.
        sha256: SHA-256 of its bytes, hexadecimal.
        size_bytes: Its size.
    """

    path: str
    sha256: str
    size_bytes: int

    def __post_init__(self) -> None:
        if not _SHA256.fullmatch(self.sha256):
            raise ValueError(f"{self.sha256!r} is no SHA-256")
        if not 0 <= self.size_bytes <= LARGEST_MEMBER_BYTES:
            raise ValueError(f"{self.path!r} has {self.size_bytes} bytes")


class BundleIndex(Record):
    """What a bundle holds; its JSON form is the first member of the archive.

    Args:
        models: Paths of the main files of the models, in ascending order, each a member.
        members: All files but the index itself, in the order of the archive: ascending paths.
        data_sha256: Identity of the data set of which the test split is in the bundle; empty where
            there is none.
        kind: Marks the file as such.
        schema_version: Of this schema.
    """

    models: tuple[str, ...]
    members: tuple[Member, ...]
    data_sha256: str = ""
    kind: Literal["fmnist-edge bundle"] = "fmnist-edge bundle"
    schema_version: int = SCHEMA_VERSION

    def __post_init__(self) -> None:
        paths = [each.path for each in self.members]
        problem = problem_of_names((INDEX_NAME, *paths))
        if problem:
            raise ValueError(problem)
        if paths != sorted(paths):
            raise ValueError("its members are not in ascending order")
        if not set(self.models) <= set(paths):
            raise ValueError("a model is not among its members")
        if list(self.models) != sorted(set(self.models)):
            raise ValueError("its models are not in ascending order")
        if any(not each.startswith(f"{MODELS_FOLDER}/") for each in self.models):
            raise ValueError(f"a model is outside {MODELS_FOLDER}/")
        if self.data_sha256 not in {"", DATASET_SHA256}:
            raise ValueError(f"{self.data_sha256!r} is another data set")
        if self.data_sha256 and not self._has_data():
            raise ValueError("it names a data set, and the published files are not its members")

    def _has_data(self) -> bool:
        held = {each.path: each.sha256 for each in self.members}
        return all(held.get(data_path(each)) == each.sha256 for each in DATA_FILES)

    @property
    def model_bytes(self) -> int:
        """The size of all models with their manifests and other files."""
        inside = f"{MODELS_FOLDER}/"
        return sum(each.size_bytes for each in self.members if each.path.startswith(inside))

    @property
    def data_bytes(self) -> int:
        """The size of the files of the data set; 0 where they are not in the bundle."""
        inside = f"{DATA_FOLDER}/"
        return sum(each.size_bytes for each in self.members if each.path.startswith(inside))


def data_path(file: DataFile) -> str:
    """Return the path in a bundle of a file of the data set.

    The file is stored unpacked: its contents are the same wherever it came from, and the gzip
    files around them are not.
    """
    return f"{DATA_FOLDER}/{file.unpacked_name}"
