"""A checkpoint comes back as it was, and only to the training it belongs to."""

from pathlib import Path

import numpy as np
import pytest

from fmnist_edge.errors import CheckpointError, StorageError
from fmnist_edge.records import replace
from fmnist_edge.training.checkpoint import Checkpoint, Identity, TrainState, read, remove, write

IDENTITY = Identity("default", "f" * 64, 3, "d" * 64)
STATE = TrainState(IDENTITY, 0, 2, 2, {"loss": (0.5, 0.25), "val_accuracy": (0.8, 0.9)})
VARIABLES = [np.arange(6, dtype=np.float32).reshape(2, 3), np.array(7), np.zeros(0, np.uint32)]


def _written(folder: Path, state: TrainState = STATE) -> Path:
    path = folder / "default.checkpoint"
    write(path, Checkpoint(state, VARIABLES, VARIABLES[:1]))
    return path


def test_what_was_written_is_read(tmp_path: Path) -> None:
    found = read(_written(tmp_path), IDENTITY)
    assert found.state == STATE
    assert len(found.best) == 1
    for wrote, back in zip(VARIABLES, found.variables, strict=True):
        np.testing.assert_array_equal(wrote, back)
        assert wrote.dtype == back.dtype


@pytest.mark.parametrize(
    ("other", "says"),
    [
        (replace(IDENTITY, preset="tiny"), "of the preset 'default', not 'tiny'"),
        (replace(IDENTITY, fingerprint="0" * 64), "of another recipe called 'default'"),
        (replace(IDENTITY, seed=4), "of seed 3, not 4"),
        (replace(IDENTITY, data_sha256="0" * 64), "of another data set"),
    ],
)
def test_it_is_not_given_to_another_training(tmp_path: Path, other: Identity, says: str) -> None:
    with pytest.raises(CheckpointError, match="is a checkpoint") as caught:
        read(_written(tmp_path), other)
    assert says in caught.value.message
    assert "another --out" in caught.value.hint


def test_without_one_there_is_nothing_to_resume(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="There is nothing to resume"):
        read(tmp_path / "none.checkpoint", IDENTITY)


def test_a_damaged_one_is_refused_wherever_it_is_damaged(tmp_path: Path) -> None:
    path = _written(tmp_path)
    whole = path.read_bytes()
    for cut in range(0, len(whole), 97):
        path.write_bytes(whole[:cut])
        with pytest.raises(CheckpointError, match="cannot be read"):
            read(path, IDENTITY)
    for place in range(0, len(whole), 61):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        try:
            found = read(path, IDENTITY)
        except CheckpointError:
            continue
        # What is not covered by a checksum, as a date, changes nothing.
        assert found.state == STATE
        np.testing.assert_array_equal(found.variables[0], VARIABLES[0])


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "default.checkpoint"
    for payload in (b"", b"text", b"PK\x05\x06" + bytes(18)):
        path.write_bytes(payload)
        with pytest.raises(CheckpointError, match="cannot be read"):
            read(path, IDENTITY)


def test_where_it_cannot_be_written_the_one_before_stays(tmp_path: Path) -> None:
    path = _written(tmp_path)
    before = path.read_bytes()
    blocked = tmp_path / "file" / "default.checkpoint"
    blocked.parent.write_text("no folder")
    with pytest.raises(StorageError):
        write(blocked, Checkpoint(STATE, VARIABLES))
    assert path.read_bytes() == before


def test_when_it_is_over_it_goes(tmp_path: Path) -> None:
    path = _written(tmp_path)
    remove(path)
    remove(path)
    assert not path.exists()
