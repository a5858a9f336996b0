"""Every recipe of ncnn: what is in the files, and what they answer.

The files are read with plain ncnn, without this project.
"""

from pathlib import Path
from typing import Any

import ncnn
import numpy as np
import pytest
from numpy.typing import NDArray

from fmnist_edge.artifact import Artifact, Format, TensorSpec, open_artifact
from fmnist_edge.artifact import read_manifest as manifest_of
from fmnist_edge.dataset import Split
from fmnist_edge.errors import ModelUnreadableError
from fmnist_edge.files import sha256_of
from fmnist_edge.recipes import RECIPES
from fmnist_edge.runtimes import ncnn_
from fmnist_edge.session import SessionOptions, classify
from tests.commands import CommandLine, model_path
from tests.contract.conftest import Answers, Attempts

NAMES = ["ncnn-float32", "ncnn-float16"]
LAYERS = ["Input", "InnerProduct", "InnerProduct", "InnerProduct", "Softmax"]
WEIGHTS = 784 * 256 + 256 * 128 + 128 * 10
BIASES = 256 + 128 + 10
# Of each layer, the number before its weights is as large as one of them in 32 bits.
SIZES = {"ncnn-float32": 4 * (3 + WEIGHTS + BIASES), "ncnn-float16": 4 * (3 + BIASES) + 2 * WEIGHTS}


def _path(folder: Path, name: str) -> Path:
    return model_path(folder, "default", RECIPES[name])


def _net(path: Path) -> Any:  # noqa: ANN401 - untyped
    net = ncnn.Net()
    for each in ("fp16_packed", "fp16_storage", "fp16_arithmetic", "bf16_storage"):
        setattr(net.opt, f"use_{each}", False)
    assert net.load_param(str(path)) == 0
    assert net.load_model(str(path.with_suffix(".bin"))) == 0
    return net


def _scores(net: Any, pixels: NDArray[np.float32]) -> NDArray[np.float32]:  # noqa: ANN401 - untyped
    extractor = net.create_extractor()
    assert extractor.input("image", ncnn.Mat(pixels)) == 0
    failed, scores = extractor.extract("scores")
    assert failed == 0
    return np.array(scores)


@pytest.mark.parametrize("name", NAMES)
def test_plain_ncnn_reads_a_file_and_gives_the_scores(
    exported: Path, answers: Answers, unseen: Split, name: str
) -> None:
    net = _net(_path(exported, name))
    pixels = unseen.images[:50].reshape(-1, 784) / np.float32(255)
    np.testing.assert_allclose(_scores(net, pixels), answers(name)[:50], atol=1e-6)
    # One image is a row of its own, or no row of anything.
    np.testing.assert_allclose(_scores(net, pixels[:1])[0], answers(name)[0], atol=1e-6)
    np.testing.assert_allclose(_scores(net, pixels[0]), answers(name)[0], atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_a_file_has_no_layers_but_those_of_the_network(exported: Path, name: str) -> None:
    assert [each.type for each in _net(_path(exported, name)).layers()] == LAYERS


def test_logits_have_no_softmax_and_any_batch_is_the_same_file(attempts: Attempts) -> None:
    for name in NAMES:
        paths = [_path(attempts[each].folder, name) for each in ("eight-logits", "open-logits")]
        assert [each.type for each in _net(paths[0]).layers()] == LAYERS[:-1]
        assert paths[0].read_bytes() == paths[1].read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_the_weights_lie_beside_it_and_it_names_them(exported: Path, name: str) -> None:
    path = _path(exported, name)
    weights = path.with_suffix(".bin")
    manifest = manifest_of(path)
    digest = sha256_of(weights.read_bytes())
    assert manifest is not None
    assert manifest.companions == {weights.name: digest}
    assert f"bin-sha256-{digest}" in path.read_text()
    assert weights.stat().st_size == SIZES[name]


@pytest.mark.parametrize("name", NAMES)
def test_the_input_is_pixels_in_0_to_1_in_any_number(exported: Path, name: str) -> None:
    manifest = manifest_of(_path(exported, name))
    assert manifest is not None
    assert manifest.input == TensorSpec("image", (None, 28, 28), "float32")
    assert manifest.output == TensorSpec("scores", (None, 10), "float32")


@pytest.mark.parametrize("batch", [2, 3, 8, 250])
@pytest.mark.parametrize("name", NAMES)
def test_the_rows_of_a_batch_are_those_of_single_images(
    exported: Path, answers: Answers, unseen: Split, name: str, batch: int
) -> None:
    session = ncnn_.open(open_artifact(_path(exported, name)), SessionOptions(batch=batch))
    scores = classify(session, unseen.images[:500])
    np.testing.assert_allclose(scores, answers(name)[:500], atol=1e-6)


def test_what_was_used_is_told(exported: Path) -> None:
    artifact = open_artifact(_path(exported, "ncnn-float32"))
    session = ncnn_.open(artifact, SessionOptions(threads=2))
    assert session.used == {"threads": "2", "precision": "float32", "device": "cpu"}


def test_a_file_of_16_bits_is_computed_in_32(exported: Path, unseen: Split) -> None:
    path = _path(exported, "ncnn-float16")
    session = ncnn_.open(open_artifact(path), SessionOptions())
    pixels = session.prepare(unseen.images[:1])
    # An input that 16 bits do not tell from the first one.
    nudged = np.nextafter(pixels, np.float32(2)) + np.float32(1e-5)
    assert session.run(pixels).tolist() != session.run(nudged).tolist()


# Files without a manifest


@pytest.mark.parametrize(
    ("name", "weights"), [("a.param", "a.bin"), ("a.ncnn.param", "a.ncnn.bin")]
)
def test_a_file_of_somebody_else_is_benchmarked_and_evaluated(
    cli: CommandLine, exported: Path, tmp_path: Path, name: str, weights: str
) -> None:
    path = _path(exported, "ncnn-float32")
    (tmp_path / name).write_bytes(path.read_bytes())
    (tmp_path / weights).write_bytes(path.with_suffix(".bin").read_bytes())
    done = cli("bench", tmp_path, "--protocol", "smoke")
    assert done.returncode == 0, done.stderr
    assert f"{name}" in done.stdout
    assert " 941 " in done.stdout  # kilobytes, those of the weights included
    assert "ncnn" not in done.stderr.replace(name, "").replace(" on ncnn", "")
    done = cli("evaluate", tmp_path / name)
    assert done.returncode == 0, done.stderr


def test_a_file_without_its_weights_is_refused_by_name(exported: Path, tmp_path: Path) -> None:
    path = tmp_path / "alone.param"
    path.write_bytes(_path(exported, "ncnn-float32").read_bytes())
    with pytest.raises(ModelUnreadableError, match=r"alone\.param comes without alone\.bin"):
        ncnn_.open(open_artifact(path), SessionOptions())


def _of_another_task(width: int) -> Artifact:
    text = (
        "7767517\n3 3\nInput in0 0 1 in0\n"
        f"InnerProduct fc0 1 1 in0 1 0=2 1=1 2={2 * width} 9=0\n"
        "Softmax softmax 1 1 1 out0 0=0 1=1\n"
    )
    weights = np.arange(-width, width, dtype=np.float32)
    payload = bytes(4) + weights.tobytes() + np.array([1, 2], np.float32).tobytes()
    return Artifact(Path("m.param"), Format.NCNN, text.encode(), None, {"m.bin": payload})


def test_a_network_of_another_task_is_computed_too() -> None:
    session = ncnn_.open(_of_another_task(3), SessionOptions(batch=2))
    assert session.input == TensorSpec("in0", (None, 3), "float32")
    assert session.output == TensorSpec("out0", (None, 2), "float32")
    items = np.array([[1, 0, -1], [0.5, 0.5, 0.25]], np.float32)
    logits = items @ [[-3, 0], [-2, 1], [-1, 2]] + [1, 2]
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(classify(session, items), expected, rtol=1e-6)


def test_another_number_of_items_than_the_session_takes_is_no_input() -> None:
    session = ncnn_.open(_of_another_task(3), SessionOptions(batch=2))
    with pytest.raises(ValueError, match="could not broadcast"):
        session.run(np.zeros((3, 3), np.float32))


def test_nothing_is_printed_by_import_and_use(cli: CommandLine, exported: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from fmnist_edge.artifact import open_artifact\n"
        "from fmnist_edge.runtimes import ncnn_\n"
        "from fmnist_edge.session import SessionOptions, classify\n"
        "import numpy as np\n"
        "session = ncnn_.open(open_artifact(Path(sys.argv[1])), SessionOptions())\n"
        "classify(session, np.zeros((3, 28, 28), np.uint8))"
    )
    done = cli.python("-c", code, _path(exported, "ncnn-float32"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
