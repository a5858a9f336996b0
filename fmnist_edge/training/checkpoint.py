"""Checkpoints: the complete state of a training after an epoch, in a file."""

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

SCHEMA_VERSION: Final = 2  # 1: first; 2: `phase` was called `stretch`
_STATE: Final = "about"

Arrays = Sequence[NDArray[np.generic]]


class Identity(Record):
    """What two trainings must have in common for one to continue from the other's checkpoint.

    Args:
        preset: The name of the preset, for messages.
        fingerprint: The SHA-256 of everything in the preset that influences the weights.
        seed: The seed of everything that is random.
        data_sha256: The SHA-256 of the data set.
    """

    preset: str
    fingerprint: str
    seed: int
    data_sha256: str


class TrainState(Record):
    """How far a training has come.

    Args:
        identity: The training that it belongs to.
        phase: 0 in the main training, 1 in fine-tuning.
        epochs: The number of epochs that are finished in this phase.
        best_epoch: The epoch with the best validation accuracy so far, counted from 1 over all
            phases.
        history: One value per finished epoch, for each metric.
    """

    identity: Identity
    phase: int
    epochs: int
    best_epoch: int
    history: Mapping[str, tuple[float, ...]]
    kind: Literal["fmnist-edge checkpoint"] = "fmnist-edge checkpoint"
    schema_version: int = SCHEMA_VERSION


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """The state of a training with all its arrays.

    Args:
        state: How far the training has come.
        variables: The variables of the network, its optimizer and its averages, in their order.
        best: The weights of the best epoch; empty where the last epoch is kept.
    """

    state: TrainState
    variables: Arrays
    best: Arrays = ()


def write(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint atomically.

    Raises:
        StorageError: The file cannot be written; the previous one is unchanged.
    """
    arrays: dict[str, NDArray[np.generic]] = {
        _STATE: np.frombuffer(encode_json(checkpoint.state).encode(), np.uint8)
    }
    for group, values in (("variable", checkpoint.variables), ("best", checkpoint.best)):
        arrays |= {f"{group}{index}": value for index, value in enumerate(values)}
    stream = io.BytesIO()
    np.savez(stream, allow_pickle=False, **arrays)
    write_atomically(path, stream.getvalue())


def read(path: Path, identity: Identity) -> Checkpoint:
    """Return the checkpoint in `path`.

    Raises:
        CheckpointError: There is no checkpoint, it cannot be read, or it belongs to another preset,
            seed or data set.
    """
    if not path.exists():
        raise CheckpointError(
            f"There is nothing to resume: {path} does not exist.", hint="Train without --resume."
        )
    try:
        arrays = dict(read_arrays(path.read_bytes()))
        document = arrays.pop(_STATE).astype(np.uint8).tobytes()
        state = decode_document(TrainState, document, SCHEMA_VERSION)
    except (OSError, ArraysError, RecordError, KeyError, ValueError) as error:
        raise CheckpointError(
            f"{path} cannot be read: {error}.", hint="Remove it to start that training anew."
        ) from error
    _compare(path, state.identity, identity)
    groups = [
        [arrays[name] for index in range(len(arrays)) if (name := f"{group}{index}") in arrays]
        for group in ("variable", "best")
    ]
    return Checkpoint(state, *groups)


def remove(path: Path) -> None:
    """Remove the checkpoint of a training that has ended well.

    Raises:
        StorageError: It cannot be removed.
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
                hint="Give the options with which that training was started, or another --out.",
            )
