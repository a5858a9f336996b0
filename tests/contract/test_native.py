"""The runtimes that are called from C, beside the same runtimes called from Python."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from fmnist_edge.artifact import Artifact, open_artifact
from fmnist_edge.dataset import Split
from fmnist_edge.errors import MissingDependencyError, ModelUnreadableError, ModelUnsupportedError
from fmnist_edge.recipes import RECIPES
from fmnist_edge.records import replace
from fmnist_edge.runtimes import litert, litert_native, ort, ort_native
from fmnist_edge.runtimes.native_session import NativeSession
from fmnist_edge.session import (
    DefaultUse,
    RuntimeModule,
    SelfTiming,
    Session,
    SessionOptions,
    classify,
)
from tests.commands import CommandLine, model_path
from tests.examples import without_labels
from tests.jobs import Attempts

TWINS: dict[str, tuple[RuntimeModule, RuntimeModule]] = {
    "tflite": (litert, litert_native),
    "onnx": (ort, ort_native),
    "ort": (ort, ort_native),
}
pytestmark = pytest.mark.needs("c-compiler")
MADE = ["tflite-float32", "tflite-int8", "onnx-float32", "onnx-int8", "ort-float32"]
ANY_BATCH = ["tflite-float32", "tflite-int8"]
FOREVER = 10**15  # nanoseconds
# Loads a runtime, opens a model, classifies and times; then tells which packages that imported.
ALONE = """
import sys
from pathlib import Path
import numpy as np
from fmnist_edge.artifact import open_artifact
from fmnist_edge.runtimes import litert_native, ort_native
from fmnist_edge.session import SessionOptions, classify
path = Path(sys.argv[1])
runtime = {".tflite": litert_native}.get(path.suffix, ort_native)
runtime.load_library()
session = runtime.open(open_artifact(path), SessionOptions())
images = np.zeros((1, 28, 28), np.uint8)
assert classify(session, images).shape == (1, 10)
assert len(session.time_calls([session.prepare(images)], 10**12, 100)[0]) == 100
print(*{name.partition(".")[0] for name in sys.modules})
"""


@dataclass(frozen=True)
class Twins:
    """A file, and the two runtimes that open it."""

    python: RuntimeModule
    native: RuntimeModule
    artifact: Artifact

    def open(self, batch: int = 1) -> NativeSession:
        session = self.native.open(self.artifact, SessionOptions(batch=batch))
        assert isinstance(session, NativeSession)
        return session

    def with_bytes(self, payload: bytes) -> Artifact:
        return replace(self.artifact, path=Path("somewhere/else"), payload=payload, manifest=None)


@pytest.fixture(params=MADE)
def twins(request: pytest.FixtureRequest, exported: Path) -> Twins:
    recipe = RECIPES[request.param]
    return Twins(*TWINS[recipe.format], open_artifact(model_path(exported, "default", recipe)))


@pytest.fixture(scope="module")
def any_batch(attempts: Attempts) -> Path:
    """TFLite files that leave their batch open."""
    return attempts["open"].folder


# The same answers


@pytest.mark.parametrize("batch", [1, 16])
def test_c_gets_the_scores_that_python_gets(twins: Twins, unseen: Split, batch: int) -> None:
    images = unseen.images[:200]
    session = twins.open(batch)
    python = twins.python.open(twins.artifact, SessionOptions(batch=batch))
    quantization = session.output.quantization
    step = 1e-6 + (quantization.scale if quantization else 0)
    assert np.abs(classify(session, images) - classify(python, images)).max() <= step


@pytest.mark.parametrize("kind", ["tflite", "onnx"])
@pytest.mark.parametrize("shape", ["seven-scores", "larger-images"])
def test_c_gets_what_python_gets_from_models_of_other_shapes(
    strangers: Path, kind: str, shape: str
) -> None:
    artifact = open_artifact(strangers / f"{shape}.{kind}")
    session, python = (
        module.open(artifact, SessionOptions(batch=3)) for module in reversed(TWINS[kind])
    )
    items = np.random.default_rng(0).random((3, *session.input.shape[1:]), np.float32)
    given = session.prepare(items)
    np.testing.assert_allclose(session.run(given), python.run(given), atol=1e-6)


@pytest.mark.parametrize("name", ANY_BATCH)
@pytest.mark.parametrize("batch", [1, 3, 64])
def test_c_gives_room_for_all_scores_where_litert_tells_too_little(
    any_batch: Path, unseen: Split, name: str, batch: int
) -> None:
    artifact = open_artifact(model_path(any_batch, "default", RECIPES[name]))
    twins = Twins(*TWINS["tflite"], artifact)
    session = twins.open(batch)
    python = twins.python.open(artifact, SessionOptions(batch=batch))
    assert session.input.shape == (None, 28, 28)
    scores = classify(session, unseen.images[:192])
    np.testing.assert_allclose(scores, classify(python, unseen.images[:192]), atol=1 / 256)
    _, output = session.time_calls([session.prepare(unseen.images[:batch])], FOREVER, 200)
    np.testing.assert_array_equal(session.decode(output), scores[:batch])


def test_c_finds_the_tensors_that_python_finds(twins: Twins) -> None:
    session = twins.open()
    python = twins.python.open(twins.artifact, SessionOptions())
    assert (session.input, session.output) == (python.input, python.output)


@pytest.mark.parametrize("runtime", [litert_native, ort_native])
def test_the_version_is_that_of_the_package(runtime: RuntimeModule) -> None:
    python = {litert_native: litert, ort_native: ort}[runtime]
    assert runtime.load_library() == python.load_library()
    assert (runtime.PACKAGE, runtime.EXTRA) == (python.PACKAGE, python.EXTRA)
    assert runtime.FORMATS == python.FORMATS
    assert runtime.DEFAULT_USE is DefaultUse.ON_REQUEST


def test_a_session_says_which_library_it_calls(twins: Twins) -> None:
    session = twins.native.open(twins.artifact, SessionOptions(threads=2))
    library = {"litert": "libLiteRt.so"}.get(twins.native.EXTRA, "libonnxruntime.so.")
    assert session.used["threads"] == "2"
    assert session.used["interface"] == "C API"
    assert session.used["library"].startswith(library)


def test_a_session_has_what_the_two_contracts_name_and_nothing_else(twins: Twins) -> None:
    session = twins.open()
    wanted = {each for each in {*vars(Session), *vars(SelfTiming)} if not each.startswith("_")}
    assert {each for each in dir(session) if not each.startswith("_")} == wanted
    assert isinstance(session, SelfTiming)
    assert not isinstance(twins.python.open(twins.artifact, SessionOptions()), SelfTiming)


def test_nothing_of_python_is_imported_and_only_the_cache_is_written_to(
    twins: Twins, cli: CommandLine, tmp_path: Path
) -> None:
    done = replace(cli, home=tmp_path).python("-c", ALONE, twins.artifact.path)
    assert done.returncode == 0, done.stderr
    assert {"ai_edge_litert", "onnxruntime"}.isdisjoint(done.stdout.split())
    (written,) = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert written.parent == tmp_path / ".cache/fmnist-edge/native"
    assert written.suffix == ".so"


# Timing


def test_every_call_is_timed_until_there_are_enough(twins: Twins, unseen: Split) -> None:
    session = twins.open()
    tensors = [session.prepare(unseen.images[index : index + 1]) for index in range(3)]
    taken, _ = session.time_calls(tensors, FOREVER, 50)
    assert (taken.dtype, taken.shape) == (np.uint64, (50,))
    assert taken.min() > 0


def test_timing_ends_when_its_time_is_over(twins: Twins, unseen: Split) -> None:
    session = twins.open()
    tensor = session.prepare(unseen.images[:1])
    taken, _ = session.time_calls([tensor], 20_000_000, 1_000_000)
    assert 1 <= len(taken) < 1_000_000
    assert taken[:-1].sum() < 20_000_000  # the last call is finished, and no other begun


def test_one_call_is_made_in_no_time_at_all(twins: Twins, unseen: Split) -> None:
    session = twins.open()
    taken, _ = session.time_calls([session.prepare(unseen.images[:1])], 0, 1_000)
    assert len(taken) == 1


def test_timing_goes_round_the_inputs_and_returns_the_last_output(
    twins: Twins, unseen: Split
) -> None:
    session = twins.open()
    tensors = [session.prepare(unseen.images[index : index + 1]) for index in range(3)]
    answers = [session.run(tensor).copy() for tensor in tensors]
    for calls in range(1, 8):
        _, output = session.time_calls(tensors, FOREVER, calls)
        np.testing.assert_array_equal(output, answers[(calls - 1) % 3])


# What is refused


def test_a_tensor_of_another_kind_never_reaches_the_library(twins: Twins, unseen: Split) -> None:
    session = twins.open()
    tensor = session.prepare(unseen.images[:1])
    wrong = [
        tensor[0],
        tensor[:, :27],
        tensor.astype(np.int64),
        np.asfortranarray(np.zeros_like(tensor)),
    ]
    for each in wrong:
        with pytest.raises(ModelUnsupportedError, match="in one piece"):
            session.run(each)
        with pytest.raises(ModelUnsupportedError, match="in one piece"):
            session.time_calls([tensor, each], FOREVER, 10)
    with pytest.raises(ModelUnsupportedError, match="no input to call it with"):
        session.time_calls([], FOREVER, 10)


def test_a_closed_session_runs_no_more_and_can_be_closed_again(twins: Twins, unseen: Split) -> None:
    session = twins.open()
    tensor = session.prepare(unseen.images[:1])
    session.close()
    session.close()
    with pytest.raises(ModelUnsupportedError, match="it is closed"):
        session.run(tensor)
    with pytest.raises(ModelUnsupportedError, match="it is closed"):
        session.time_calls([tensor], FOREVER, 10)


def test_a_session_goes_on_when_another_is_closed(twins: Twins, unseen: Split) -> None:
    first, second = twins.open(), twins.open()
    tensor = second.prepare(unseen.images[:1])
    before = second.run(tensor).copy()
    first.close()
    np.testing.assert_array_equal(second.run(tensor), before)


@pytest.mark.parametrize("share", [0, 0.001, 0.5, 0.9999])
def test_a_damaged_file_is_refused_by_name(twins: Twins, share: float) -> None:
    payload = without_labels(twins.artifact)
    with pytest.raises(ModelUnreadableError, match=r"cannot open somewhere/else: .+\.$") as caught:
        twins.native.open(twins.with_bytes(payload[: int(share * len(payload))]), SessionOptions())
    assert "\n" not in caught.value.message


def test_names_that_are_no_text_make_a_file_unreadable(twins: Twins) -> None:
    payload = twins.artifact.payload.replace(b"image", b"\xff" * 5)
    with pytest.raises(ModelUnreadableError, match="somewhere/else"):
        twins.native.open(twins.with_bytes(payload), SessionOptions())


@pytest.mark.parametrize("kind", ["tflite", "onnx"])
def test_a_batch_that_a_file_cannot_take_is_refused(
    strangers: Path, unseen: Split, kind: str
) -> None:
    native, artifact = TWINS[kind][1], open_artifact(strangers / f"four-at-once.{kind}")
    session = native.open(artifact, SessionOptions(batch=4))
    assert classify(session, unseen.images[:6]).shape == (6, 10)
    for batch in (1, 5):
        with pytest.raises(ModelUnsupportedError, match="images at once"):
            native.open(artifact, SessionOptions(batch=batch))


@pytest.mark.parametrize("kind", ["tflite", "onnx"])
def test_a_model_with_two_inputs_is_refused(strangers: Path, kind: str) -> None:
    artifact = open_artifact(strangers / f"two-inputs.{kind}")
    with pytest.raises(ModelUnsupportedError, match="has 2 inputs and 1 outputs"):
        TWINS[kind][1].open(artifact, SessionOptions())


def test_a_machine_without_a_compiler_opens_nothing(
    twins: Twins, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    for attempt in (
        twins.native.load_library,
        lambda: twins.native.open(twins.artifact, SessionOptions()),
    ):
        with pytest.raises(MissingDependencyError, match="needs a C compiler"):
            attempt()
