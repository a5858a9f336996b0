"""Where a training stands after an epoch, in a file: to go on as if nothing had happened."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.arrays import ArraysError, read_arrays
from fmnist_edge.errors import CheckpointError
from fmnist_edge.files import storage_errors, write_atomically
from fmnist_edge.records import Record, RecordError, decode_document, encode_json

SCHEMA_VERSION: Final = 1  # 1: first
_ABOUT: Final = "about"
_AGAIN: Final = "Start again without --resume, with --force to replace it."

Arrays = Sequence[NDArray[np.generic]]


class Identity(Record):
    """What two trainings must share for one to go on where the other stopped.

    Args:
        preset: Its name, for people.
        fingerprint: Of all in the preset that has an influence.
        seed: Of everything that is random.
        data_sha256: Identity of the data set.
    """

    preset: str
    fingerprint: str
    seed: int
    data_sha256: str


class Standing(Record):
    """How far a training has come.

    Args:
        identity: Whose it is.
        stretch: 0 in the main training, 1 in fine-tuning.
        epochs: Epochs done in this stretch.
        best_epoch: The one with the best validation accuracy so far, counted from 1 over all.
        history: One value per epoch done, for each metric.
    """

    identity: Identity
    stretch: int
    epochs: int
    best_epoch: int
    history: Mapping[str, tuple[float, ...]]
    kind: Literal["fmnist-edge checkpoint"] = "fmnist-edge checkpoint"
    schema_version: int = SCHEMA_VERSION


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A standing with all the numbers.

    Args:
        standing: What they are of.
        variables: Of the network, its optimizer and its averages, in their order.
        best: The weights of the best epoch; none where the last epoch is kept.
    """

    standing: Standing
    variables: Arrays
    best: Arrays = ()


def write(path: Path, checkpoint: Checkpoint) -> None:
    """Replace what `path` holds by this checkpoint, whole or not at all.

    Raises:
        StorageError: it cannot be written; the one before is still there.
    """
    arrays: dict[str, NDArray[np.generic]] = {
        _ABOUT: np.frombuffer(encode_json(checkpoint.standing).encode(), np.uint8)
    }
    for group, values in (("variable", checkpoint.variables), ("best", checkpoint.best)):
        arrays |= {f"{group}{index}": value for index, value in enumerate(values)}
    stream = io.BytesIO()
    np.savez(stream, allow_pickle=False, **arrays)
    write_atomically(path, stream.getvalue())


def require(path: Path) -> None:
    """Make sure that there is a checkpoint.

    Raises:
        CheckpointError: there is none.
    """
    if not path.exists():
        raise CheckpointError(
            f"There is nothing to resume: {path} is not there.", hint="Train without --resume."
        )


def read(path: Path, identity: Identity) -> Checkpoint:
    """The checkpoint in `path`, if it is one of this very training.

    Raises:
        CheckpointError: it cannot be read, or belongs to another preset, seed or data set.
    """
    require(path)
    try:
        arrays = dict(read_arrays(path.read_bytes()))
        about = arrays.pop(_ABOUT).astype(np.uint8).tobytes()
        standing = decode_document(Standing, about, SCHEMA_VERSION)
    except (OSError, ArraysError, RecordError, KeyError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be read: {error}.", hint=_AGAIN) from error
    _compare(path, standing.identity, identity)
    groups = [
        [arrays[name] for index in range(len(arrays)) if (name := f"{group}{index}") in arrays]
        for group in ("variable", "best")
    ]
    return Checkpoint(standing, *groups)


def remove(path: Path) -> None:
    """The training has ended well; its checkpoint is of no more use.

    Raises:
        StorageError: it cannot be removed.
    """
    with storage_errors(path):
        path.unlink(missing_ok=True)


def _compare(path: Path, found: Identity, wanted: Identity) -> None:
    differences = (
        (found.preset != wanted.preset, f"of the preset {found.preset!r}, not {wanted.preset!r}"),
        (found.fingerprint != wanted.fingerprint, f"of another recipe called {found.preset!r}"),
        (found.seed != wanted.seed, f"of seed {found.seed}, not {wanted.seed}"),
        (found.data_sha256 != wanted.data_sha256, "of another data set"),
    )
    for differs, what in differences:
        if differs:
            raise CheckpointError(
                f"{path} is a checkpoint {what}.",
                hint="Give the options it was begun with, or another --out.",
            )
