"""One case is measured as a worker does it, on the real null and NumPy, and on impostors."""

from collections.abc import Callable, Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fmnist_edge.artifact import TensorSpec, write_artifact
from fmnist_edge.bench.baseline import FIXED_NETWORK, NO_MODEL
from fmnist_edge.bench.inputs import FirstImages, OwnImages, needed_images
from fmnist_edge.bench.measure import CaseMeasurement, Data, Instruments
from fmnist_edge.bench.plan import Selection, make_plan
from fmnist_edge.bench.wire import Command, DataPaths, Job, Reply, Task, decode_scores
from fmnist_edge.errors import HashMismatchError, ModelUnsupportedError
from fmnist_edge.records import replace
from fmnist_edge.result import (
    Case,
    CpuUse,
    Failure,
    Footprint,
    Inputs,
    Measurement,
    Memory,
    OwnData,
)
from fmnist_edge.runtimes import null, numpy_
from fmnist_edge.session import RuntimeModule, SessionOptions
from tests.examples import INPUT, SETTINGS, manifest, npz_model
from tests.fakes import MILLISECOND, FakeRuntime, FakeSession, Time

_NOISE = np.random.RandomState(0)
_IMAGES = _NOISE.randint(0, 256, (30, 28, 28)).astype(np.uint8)
_TEST = Data(test=FirstImages(_IMAGES, 30, lambda count: _IMAGES[:count]))
_COMMANDS = (
    Command(Task.OPEN),
    Command(Task.BACK_TO_BACK, 0.0, 3),
    Command(Task.BACK_TO_BACK, 0.0, 2),
    Command(Task.PACED, 0.0, 2),
)
_COLLECT = Command(Task.COLLECT)
Answer = Callable[[NDArray[Any]], NDArray[Any]]


def _instruments() -> Instruments:
    """Memory grows with each reading; in each turn the process is interrupted three times."""
    bytes_: Iterator[tuple[int, int]] = ((size, 10 * size) for size in count(1))
    return Instruments(lambda: next(bytes_), lambda: Footprint(2, (0,)), _cpu_use)


def _cpu_use(action: Callable[[], None], so_far: CpuUse | None) -> CpuUse:
    action()
    return CpuUse(1000, 900, 50, 0, 3 + ((so_far.preemptions or 0) if so_far else 0), cpus=4)


def _job(
    folder: Path, runtime: RuntimeModule = numpy_, payload: bytes | None = None, *, batch: int = 1
) -> Job:
    payload = npz_model(favourite=4) if payload is None else payload
    path = write_artifact(folder, payload, manifest(payload))
    (case,) = make_plan([path], Selection({"it": runtime}, batches=(batch,))).cases
    return _job_of(case)


def _job_of(case: Case) -> Job:
    return Job(case, SETTINGS, data=DataPaths(), classify=True)


def _measuring(job: Job, runtime: RuntimeModule = numpy_, data: Data = _TEST) -> CaseMeasurement:
    return CaseMeasurement(job, runtime, data, _instruments(), start_ns=77)


def _handle(
    measuring: CaseMeasurement, commands: Sequence[Command] = (*_COMMANDS, _COLLECT)
) -> Reply:
    replies = [measuring.handle(command) for command in commands]
    opened, *others = replies[:-1]
    assert opened.opened is not None
    assert opened.opened.resident_bytes in {3, None}
    assert opened.opened.call_ns > 0
    assert all(reply == Reply() for reply in others)
    return replies[-1]


def _measure(job: Job, runtime: RuntimeModule = numpy_, data: Data = _TEST) -> Measurement:
    measurement = _handle(_measuring(job, runtime, data)).measurement
    assert measurement is not None
    return measurement


def _answering(answer: Answer, shapes: tuple[TensorSpec, TensorSpec] | None = None) -> FakeRuntime:
    extra = () if shapes is None else (shapes,)
    return FakeRuntime(lambda _, options: FakeSession(answer, options, *extra))


def _scores(tensor: NDArray[Any]) -> NDArray[np.float32]:
    """Scores that differ from image to image."""
    favourite = tensor.reshape(len(tensor), -1).sum(axis=1).astype(int) % 10
    scores: NDArray[np.float32] = np.eye(10, dtype=np.float32)[favourite]
    return scores


# What is measured


def test_a_model_is_measured_in_all_respects(tmp_path: Path) -> None:
    taken = _measure(_job(tmp_path))
    assert taken.inputs == Inputs("fashion-mnist", 30, labelled=True)
    assert taken.cold.process_start_ns == 77
    assert min(taken.cold.import_ns, taken.cold.load_ns, taken.cold.first_call_ns) > 0
    assert taken.back_to_back.turn_samples == (3, 2)
    assert taken.back_to_back.sample_ns.count == 5
    assert taken.back_to_back.warmup_ns.count == 1
    assert taken.paced is not None
    assert taken.paced.response_ns.count == taken.paced.service_ns.count == 2
    assert (taken.paced.response_ns.unpack() >= taken.paced.service_ns.unpack()).all()
    assert taken.stages is not None
    assert [each.count for each in (taken.stages.prepare_ns, taken.stages.decode_ns)] == [2, 2]
    assert taken.audit.compared == 4  # the first call and three turns
    assert taken.audit.max_abs_difference == 0.0
    assert taken.audit.repeat_ratio is not None
    assert taken.memory == Memory(1, 2, 3, 4, peak_bytes=40)
    assert taken.footprint == Footprint(2, (0,))
    # Counted in the two turns of one regime and the one turn of the other.
    assert taken.back_to_back.cpu == CpuUse(1000, 900, 50, 0, 2 * 3, cpus=4)
    assert taken.paced.cpu == CpuUse(1000, 900, 50, 0, 3, cpus=4)
    assert taken.throughput is not None
    assert taken.throughput.batch == 2
    assert taken.throughput.images_per_second > 0
    assert taken.throughput_failure is None
    assert taken.runtime_version == np.__version__
    assert taken.predictions is not None
    assert taken.predictions.labels == "4" * 30


def test_the_first_order_must_be_to_open_the_model(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="first command must be to open"):
        _measuring(_job(tmp_path)).handle(_COMMANDS[1])


def test_without_paced_turns_there_is_no_paced_regime(tmp_path: Path) -> None:
    measurement = _handle(_measuring(_job(tmp_path)), (*_COMMANDS[:2], _COLLECT)).measurement
    assert measurement is not None
    assert measurement.paced is None


def test_all_images_are_labelled_and_their_scores_come_along(tmp_path: Path) -> None:
    reply = _handle(_measuring(_job(tmp_path), _answering(_scores)))
    expected = _scores(_IMAGES.astype(np.float32))
    np.testing.assert_array_equal(decode_scores(reply.scores), expected)
    assert reply.measurement is not None
    assert reply.measurement.predictions is not None
    assert reply.measurement.predictions.labels == "".join(map(str, expected.argmax(axis=1)))
    assert reply.measurement.predictions.confidence_millionths.unpack().tolist() == [1_000_000] * 30


def test_labels_are_given_only_when_asked_for(tmp_path: Path) -> None:
    reply = _handle(_measuring(replace(_job(tmp_path), classify=False)))
    assert reply.scores == ""
    assert reply.measurement is not None
    assert reply.measurement.predictions is None
    assert reply.measurement.audit.compared == 4  # the first call and three turns


def test_the_confidence_of_logits_is_that_of_their_probabilities(tmp_path: Path) -> None:
    logits = np.zeros((1, 10), np.float32)
    logits[0, 7] = 3.0
    runtime = _answering(lambda tensor: np.repeat(logits, len(tensor), axis=0))
    predictions = _measure(_job(tmp_path, runtime), runtime).predictions
    assert predictions is not None
    probability = np.exp(3.0) / (np.exp(3.0) + 9)
    assert predictions.confidence_millionths.unpack().tolist() == [round(1e6 * probability)] * 30


def test_an_answer_that_is_no_row_of_scores_makes_no_labels(tmp_path: Path) -> None:
    shapes = (INPUT, TensorSpec("boxes", (None, 3, 4), "float32"))
    runtime = _answering(lambda tensor: np.zeros((len(tensor), 3, 4), np.float32), shapes)
    reply = _handle(_measuring(_job(tmp_path, runtime), runtime))
    assert reply.scores == ""
    assert reply.measurement is not None
    assert reply.measurement.predictions is None
    assert reply.measurement.stages is not None


def test_a_session_is_closed_in_the_end(tmp_path: Path) -> None:
    runtime = _answering(_scores)
    _measure(_job(tmp_path, runtime), runtime)
    session = runtime.opened[0][1]
    assert isinstance(session, FakeSession)
    assert session.closed


def test_stress_tells_how_many_calls_there_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    time = Time().replace(monkeypatch)
    runtime = _answering(_slow(time, MILLISECOND))
    commands = (Command(Task.OPEN), Command(Task.SUSTAINED_LOAD, 0.05))
    reply = _handle(_measuring(_job(tmp_path, runtime), runtime), commands)
    assert reply == Reply(calls=50)


def test_what_the_system_does_not_tell_stays_unknown(tmp_path: Path) -> None:
    silent = Instruments(lambda: (None, None), lambda: Footprint(None, None), _cpu_use)
    measuring = CaseMeasurement(_job(tmp_path), numpy_, _TEST, silent, start_ns=0)
    measurement = _handle(measuring).measurement
    assert measurement is not None
    assert measurement.memory == Memory(None, None, None, None, None)
    assert measurement.footprint == Footprint(None, None)


# Batches


def test_the_latency_batch_is_that_of_the_case(tmp_path: Path) -> None:
    runtime = FakeRuntime()
    taken = _measure(_job(tmp_path, runtime, batch=7), runtime)
    assert [options.batch for options, _ in runtime.opened] == [7, 2]
    assert taken.predictions is not None
    assert len(taken.predictions.labels) == 30
    assert taken.audit.max_abs_difference == 0.0


def test_a_fixed_batch_is_a_fact_and_no_failure(tmp_path: Path) -> None:
    runtime = FakeRuntime(batch=1)
    taken = _measure(_job(tmp_path, runtime), runtime)
    assert taken.throughput is None
    assert taken.throughput_failure == Failure("ModelUnsupportedError", "One at a time.", "Wait.")
    assert taken.back_to_back.sample_ns.count == 5


def test_few_images_make_full_batches(tmp_path: Path) -> None:
    few = Data(test=FirstImages(_IMAGES[:3], 3, lambda _: _IMAGES[:3]))
    predictions = _measure(_job(tmp_path, batch=50), data=few).predictions
    assert predictions is not None
    assert predictions.labels == "444"


@pytest.mark.parametrize("batch", [1, 3])
def test_a_process_holds_few_images_until_its_memory_was_read(tmp_path: Path, batch: int) -> None:
    job = _job(tmp_path, batch=batch)
    needed = needed_images(job.settings, batch)
    assert needed < len(_IMAGES)
    tensors: dict[str, list[bytes]] = {"few": [], "all": []}
    reads: list[tuple[int, int]] = []

    def read(count: int) -> NDArray[np.uint8]:
        reads.append((count, len(tensors["few"])))
        return _IMAGES[:count]

    for name, images in (("few", _IMAGES[:needed]), ("all", _IMAGES)):
        given = tensors[name]

        def answer(tensor: NDArray[Any], given: list[bytes] = given) -> NDArray[Any]:
            given.append(tensor.tobytes())
            return _scores(tensor)

        taken = _measure(job, _answering(answer), Data(FirstImages(images, 30, read)))
        assert taken.inputs == Inputs("fashion-mnist", 30, labelled=True)
    assert set(tensors["few"]) == set(tensors["all"])
    # The throughput's, then all of them; both after the timed calls.
    (throughput, calls_before), (everything, _) = reads
    assert (throughput, everything) == (4 * job.settings.throughput_batch, 30)
    assert calls_before > sum(command.samples for command in _COMMANDS)


def _slow(time: Time, nanoseconds: int) -> Answer:
    def answer(tensor: NDArray[Any]) -> NDArray[Any]:
        time.now += nanoseconds
        return _scores(tensor)

    return answer


@pytest.mark.parametrize(("call", "images"), [(600 * MILLISECOND, 1), (1_000 * MILLISECOND, 2)])
def test_a_model_that_would_take_long_labels_images_in_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: int, images: int
) -> None:
    slow = _slow(Time().replace(monkeypatch), call)
    seen = []

    def answer(tensor: NDArray[Any]) -> NDArray[Any]:
        seen.append(len(tensor))
        return slow(tensor)

    runtime = _answering(answer)
    taken = _measure(_job(tmp_path, runtime), runtime)
    assert taken.predictions is not None
    assert len(taken.predictions.labels) == 30
    assert taken.audit.max_abs_difference == 0.0
    # 30 images of 0.6 s take less than 20 s, those of a second more.
    assert seen.count(images) > 30 // images


# Honesty


def test_a_runtime_that_answers_otherwise_while_it_is_timed_is_found_out(tmp_path: Path) -> None:
    timed = False

    def answer(tensor: NDArray[Any]) -> NDArray[Any]:
        return 0.25 * _scores(tensor) if timed else _scores(tensor)

    for classify in (True, False):
        runtime = _answering(answer)
        measuring = _measuring(replace(_job(tmp_path, runtime), classify=classify), runtime)
        measuring.handle(_COMMANDS[0])
        timed = True
        measuring.handle(_COMMANDS[1])
        timed = False
        measurement = measuring.handle(_COLLECT).measurement
        assert measurement is not None
        assert measurement.audit.compared == 2
        assert measurement.audit.max_abs_difference == 0.75


def test_a_runtime_that_answers_with_what_it_said_before_is_found_out(tmp_path: Path) -> None:
    said = np.zeros((1, 10), np.float32)
    timed = False

    def answer(tensor: NDArray[Any]) -> NDArray[Any]:
        return said if timed else _scores(tensor)

    runtime = _answering(answer)
    measuring = _measuring(_job(tmp_path, runtime), runtime)
    measuring.handle(_COMMANDS[0])
    timed = True
    measuring.handle(_COMMANDS[3])
    timed = False
    measurement = measuring.handle(_COLLECT).measurement
    assert measurement is not None
    assert measurement.audit.max_abs_difference == 1.0


def test_a_runtime_that_answers_in_the_same_memory_each_time_is_honest(tmp_path: Path) -> None:
    memory = {size: np.zeros((size, 10), np.float32) for size in (1, 2)}

    def answer(tensor: NDArray[Any]) -> NDArray[Any]:
        memory[len(tensor)][:] = _scores(tensor)
        return memory[len(tensor)]

    for classify in (True, False):
        runtime = _answering(answer)
        taken = _measure(replace(_job(tmp_path, runtime), classify=classify), runtime)
        assert taken.audit.max_abs_difference == 0.0


def test_a_runtime_that_remembers_its_last_input_is_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    time = Time(reading=50).replace(monkeypatch)
    last: list[NDArray[Any]] = []

    def answer(tensor: NDArray[Any]) -> NDArray[Any]:
        known = bool(last) and np.array_equal(last[0], tensor)
        time.now += 1_000 if known else 200_000
        last[:] = [tensor]
        return _scores(tensor)

    ratios = []
    for runtime in (_answering(answer), _answering(_slow(time, 200_000))):
        job = _job(tmp_path, runtime)
        job = replace(job, settings=replace(job.settings, warmup_calls=5))
        ratios.append(_measure(job, runtime).audit.repeat_ratio)
    caching, honest = ratios
    assert caching is not None
    assert caching > 1.1
    assert honest == pytest.approx(1.0)


@pytest.mark.parametrize("classify", [True, False])
def test_scores_that_are_no_numbers_are_refused(tmp_path: Path, *, classify: bool) -> None:
    job = _job(tmp_path, payload=npz_model(weight=float("nan")))
    with pytest.raises(ModelUnsupportedError, match="gives scores that are no numbers"):
        _measure(replace(job, classify=classify))


def test_a_file_that_changed_since_the_plan_is_refused(tmp_path: Path) -> None:
    job = _job(tmp_path)
    _job(tmp_path, payload=npz_model(favourite=5))
    with pytest.raises(HashMismatchError, match="changed while the benchmark was running"):
        _measure(job)


# Inputs


def _large(runtime_answer: Answer = _scores) -> FakeRuntime:
    """A model for images of 32x32."""
    shapes = (
        TensorSpec("image", (None, 32, 32), "float32"),
        TensorSpec("s", (None, 10), "float32"),
    )
    return _answering(runtime_answer, shapes)


def test_a_model_for_other_images_is_fed_with_noise_and_says_so(tmp_path: Path) -> None:
    shapes = []

    def answer(tensor: NDArray[Any]) -> NDArray[Any]:
        shapes.append(tensor.shape[1:])
        return _scores(tensor)

    runtime = _large(answer)
    taken = _measure(_job(tmp_path, runtime), runtime)
    assert taken.inputs == Inputs("synthetic", 256, labelled=False)
    assert set(shapes) == {(32, 32)}


def test_without_the_test_images_every_model_is_fed_with_noise(tmp_path: Path) -> None:
    assert _measure(_job(tmp_path), data=Data()).inputs == Inputs("synthetic", 256, labelled=False)


def _own(images: NDArray[Any], labels: NDArray[np.int64] | None = None) -> Data:
    return Data(test=_TEST.test, own=OwnImages(images, labels, OwnData("my.npz", "0" * 64)))


def test_the_users_images_come_before_all_others(tmp_path: Path) -> None:
    images = _NOISE.randint(0, 256, (6, 32, 32)).astype(np.uint8)
    for labels in (np.arange(6), None):
        runtime = _large()
        taken = _measure(_job(tmp_path, runtime), runtime, _own(images, labels))
        assert taken.inputs == Inputs("file", 6, labelled=labels is not None)
        assert taken.predictions is not None
        expected = _scores(images.astype(np.float32)).argmax(axis=1)
        assert taken.predictions.labels == "".join(map(str, expected))


def test_images_of_another_shape_than_the_model_takes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelUnsupportedError, match="not 32x32"):
        _measure(_job(tmp_path), data=_own(np.zeros((6, 32, 32), np.uint8)))


def test_labels_of_classes_that_the_model_does_not_have_are_refused(tmp_path: Path) -> None:
    data = _own(_IMAGES, np.full(30, 10))
    with pytest.raises(ModelUnsupportedError, match="labels go up to 10, and the model gives 10"):
        _measure(_job(tmp_path), data=data)


# The baseline


def test_the_null_runtime_reads_no_file_and_has_no_throughput() -> None:
    taken = _measure(_job_of(Case(NO_MODEL, "null", "cpu", 1, 1)), null)
    assert taken.predictions is not None
    assert taken.predictions.labels == "0" * 30
    assert (taken.throughput, taken.throughput_failure) == (None, None)
    assert taken.runtime_version == "0"


def test_the_fixed_network_is_measured_like_any_model() -> None:
    taken = _measure(_job_of(Case(FIXED_NETWORK, "numpy", "cpu", 1, 1)))
    assert taken.throughput is not None
    assert taken.inputs == Inputs("fashion-mnist", 30, labelled=True)


@pytest.mark.parametrize(("subject", "runtime"), [(NO_MODEL, null), (FIXED_NETWORK, numpy_)])
def test_the_baseline_is_measured_whatever_the_users_data_are_like(
    subject: Any,  # noqa: ANN401
    runtime: Any,  # noqa: ANN401
) -> None:
    data = Data(own=_own(np.zeros((6, 32, 32), np.uint8), np.arange(6) + 100).own)
    taken = _measure(_job_of(Case(subject, "it", "cpu", 1, 1)), runtime, data)
    assert taken.inputs == Inputs("synthetic", 256, labelled=False)


def test_a_model_that_fails_later_fails_then(tmp_path: Path) -> None:
    def answer(tensor: NDArray[Any]) -> NDArray[Any]:
        if fails:
            raise ModelUnsupportedError("It gave up.", hint="Wait.")
        return _scores(tensor)

    fails = False
    runtime = _answering(answer)
    measuring = _measuring(_job(tmp_path, runtime), runtime)
    measuring.handle(_COMMANDS[0])
    fails = True
    with pytest.raises(ModelUnsupportedError, match="gave up"):
        measuring.handle(_COMMANDS[1])


def test_options_of_the_case_reach_the_runtime(tmp_path: Path) -> None:
    runtime = FakeRuntime()
    job = _job(tmp_path, runtime)
    _measure(replace(job, case=replace(job.case, threads=3)), runtime)
    assert [options for options, _ in runtime.opened] == [
        SessionOptions(threads=3, batch=1, device="cpu"),
        SessionOptions(threads=3, batch=2, device="cpu"),
    ]
