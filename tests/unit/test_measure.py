"""One case is measured as a worker does it, on the real null and NumPy runtimes."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fmnist_edge.artifact import write_artifact
from fmnist_edge.bench.measure import measure
from fmnist_edge.bench.messages import Job
from fmnist_edge.bench.plan import make_plan
from fmnist_edge.errors import HashMismatchError, ModelUnsupportedError
from fmnist_edge.result import Failure, Measurement, Memory, Throughput
from fmnist_edge.runtimes import null, numpy_
from fmnist_edge.session import Images, Session
from tests.examples import SETTINGS, manifest, npz_model

_IMAGES = np.random.RandomState(0).randint(0, 256, (30, 28, 28)).astype(np.uint8)


def _model(folder: Path, payload: bytes) -> Path:
    return write_artifact(folder, payload, manifest(payload))


def _job(path: Path, runtime: Any = numpy_, *, batch: int = 1) -> Job:  # noqa: ANN401 - a module
    (case,) = make_plan([path], {"it": runtime}, batch=batch).cases
    return Job(case, SETTINGS, "data", classify=True)


def _measure(job: Job, runtime: Any = numpy_) -> Measurement:  # noqa: ANN401 - a module
    readings: Iterator[tuple[int, int]] = iter([(1, 10), (2, 20), (3, 30), (4, 40)])
    return measure(job, runtime, _IMAGES, lambda: next(readings))


class Fixed:
    """The NumPy runtime, for files that take one image at a time."""

    FORMATS = numpy_.FORMATS
    PACKAGE = EXTRA = ""
    READS_MODEL = True
    load_library = staticmethod(numpy_.load_library)

    def open(self, artifact: Any, options: Any) -> Session:  # noqa: ANN401 - as in the contract
        if options.batch != 1:
            raise ModelUnsupportedError("One at a time.", hint="Wait.")
        return numpy_.open(artifact, options)


def test_a_model_is_measured_in_all_respects(tmp_path: Path) -> None:
    taken = _measure(_job(_model(tmp_path, npz_model(favourite=4))))
    assert len(taken.samples.unpack()) == 4
    assert taken.import_ns >= 0
    assert taken.load_ns > 0
    assert taken.first_ns > 0
    assert taken.memory == Memory(start=1, imported=2, loaded=3, steady=4, peak=40)
    assert taken.throughput is not None
    assert taken.throughput.batch == 2
    assert taken.throughput.images_per_second > 0
    assert taken.throughput_failure is None
    assert taken.runtime_version == np.__version__
    assert taken.labels == "4" * 30


def test_labels_are_given_only_when_asked_for(tmp_path: Path) -> None:
    job = _job(_model(tmp_path, npz_model()))
    assert _measure(replace(job, classify=False)).labels == ""


def test_the_latency_batch_is_that_of_the_case(tmp_path: Path) -> None:
    seen = []

    class Watching(Fixed):
        def open(self, artifact: Any, options: Any) -> Session:  # noqa: ANN401
            seen.append(options)
            return numpy_.open(artifact, options)

    taken = _measure(_job(_model(tmp_path, npz_model()), batch=7), Watching())
    assert [each.batch for each in seen] == [7, 2]
    assert len(taken.labels) == 30


def test_the_null_runtime_reads_no_file_and_has_no_throughput(tmp_path: Path) -> None:
    job = _job(_model(tmp_path, b"no model at all"), null)
    taken = _measure(job, null)
    assert taken.labels == "0" * 30
    assert (taken.throughput, taken.throughput_failure) == (None, None)
    assert taken.runtime_version == "0"


def test_a_fixed_batch_is_a_fact_and_no_failure(tmp_path: Path) -> None:
    taken = _measure(_job(_model(tmp_path, npz_model())), Fixed())
    assert taken.throughput is None
    assert taken.throughput_failure == Failure("ModelUnsupportedError", "One at a time.", "Wait.")
    assert len(taken.samples.unpack()) == 4


def test_throughput_is_that_of_its_own_batch(tmp_path: Path) -> None:
    job = _job(_model(tmp_path, npz_model()))
    settings = replace(SETTINGS, throughput_batch=16)
    assert isinstance(_measure(replace(job, settings=settings)).throughput, Throughput)


def test_a_file_that_changed_since_the_plan_is_refused(tmp_path: Path) -> None:
    job = _job(_model(tmp_path, npz_model(favourite=4)))
    _model(tmp_path, npz_model(favourite=5))
    with pytest.raises(HashMismatchError, match="changed while the benchmark was running"):
        _measure(job)


def test_scores_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    job = _job(_model(tmp_path, npz_model(weight=float("nan"))))
    with pytest.raises(ModelUnsupportedError, match="gives scores that are no numbers"):
        _measure(job)


def test_few_images_make_full_batches(tmp_path: Path) -> None:
    job = _job(_model(tmp_path, npz_model()), batch=50)
    images: Images = _IMAGES[:3]
    taken = measure(job, numpy_, images, lambda: (None, None))
    assert taken.labels == "333"
    assert taken.memory == Memory(None, None, None, None, None)
