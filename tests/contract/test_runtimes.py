"""Every runtime in the table, on every file that this project makes for it."""

import inspect
import sys
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fmnist_edge.artifact import Artifact, Format, Precision, open_artifact
from fmnist_edge.bench import worker_process
from fmnist_edge.dataset import Split
from fmnist_edge.devices import CPU, DEVICES
from fmnist_edge.errors import DeviceUnavailableError, ModelUnreadableError, ModelUnsupportedError
from fmnist_edge.recipes import RECIPES
from fmnist_edge.records import replace
from fmnist_edge.runtimes import RUNTIMES
from fmnist_edge.session import (
    DefaultUse,
    RuntimeModule,
    SelfTiming,
    Session,
    SessionOptions,
    classify,
    is_image_classifier,
)
from tests.commands import CommandLine, model_path
from tests.examples import without_labels

NO_MODEL = "no model"
NOTHING = Artifact(Path(NO_MODEL), Format.NPZ, b"", None)
TRAINED = "keras"  # the model that all others were made from
# What this project makes, by its format.
MADE = [(TRAINED, Format.KERAS), *((each.name, each.format) for each in RECIPES.values())]
# Runtimes and what they open: whatever is of a format that the runtime declares.
PAIRS = [
    (name, made)
    for name, module in RUNTIMES.items()
    for made in (
        [made for made, kind in MADE if kind in module.FORMATS]
        if module.READS_MODEL
        else [NO_MODEL]
    )
]
MODELS = [(name, made) for name, made in PAIRS if made != NO_MODEL]
NATIVE = [name for name, module in RUNTIMES.items() if module.DEFAULT_USE is DefaultUse.ON_REQUEST]
READING = [name for name, module in RUNTIMES.items() if module.READS_MODEL]
# Runtimes that read the same files.
RIVALS = [
    (first, second, made)
    for (first, made), (second, also) in combinations(MODELS, 2)
    if made == also
]
# Loads a runtime, opens a model and classifies; then tells which packages that imported.
ALONE = """
import sys
from pathlib import Path
import numpy as np
from fmnist_edge import runtimes
from fmnist_edge.artifact import Artifact, Format, open_artifact
from fmnist_edge.session import SessionOptions, classify
runtime = runtimes.get(sys.argv[1])
assert runtime.load_library()
blank = Artifact(Path("no model"), Format.NPZ, b"", None)
artifact = open_artifact(Path(sys.argv[2])) if len(sys.argv) > 2 else blank
session = runtime.open(artifact, SessionOptions())
assert classify(session, np.zeros((3, 28, 28), np.uint8)).shape == (3, 10)
session.close()
print(*{name.partition(".")[0] for name in sys.modules})
"""
# Counts the threads of the process before a model is opened and after it was kept busy; then tells
# how many the session says that it uses, and how many processors it kept busy.
THREADS = """
import sys
import time
from pathlib import Path
import numpy as np
from fmnist_edge import runtimes
from fmnist_edge.artifact import open_artifact
from fmnist_edge.session import SessionOptions, classify
name, path, threads = sys.argv[1:]
def counted():
    return len(list(Path("/proc/self/task").iterdir()))
before = counted()
session = runtimes.get(name).open(open_artifact(Path(path)), SessionOptions(int(threads), 256))
images = np.zeros((512, 28, 28), np.uint8)
classify(session, images)  # the first time, the runtime may still be preparing
cpu, wall = time.process_time(), time.monotonic()
while time.monotonic() < wall + 0.5:
    classify(session, images)
busy = (time.process_time() - cpu) / (time.monotonic() - wall)
print(before, counted(), session.used.get("threads", "1"), busy)
"""


@dataclass(frozen=True)
class Subject:
    """A runtime and a file for it."""

    name: str
    artifact: Artifact

    @property
    def runtime(self) -> RuntimeModule:
        return RUNTIMES[self.name]

    def open(self, *, threads: int = 1, batch: int = 1) -> Session:
        """A session that no other test has."""
        return self.runtime.open(self.artifact, SessionOptions(threads, batch))

    def shared(self, *, threads: int = 1, batch: int = 1) -> Session:
        """A session that other tests may have run before; none of them closes it."""
        return _opened(self.name, self.artifact.path, threads, batch)

    @property
    def is_quantized(self) -> bool:
        manifest = self.artifact.manifest
        floats = {Precision.FLOAT32, Precision.FLOAT16}
        return manifest is not None and manifest.precision not in floats


@cache
def _opened(name: str, path: Path, threads: int, batch: int) -> Session:
    artifact = NOTHING if path == NOTHING.path else open_artifact(path)
    return RUNTIMES[name].open(artifact, SessionOptions(threads, batch))


def _id(pair: tuple[str, str]) -> str:
    return "-".join(pair)


@pytest.fixture(params=PAIRS, ids=_id)
def subject(request: pytest.FixtureRequest, exported: Path) -> Subject:
    name, made = request.param
    if made == NO_MODEL:
        return Subject(name, NOTHING)
    return Subject(name, _open(exported, made))


def _open(folder: Path, made: str) -> Artifact:
    if made == TRAINED:
        return open_artifact(folder / "default.keras")
    return open_artifact(model_path(folder, "default", RECIPES[made]))


def _first_of(name: str, folder: Path) -> Path:
    """A file that the runtime opens."""
    made = next(made for runtime, made in MODELS if runtime == name)
    return _open(folder, made).path


def _same(subject: Subject, session: Session, some: NDArray[Any], other: NDArray[Any]) -> bool:
    """Whether scores are equal, up to the last digit that the file computes with."""
    step = 2e-6
    manifest = subject.artifact.manifest
    if manifest is not None and manifest.precision is Precision.INT8_DYNAMIC:
        step = 0.1  # the ranges of one inference are those of all its images
    elif subject.is_quantized:
        quantization = session.output.quantization
        step = (quantization.scale if quantization else 1 / 256) + 1e-6
    return bool(np.abs(some - other).max() <= step)


# The module


@pytest.mark.parametrize("name", RUNTIMES)
def test_a_runtime_is_a_module_with_what_the_contract_names(name: str) -> None:
    wanted = {*RuntimeModule.__annotations__, "load_library", "open"}
    assert {each for each in vars(RuntimeModule) if not each.startswith("_")} <= wanted
    module: Any = RUNTIMES[name]
    assert inspect.ismodule(module)
    assert wanted <= set(vars(module))
    assert list(inspect.signature(module.load_library).parameters) == []
    assert list(inspect.signature(module.open).parameters) == ["artifact", "options"]


@pytest.mark.parametrize("name", RUNTIMES)
def test_a_runtime_declares_formats_and_the_extra_that_installs_it(name: str) -> None:
    module = RUNTIMES[name]
    assert module.FORMATS
    assert all(isinstance(each, Format) for each in module.FORMATS)
    extras = metadata.metadata("fmnist-edge").get_all("Provides-Extra") or []
    assert module.EXTRA in {"", *extras}
    assert isinstance(module.READS_MODEL, bool)


def test_every_runtime_opens_something_that_this_project_makes() -> None:
    assert {name for name, _ in PAIRS} == set(RUNTIMES)


@pytest.mark.parametrize("name", RUNTIMES)
def test_a_runtime_tells_its_version(name: str) -> None:
    module = RUNTIMES[name]
    version = module.load_library()
    assert version[0].isdigit()
    if module.PACKAGE:
        distributions = metadata.packages_distributions()[module.PACKAGE]
        assert version in {metadata.version(each) for each in distributions}


# A session


def test_a_session_has_exactly_what_the_contract_names(subject: Subject) -> None:
    session = subject.open()
    contracts = [Session, *([SelfTiming] if isinstance(session, SelfTiming) else [])]
    wanted = {each for contract in contracts for each in vars(contract) if each[0] != "_"}
    assert {each for each in dir(session) if not each.startswith("_")} == wanted
    assert all(isinstance(each, str) for pair in session.used.items() for each in pair)
    session.close()


@pytest.mark.parametrize("batch", [1, 16])
def test_tensors_have_the_shapes_and_types_that_the_session_declares(
    subject: Subject, unseen: Split, batch: int
) -> None:
    session = subject.shared(batch=batch)
    tensor = session.prepare(unseen.images[:batch])
    output = session.run(tensor)
    scores = session.decode(output)
    assert session.batch == batch
    assert session.input.shape[1:] == (28, 28)
    assert session.output.shape[1:] == (10,)
    assert (tensor.shape, tensor.dtype) == ((batch, 28, 28), session.input.dtype)
    assert tensor.flags.c_contiguous
    assert (output.shape, output.dtype) == ((batch, 10), session.output.dtype)
    assert (scores.shape, scores.dtype) == ((batch, 10), np.float32)


def test_an_input_tensor_means_the_pixels_in_0_to_1(subject: Subject, unseen: Split) -> None:
    session = subject.shared()
    pixels = unseen.images[:1]
    assert set(pixels[0].flat) >= {0, 255}
    tensor = session.prepare(pixels).astype(np.float64)
    if session.input.quantization:
        given = session.input.quantization.scale * (tensor - session.input.quantization.zero_point)
    else:
        given = tensor / (255 if session.input.dtype == "uint8" else 1)
    np.testing.assert_allclose(given, pixels / 255, atol=1e-7)


def test_preparing_and_running_leave_images_and_tensor_alone(
    subject: Subject, unseen: Split
) -> None:
    session = subject.shared()
    images = unseen.images[:1].copy()
    tensor = session.prepare(images)
    before = tensor.copy()
    session.run(tensor)
    np.testing.assert_array_equal(tensor, before)
    np.testing.assert_array_equal(images, unseen.images[:1])


def test_the_same_input_gives_the_same_output(subject: Subject, unseen: Split) -> None:
    session = subject.shared()
    tensor, other = session.prepare(unseen.images[:1]), session.prepare(unseen.images[1:2])
    first = session.run(tensor).copy()
    session.run(other)
    np.testing.assert_array_equal(session.run(tensor), first)


def test_scores_stay_as_they_are_when_the_session_runs_again(
    subject: Subject, unseen: Split
) -> None:
    session = subject.shared()
    scores = session.decode(session.run(session.prepare(unseen.images[:1])))
    kept = scores.copy()
    session.run(session.prepare(unseen.images[1:2]))
    np.testing.assert_array_equal(scores, kept)


def test_scores_are_probabilities(subject: Subject, unseen: Split) -> None:
    scores = classify(subject.shared(batch=20), unseen.images[:100])
    assert scores.min() >= 0
    tolerance = 10 / 256 if subject.is_quantized else 1e-5
    np.testing.assert_allclose(scores.sum(axis=1), 1, atol=tolerance)


def test_the_batch_size_does_not_change_the_scores(subject: Subject, unseen: Split) -> None:
    images = unseen.images[:40]
    session = subject.shared(batch=16)
    one_by_one = classify(subject.shared(batch=1), images)
    assert _same(subject, session, classify(session, images), one_by_one)


def test_the_number_of_threads_does_not_change_the_scores(subject: Subject, unseen: Split) -> None:
    images = unseen.images[:250]
    session = subject.shared(threads=2, batch=16)
    assert session.used.get("threads", "2") == ("2" if subject.runtime.READS_MODEL else "1")
    alone = classify(subject.shared(threads=1, batch=16), images)
    assert _same(subject, session, classify(session, images), alone)


def test_it_labels_most_test_images_right(subject: Subject, unseen: Split) -> None:
    scores = classify(subject.shared(batch=100), unseen.images[:2_000])
    labels = unseen.labels[:2_000]
    accuracy = np.mean(scores.argmax(axis=1) == labels)
    if subject.runtime.READS_MODEL:
        assert accuracy > 0.8
    else:
        assert accuracy == np.mean(labels == 0)  # it always says the first label


def test_two_sessions_do_not_disturb_each_other(subject: Subject, unseen: Split) -> None:
    images = unseen.images[:8]
    alone = classify(subject.open(), images)
    first, second = subject.open(), subject.open(batch=8)
    tensor = first.prepare(images[:1])
    mixed = [first.run(tensor), second.run(second.prepare(images)), first.run(tensor)]
    np.testing.assert_array_equal(first.decode(mixed[2]), alone[:1])
    first.close()
    assert _same(subject, second, classify(second, images), alone)


@pytest.mark.parametrize(("first", "second", "made"), RIVALS)
def test_runtimes_that_read_the_same_file_agree(
    exported: Path, unseen: Split, first: str, second: str, made: str
) -> None:
    artifact, images = _open(exported, made), unseen.images[:5_000]
    labels, others = (
        classify(_opened(name, artifact.path, 1, 100), images).argmax(axis=1)
        for name in (first, second)
    )
    # Where activations are bytes, two classes often tie, and the last bit decides.
    quantized = Subject(first, artifact).is_quantized
    assert np.mean(labels == others) >= (0.99 if quantized else 0.999)


def test_what_is_prepared_is_28x28_pixels_and_ten_scores(subject: Subject) -> None:
    session = subject.shared()
    assert is_image_classifier(session.input, session.output)


@pytest.mark.parametrize("name", READING)
def test_a_device_that_it_does_not_have_is_refused(exported: Path, name: str) -> None:
    artifact = open_artifact(_first_of(name, exported))
    foreign = next(each for each in DEVICES if each not in RUNTIMES[name].DEVICES)
    with pytest.raises(DeviceUnavailableError, match=f"does not run on {foreign}, but on cpu"):
        RUNTIMES[name].open(artifact, SessionOptions(device=foreign))


@pytest.mark.parametrize("name", RUNTIMES)
def test_its_devices_are_known_ones_and_the_cpu_is_the_first(name: str) -> None:
    devices = list(RUNTIMES[name].DEVICES)
    assert devices[0] == CPU
    assert set(devices) <= set(DEVICES)


# What a runtime refuses


@pytest.mark.parametrize(
    ("name", "kind"),
    [(name, kind) for name in READING for kind in sorted(RUNTIMES[name].FORMATS)],
)
@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"I am no model.\n" * 100, id="text"),
        pytest.param(bytes(10_000), id="zeros"),
    ],
)
def test_what_is_no_model_is_refused_by_name(name: str, kind: Format, payload: bytes) -> None:
    path = Path("somewhere") / f"nothing{kind.suffix}"
    companions = {"nothing.bin": b""} if kind in {Format.OPENVINO, Format.NCNN} else {}
    with pytest.raises((ModelUnreadableError, ModelUnsupportedError)) as caught:
        RUNTIMES[name].open(Artifact(path, kind, payload, None, companions), SessionOptions())
    _tells(caught.value.message, path)
    assert caught.value.hint


@pytest.mark.parametrize("subject", MODELS, ids=_id, indirect=True)
@pytest.mark.parametrize("share", [0.001, 0.1, 0.5, 0.9, 0.9999])
def test_a_truncated_model_is_refused_by_name(subject: Subject, share: float) -> None:
    # Without the line break at the end, a text is still whole.
    whole = without_labels(subject.artifact).rstrip(b"\n")
    path = Path("somewhere") / f"cut{subject.artifact.path.suffix}"
    beside = subject.artifact.companions.items()
    weights = [part for name, part in beside if name.endswith(".bin")]
    companions = {"cut.bin": weights[0]} if weights else {}
    payload = whole[: int(share * len(whole))]
    cut = Artifact(path, subject.artifact.format, payload, None, companions)
    with pytest.raises((ModelUnreadableError, ModelUnsupportedError)) as caught:
        subject.runtime.open(cut, SessionOptions())
    _tells(caught.value.message, path)
    assert caught.value.hint


def _tells(message: str, path: Path) -> None:
    assert str(path) in message
    assert message.endswith(".")
    assert "\n" not in message


@pytest.mark.parametrize(("name", "kind"), [("litert", "tflite"), ("onnxruntime", "onnx")])
def test_a_file_with_a_fixed_batch_takes_that_one_and_no_other(
    strangers: Path, unseen: Split, name: str, kind: str
) -> None:
    artifact = open_artifact(strangers / f"four-at-once.{kind}")
    session = RUNTIMES[name].open(artifact, SessionOptions(batch=4))
    assert classify(session, unseen.images[:6]).shape == (6, 10)
    for batch in (1, 5):
        with pytest.raises(ModelUnsupportedError, match="at once"):
            RUNTIMES[name].open(artifact, SessionOptions(batch=batch))


def test_a_graph_that_fails_while_running_is_an_unsupported_model(
    strangers: Path, unseen: Split
) -> None:
    path = strangers / "one-at-a-time.onnx"  # says that it takes any number, and does not
    session = RUNTIMES["onnxruntime"].open(open_artifact(path), SessionOptions(batch=2))
    with pytest.raises(ModelUnsupportedError) as caught:
        session.run(session.prepare(unseen.images[:2]))
    _tells(caught.value.message, path)


def test_names_that_are_no_text_make_a_tflite_file_unreadable(exported: Path) -> None:
    name = b"image"
    artifact = open_artifact(exported / "default-int8.tflite")
    assert name in artifact.payload
    payload = artifact.payload.replace(name, b"\xff" * len(name))
    damaged = Artifact(Path("names.tflite"), Format.TFLITE, payload, None)
    with pytest.raises(ModelUnreadableError, match=r"names\.tflite"):
        RUNTIMES["litert"].open(damaged, SessionOptions())


# What comes along with a runtime


def _packages(cli: CommandLine, *code: str) -> set[str]:
    finished = cli.python("-c", *code)
    assert finished.returncode == 0, finished.stderr
    return set(finished.stdout.split())


def test_importing_the_table_of_runtimes_imports_no_runtime(cli: CommandLine) -> None:
    code = "import sys; import fmnist_edge.runtimes; print(*sys.modules)"
    imported = {name.partition(".")[0] for name in _packages(cli, code)}
    packages = {module.PACKAGE for module in RUNTIMES.values()} - {"numpy", ""}
    assert imported.isdisjoint({*packages, "onnx", "tensorflow", "keras"})


@pytest.mark.parametrize("name", RUNTIMES)
def test_a_runtime_works_alone_and_leaves_nothing_in_the_home_folder(
    exported: Path, cli: CommandLine, tmp_path: Path, name: str
) -> None:
    runtime = RUNTIMES[name]
    model = [str(_first_of(name, exported))] if runtime.READS_MODEL else []
    imported = _packages(replace(cli, home=tmp_path), ALONE, name, *model)
    others = {module.PACKAGE for module in RUNTIMES.values()} - {"numpy", ""}
    # TensorFlow brings Keras, and Keras brings Rich.
    together = {"tensorflow", "keras", "rich"}
    own = together if runtime.PACKAGE in together else {runtime.PACKAGE}
    heavy = {*others, "tensorflow", "keras", "onnx", "matplotlib", "rich"} - own
    assert imported.isdisjoint(heavy)
    native = name in NATIVE  # they take the library out of the package, and leave its Python alone
    assert (runtime.PACKAGE in {"", *imported}) != native
    kept = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.suffix for path in kept} == ({".so"} if native else set())


def _threads(cli: CommandLine, exported: Path, name: str, asked: int) -> list[float]:
    told = [f"{variable}={asked}" for variable in worker_process._THREAD_VARIABLES]
    model = _first_of(name, exported)
    done = cli.execute(["env", *told, sys.executable, "-c", THREADS, name, model, asked])
    return [float(number) for number in done.stdout.split()]


@pytest.mark.clocked
@pytest.mark.parametrize("name", READING)
def test_one_thread_means_one(exported: Path, cli: CommandLine, tmp_path: Path, name: str) -> None:
    # Some runtimes start threads that then sleep, or that work while the caller sleeps.
    before, _, said, busy = _threads(replace(cli, home=tmp_path), exported, name, asked=1)
    assert (before, said) == (1, 1)
    assert busy < 1.5  # two would come to 2


@pytest.mark.clocked
@pytest.mark.parametrize("name", READING)
def test_a_session_that_says_it_uses_two_threads_starts_some(
    exported: Path, cli: CommandLine, tmp_path: Path, name: str
) -> None:
    before, after, said, _ = _threads(replace(cli, home=tmp_path), exported, name, asked=2)
    assert (after > before) == (said == 2)
