"""Score files: the raw scores of many images, and the facts that say what made them.

A score file is an `.npz` of four arrays: `scores` float32[N,C], `labels` int64[N] (the class of
the highest score), `truth` int64[N] (the true class; empty where it is not known), and `facts`, one
JSON text (`ScoreFacts`). `numpy.load(file, allow_pickle=False)` reads it. The same answers give the
same arrays on every machine, so that two files can be compared.
"""

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.arrays import ArraysError, read_arrays
from fmnist_edge.errors import ResultSchemaError, ResultUnreadableError
from fmnist_edge.files import write_atomically
from fmnist_edge.records import Record, RecordError, SchemaError, decode_document, encode_json
from fmnist_edge.result import Case, Value

SCHEMA_VERSION: Final = 1  # 1: first
SUFFIX: Final = ".npz"
_FACTS: Final = "facts"
_AXES: Final = 2
_MADE_BY: Final = "Score files are made by: fmnist-edge predict --out FILE.npz"


class ScoreFacts(Record):
    """What made the scores.

    Args:
        created: When, ISO 8601, UTC.
        version: Version of fmnist-edge.
        case: Model file, runtime, device, threads and batch size.
        runtime_version: Version of the runtime's library.
        used: What the runtime reports to have used.
        host: Facts about the machine; neither its name nor that of the user.
        versions: Versions of Python and NumPy.
        source: "fashion-mnist" for its test images, else the name of the user's file.
        images_sha256: SHA-256 of type, shape and values of the images.
        scores: Whether the scores are probabilities or logits; None where nothing tells.
        classes: Names of the classes, in the order of the scores.
    """

    created: str
    version: str
    case: Case
    runtime_version: str
    used: Mapping[str, str]
    host: Mapping[str, Value]
    versions: Mapping[str, str]
    source: str
    images_sha256: str
    scores: Literal["probabilities", "logits"] | None
    classes: tuple[str, ...]
    kind: Literal["fmnist-edge scores"] = "fmnist-edge scores"
    schema_version: int = SCHEMA_VERSION


@dataclass(frozen=True, eq=False)
class ScoreFile:
    """Scores of images, and what made them.

    Args:
        scores: float32[N,C], N at least 1.
        truth: int64[N], the true classes; None where they are not known.
        facts: What made the scores.
    """

    scores: NDArray[np.float32]
    truth: NDArray[np.int64] | None
    facts: ScoreFacts

    @property
    def labels(self) -> NDArray[np.int64]:
        """int64[N], the class of the highest score; of several equal ones the first."""
        best: NDArray[np.int64] = self.scores.argmax(axis=1).astype(np.int64)
        return best


def is_score_file(payload: bytes) -> bool:
    """Return whether bytes are an `.npz` file that holds facts; a model file holds none."""
    try:
        with zipfile.ZipFile(io.BytesIO(payload)) as archive:
            return f"{_FACTS}.npy" in archive.namelist()
    except zipfile.BadZipFile:
        return False


def write_score_file(path: Path, content: ScoreFile) -> None:
    """Write a score file as a whole.

    Raises:
        StorageError: The folder cannot be written to.
    """
    stream = io.BytesIO()
    truth = np.empty(0, np.int64) if content.truth is None else content.truth
    np.savez_compressed(
        stream,
        scores=content.scores,
        labels=content.labels,
        truth=truth,
        facts=np.array(encode_json(content.facts)),
    )
    write_atomically(path, stream.getvalue())


def read_score_file(path: Path) -> ScoreFile:
    """Read a score file, in which nothing is unpickled.

    Raises:
        ResultUnreadableError: The file cannot be read, is of another kind, or is damaged.
        ResultSchemaError: Another version of fmnist-edge wrote it, in a schema that is not read.
    """
    try:
        return _content(read_arrays(path.read_bytes()))
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from error
    except SchemaError as error:
        raise ResultSchemaError(
            f"{path} cannot be read: {error}.",
            hint="Update fmnist-edge." if error.is_newer else _MADE_BY,
        ) from error
    except (ArraysError, RecordError, _ContentError) as error:
        raise _unreadable(path, str(error)) from error


class _ContentError(ValueError):
    """The arrays do not fit together."""


def _content(arrays: Mapping[str, NDArray[Any]]) -> ScoreFile:
    missing = {"scores", "labels", "truth", _FACTS} - arrays.keys()
    if missing:
        raise _ContentError(f"it lacks the array {min(missing)!r}")
    facts = decode_document(ScoreFacts, str(arrays[_FACTS]), SCHEMA_VERSION)
    scores, truth = arrays["scores"], arrays["truth"]
    if scores.dtype != np.float32 or scores.ndim != _AXES or len(scores) == 0:
        raise _ContentError("its scores are no float32 rows")
    if scores.shape[1] != len(facts.classes):
        raise _ContentError(f"it has {scores.shape[1]} scores for {len(facts.classes)} classes")
    if truth.dtype != np.int64 or truth.shape not in {(0,), scores.shape[:1]}:
        raise _ContentError("its true labels are not one number for each image")
    read = ScoreFile(scores, truth if len(truth) else None, facts)
    if not np.array_equal(arrays["labels"], read.labels):
        raise _ContentError("its labels are not those of its scores")
    return read


def _unreadable(path: Path, reason: str) -> ResultUnreadableError:
    return ResultUnreadableError(f"{path} is no score file: {reason}.", hint=_MADE_BY)
