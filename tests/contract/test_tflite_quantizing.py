"""How TFLite files are calibrated, and how a float one becomes a quantized one."""

import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fmnist_edge.artifact import Artifact, Format, Quantization, open_artifact, read_manifest
from fmnist_edge.errors import ExportError, ModelUnreadableError, ModelUnsupportedError
from fmnist_edge.exporters import ROUTES, Conversion, stages_of
from fmnist_edge.exporters.parents import tflite as tflite_parent
from fmnist_edge.exporters.tflite.calibration import batches, check_method, with_full_range
from fmnist_edge.recipes import RECIPES, Choices
from fmnist_edge.runtimes import RUNTIMES
from fmnist_edge.session import Images, Session, SessionOptions
from tests.commands import CommandLine, Finished
from tests.contract.conftest import Attempts

FROM_TFLITE = [name for source, name in ROUTES if source is Format.TFLITE]
PIXELS = Quantization(float(np.float32(1 / 255)), -128)
NONE = np.zeros((0, 28, 28), np.uint8)


def _open(path: Path) -> Session:
    return RUNTIMES["litert"].open(open_artifact(path), SessionOptions())


def _image_sets(pixels: st.SearchStrategy[int]) -> st.SearchStrategy[Images]:
    shapes = st.tuples(st.integers(1, 5), st.just(28), st.just(28))
    return arrays(np.uint8, shapes, elements=pixels, fill=pixels)


# Calibration


@given(_image_sets(st.integers(0, 255)))
def test_black_and_white_are_always_seen(images: Images) -> None:
    full = with_full_range(images)
    assert (full.min(), full.max()) == (0, 255)
    assert np.array_equal(full[: len(images)], images)
    assert len(full) - len(images) in {0, 1}


@given(_image_sets(st.integers(1, 254)))
def test_the_added_image_differs_from_one_of_the_users_in_two_pixels(images: Images) -> None:
    *_, added = with_full_range(images)
    assert min(np.sum(added != image) for image in images) == 2


def test_images_that_reach_both_ends_stay_as_they_are() -> None:
    images = np.arange(28 * 28, dtype=np.uint16).reshape(1, 28, 28).astype(np.uint8)
    assert with_full_range(images) is images


def test_the_last_batch_is_filled_up() -> None:
    images = np.zeros((5, 28, 28), np.uint8)
    images[4] = 255
    found = list(batches(images, 4))
    assert [each.shape for each in found] == [(4, 28, 28)] * 2
    assert np.all(found[1] == 1)


@pytest.mark.parametrize("method", ["entropy", "percentile", "mse"])
def test_other_methods_are_refused_with_a_way_out(method: str) -> None:
    with pytest.raises(ExportError, match=f"by minmax only, not by '{method}'") as caught:
        check_method(Choices(calibration_method=method))
    assert "--format onnx" in caught.value.hint


def test_the_only_method_may_be_named() -> None:
    check_method(Choices(calibration_method="minmax"))


def test_images_without_a_white_pixel_leave_the_input_exact(attempts: Attempts) -> None:
    path = attempts["dim"].folder / "default-int8.tflite"
    assert _open(path).input.quantization == PIXELS


# From a float file


@pytest.fixture(scope="session")
def float_file(exported: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A float `.tflite` file without manifest, as somebody else might bring it."""
    path = tmp_path_factory.mktemp("float") / "someones.tflite"
    return Path(shutil.copy(exported / "default-float32.tflite", path))


@pytest.fixture(scope="session")
def quantizing(cli: CommandLine, float_file: Path) -> Finished:
    wanted = [("--precision", RECIPES[name].precision) for name in FROM_TFLITE]
    options = [part for pair in wanted for part in pair]
    out = float_file.parent / "out"
    return cli("export", float_file, "--format", "tflite", *options, "--out", out)


@pytest.fixture(scope="session")
def quantized(quantizing: Finished, float_file: Path) -> Path:
    assert quantizing.returncode == 0, quantizing.stderr
    return float_file.parent / "out"


@pytest.mark.parametrize("name", FROM_TFLITE)
def test_a_float_file_is_quantized_and_proved(quantized: Path, float_file: Path, name: str) -> None:
    path = quantized / f"someones-{RECIPES[name].precision}.tflite"
    manifest = read_manifest(path)
    assert manifest is not None
    assert manifest.parent_sha256 == open_artifact(float_file).sha256
    assert manifest.parity is not None
    assert manifest.parity.agreement > 0.97
    assert manifest.parity.max_abs_difference < 0.35
    assert path.stat().st_size < 0.51 * float_file.stat().st_size
    assert list(Interpreter(str(path)).get_signature_list()) == ["serving_default"]


def test_a_quantized_file_has_one_entry_about_itself(quantized: Path) -> None:
    payload = (quantized / "someones-int8.tflite").read_bytes()
    assert payload.count(b'"parent_sha256"') == 1
    assert payload.count(b'"license":"that of the parent"') == 1


def test_the_input_of_a_quantized_file_needs_no_conversion(quantized: Path) -> None:
    interpreter = Interpreter(str(quantized / "someones-int8.tflite"))
    interpreter.allocate_tensors()
    operators = Counter(each["op_name"] for each in interpreter._get_ops_details())
    del operators["DELEGATE"]
    assert operators == {"RESHAPE": 1, "FULLY_CONNECTED": 3, "SOFTMAX": 1}
    assert _open(quantized / "someones-int8.tflite").input.quantization == PIXELS


@pytest.mark.parametrize("precision", ["int8", "int4", "int8-dynamic", "float16"])
def test_a_quantized_file_is_no_parent(quantized: Path, precision: str) -> None:
    path = quantized / f"someones-{precision}.tflite"
    with pytest.raises(ModelUnsupportedError, match="is quantized already"):
        tflite_parent.load(open_artifact(path))


def test_the_command_line_refuses_a_quantized_parent(cli: CommandLine, quantized: Path) -> None:
    path = quantized / "someones-int8.tflite"
    done = cli("export", path, "--format", "tflite", "--precision", "int4", "--out", "again")
    assert (done.returncode, done.speaks_plainly) == (25, True)


@pytest.mark.parametrize("payload", [b"", b"I am no model.\n", b"\x1c\0\0\0TFL3" + bytes(64)])
def test_a_damaged_parent_is_refused(payload: bytes) -> None:
    artifact = Artifact(Path("damaged.tflite"), Format.TFLITE, payload, None)
    with pytest.raises(ModelUnreadableError, match=r"LiteRT cannot open damaged\.tflite"):
        tflite_parent.load(artifact)


@pytest.mark.parametrize("stranger", ["larger-images", "seven-scores", "two-inputs"])
def test_another_kind_of_model_is_no_parent(strangers: Path, stranger: str) -> None:
    with pytest.raises(ModelUnsupportedError):
        tflite_parent.load(open_artifact(strangers / f"{stranger}.tflite"))


def test_a_file_that_gives_logits_is_no_parent(attempts: Attempts, tmp_path: Path) -> None:
    made = attempts["eight-logits"].folder / "default-float32.tflite"
    path = shutil.copy(made, tmp_path / "logits.tflite")
    with pytest.raises(ModelUnsupportedError, match=r"logits\.tflite gives logits"):
        tflite_parent.load(open_artifact(path))


@pytest.mark.parametrize("choices", [Choices(batch=8), Choices(scores="logits")])
def test_what_only_a_conversion_can_change_is_refused(float_file: Path, choices: Choices) -> None:
    parent = tflite_parent.load(open_artifact(float_file))
    route, stages = ROUTES[Format.TFLITE, "tflite-int4"], stages_of(parent, choices, NONE)
    with pytest.raises(ExportError, match="only a conversion"):
        route.export(Conversion(parent, RECIPES["tflite-int4"], choices, NONE, route.tools, stages))
