"""Score files come back as they were written, and damaged ones are told apart."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from fmnist_edge.errors import ResultSchemaError, ResultUnreadableError
from fmnist_edge.records import encode_json, replace
from fmnist_edge.score_file import (
    ScoreFacts,
    ScoreFile,
    is_score_file,
    read_score_file,
    write_score_file,
)
from tests.examples import LABELS, case, npz, npz_model

FACTS = ScoreFacts(
    created="2026-01-02T03:04:05+00:00",
    version="0.1.0",
    case=case(),
    runtime_version="2.0.0",
    used={"threads": "1"},
    host={"model": "a toaster", "cores": 2},
    versions={"python": "3.11.0"},
    source="fashion-mnist",
    images_sha256="1" * 64,
    scores="probabilities",
    classes=LABELS,
)
SCORES = np.linspace(0, 1, 40, dtype=np.float32).reshape(4, 10)


@pytest.mark.parametrize("truth", [None, np.array([9, 9, 0, 1], np.int64)], ids=["none", "known"])
def test_what_is_written_is_read(tmp_path: Path, truth: NDArray[np.int64] | None) -> None:
    path = tmp_path / "scores.npz"
    write_score_file(path, ScoreFile(SCORES, truth, FACTS))
    read = read_score_file(path)
    assert read.facts == FACTS
    np.testing.assert_array_equal(read.scores, SCORES)
    assert (read.truth is None) == (truth is None)
    assert truth is None or np.array_equal(read.truth, truth)
    with np.load(path, allow_pickle=False) as plain:
        assert plain["labels"].tolist() == [9, 9, 9, 9]
        assert json.loads(str(plain["facts"]))["case"]["subject"]["sha256"] == "0" * 64


def test_the_same_scores_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.npz", "b.npz"):
        write_score_file(tmp_path / name, ScoreFile(SCORES, None, FACTS))
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_score_files_are_told_from_models(tmp_path: Path) -> None:
    write_score_file(tmp_path / "s.npz", ScoreFile(SCORES, None, FACTS))
    assert is_score_file((tmp_path / "s.npz").read_bytes())
    assert not is_score_file(npz_model())
    assert not is_score_file(b"PK\x03\x04 and no more")


def _arrays(**changes: NDArray[np.generic]) -> bytes:
    plain = {
        "scores": SCORES,
        "labels": SCORES.argmax(axis=1),
        "truth": np.empty(0, np.int64),
        "facts": np.array(encode_json(FACTS)),
    }
    return npz(plain | changes)


@pytest.mark.parametrize(
    ("payload", "problem"),
    [
        (b"", "is no score file"),
        (npz_model(), "it lacks the array 'facts'"),
        (_arrays(scores=SCORES.astype(np.float64)), "no float32 rows"),
        (_arrays(scores=SCORES[:, :9].copy()), "9 scores for 10 classes"),
        (_arrays(truth=np.zeros(3, np.int64)), "not one number for each image"),
        (_arrays(labels=np.zeros(4, np.int64)), "not those of its scores"),
        (_arrays(facts=np.array("{")), "it is not JSON"),
    ],
    ids=["empty", "model", "float64", "classes", "truth", "labels", "facts"],
)
def test_what_is_no_score_file_is_refused(tmp_path: Path, payload: bytes, problem: str) -> None:
    (tmp_path / "s.npz").write_bytes(payload)
    with pytest.raises(ResultUnreadableError, match=problem):
        read_score_file(tmp_path / "s.npz")


def test_another_schema_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    newer = np.array(encode_json(replace(FACTS, schema_version=2)))
    (tmp_path / "s.npz").write_bytes(_arrays(facts=newer))
    with pytest.raises(ResultSchemaError, match="newer schema version 2"):
        read_score_file(tmp_path / "s.npz")
    with pytest.raises(ResultUnreadableError, match="No such file"):
        read_score_file(tmp_path / "nowhere.npz")


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    stream = io.BytesIO()
    np.savez(stream, facts=np.array([object()], object))
    (tmp_path / "s.npz").write_bytes(stream.getvalue())
    with pytest.raises(ResultUnreadableError, match="is no score file"):
        read_score_file(tmp_path / "s.npz")
