"""A results file is read as it was written, or its fault is named."""

import json
from pathlib import Path

import numpy as np
import pytest

from fmnist_edge.errors import ResultSchemaError, ResultUnreadableError, StorageError
from fmnist_edge.records import replace
from fmnist_edge.result import Samples, read_run, write_run
from tests.examples import accuracy, row, run

_RUN = run(row())


def _edited(path: Path, **changes: object) -> Path:
    write_run(path, _RUN)
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return path


def test_a_run_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "new" / "result.json"
    write_run(path, _RUN)
    again = read_run(path)
    assert again == _RUN
    hot = again.rows[0].measurements[0].back_to_back
    assert hot.sample_ns.unpack().tolist() == [3000, 1000, 2000]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    with pytest.raises(ResultUnreadableError, match=f"Cannot read {path}: No such file"):
        read_run(path)
    with pytest.raises(ResultUnreadableError, match="Is a directory"):
        read_run(tmp_path)


def test_every_truncated_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    write_run(path, _RUN)
    whole = path.read_bytes()
    for kept in range(0, len(whole) - 2, 97):
        path.write_bytes(whole[:kept])
        with pytest.raises(ResultUnreadableError, match="is no result of fmnist-edge, or is dam"):
            read_run(path)


def test_a_copy_that_was_not_finished_is_called_so(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    write_run(path, _RUN)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ResultUnreadableError, match=r"it is not JSON \(it ends in the middle\)"):
        read_run(path)


@pytest.mark.parametrize("text", [b"", b"accuracy: 90 %\n", b"\x89PNG\r\n\x1a\n\0", b"[]", b"{}"])
def test_another_file_is_refused(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "result.json"
    path.write_bytes(text)
    with pytest.raises(ResultUnreadableError) as caught:
        read_run(path)
    assert caught.value.message.startswith(f"{path} is no result of fmnist-edge, or is damaged: ")
    assert "fmnist-edge bench --json FILE" in caught.value.hint


def test_a_manifest_is_no_result(tmp_path: Path) -> None:
    path = _edited(tmp_path / "result.json", kind="fmnist-edge artifact", schema_version=9)
    with pytest.raises(ResultUnreadableError, match="its kind is 'fmnist-edge artifact', not"):
        read_run(path)


def test_a_newer_result_is_not_called_damaged(tmp_path: Path) -> None:
    path = _edited(tmp_path / "result.json", schema_version=6, rows="in another form")
    with pytest.raises(ResultSchemaError, match="the newer schema version 6; version 5 is") as told:
        read_run(path)
    assert told.value.hint == "A newer fmnist-edge wrote it; update this one."


def test_an_older_result_is_to_be_measured_again(tmp_path: Path) -> None:
    path = _edited(tmp_path / "result.json", schema_version=1, rows="in another form")
    with pytest.raises(ResultSchemaError, match="the older schema version 1; version 5 is") as told:
        read_run(path)
    assert told.value.hint.startswith("Measure again with: fmnist-edge bench --json FILE")


def test_an_accuracy_that_cannot_be_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    write_run(path, run(replace(row(), accuracy=accuracy(9, 10))))
    path.write_text(path.read_text().replace('"images": 10,', '"images": 0,'))
    with pytest.raises(ResultUnreadableError, match=r"rows\[0\]\.accuracy: 9 of 0 images"):
        read_run(path)


def test_a_run_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="it is a folder"):
        write_run(tmp_path, _RUN)


def test_samples_are_compact() -> None:
    steady = np.full(100_000, 4_200, np.uint64)
    assert len(Samples.pack(steady).data) < 2_000


@pytest.mark.parametrize(
    "data",
    [
        "not base64!",
        "AAAA",
        "eJxjZIAAJijNDKUBAGgABg==",  # the checksum differs
        "é",
    ],
)
def test_samples_that_are_damaged_are_refused(data: str) -> None:
    with pytest.raises(ResultUnreadableError, match="The samples are damaged"):
        Samples(3, data).unpack()
