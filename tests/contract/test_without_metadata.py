"""Files that leave it to their manifest to tell what they are."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from ai_edge_litert import schema_py_generated as tflite

from fmnist_edge.artifact import Format, open_artifact, read_manifest
from fmnist_edge.dataset import LABELS, Split
from fmnist_edge.libraries.openvino import openvino
from fmnist_edge.recipes import RECIPES
from fmnist_edge.runtimes import RUNTIMES, reading
from fmnist_edge.session import Scores, SessionOptions, classify
from tests.commands import CommandLine, copy_artifact, model_path
from tests.contract.conftest import BARE, SAVED_MODEL
from tests.jobs import Attempts


@pytest.fixture(scope="session")
def bare(attempts: Attempts) -> Path:
    assert attempts["bare"].errors == []
    return attempts["bare"].folder


def _path(folder: Path, name: str) -> Path:
    return model_path(folder, "default", RECIPES[name])


def _of(kind: Format) -> list[str]:
    return [name for name in BARE if RECIPES[name].format is kind]


@pytest.mark.parametrize("name", BARE)
def test_a_file_without_metadata_is_smaller_and_answers_the_same(
    bare: Path, exported: Path, unseen: Split, name: str
) -> None:
    runtime = RUNTIMES[reading(RECIPES[name].format)[0]]

    def answer(folder: Path) -> Scores:
        artifact = open_artifact(_path(folder, name))
        return classify(runtime.open(artifact, SessionOptions()), unseen.images[:100])

    assert np.array_equal(answer(bare), answer(exported))
    sizes = [_path(folder, name).stat().st_size for folder in (bare, exported)]
    assert sizes[0] < sizes[1] - 200


@pytest.mark.parametrize("name", BARE)
def test_its_manifest_tells_all_the_same(bare: Path, name: str) -> None:
    manifest = read_manifest(_path(bare, name))
    assert manifest is not None
    assert manifest.labels == LABELS
    assert manifest.parent_sha256
    assert manifest.tools


@pytest.mark.parametrize("name", _of(Format.TFLITE))
def test_a_tflite_file_says_no_more_than_its_signature(bare: Path, name: str) -> None:
    model: Any = tflite.ModelT.InitFromPackedBuf(_path(bare, name).read_bytes())
    entries = [each.name for each in model.metadata or ()]
    # That a delegate may compute in float16 is no description, but a permission.
    assert entries == ([b"reduced_precision_support"] if name == "tflite-float16" else [])
    assert model.description is None
    assert [each.signatureKey for each in model.signatureDefs] == [b"serving_default"]


@pytest.mark.parametrize("name", _of(Format.ONNX))
def test_an_onnx_file_says_no_more_than_who_wrote_it(bare: Path, name: str) -> None:
    model = onnx.load(_path(bare, name))
    assert not model.metadata_props
    assert not model.doc_string
    assert model.producer_name == "fmnist-edge"


@pytest.mark.parametrize("name", _of(Format.ORT))
def test_an_ort_file_begins_at_one_place(bare: Path, exported: Path, name: str) -> None:
    # ONNX Runtime puts the root at byte 20 or at byte 24, as a hash map happens to be ordered.
    for folder in (bare, exported):
        begin = _path(folder, name).read_bytes()[:4]
        assert int.from_bytes(begin, "little") == 24


@pytest.mark.parametrize("name", _of(Format.OPENVINO))
def test_an_openvino_file_says_nothing(bare: Path, name: str) -> None:
    assert not openvino().Core().read_model(_path(bare, name)).has_rt_info(["fmnist_edge"])


def test_a_saved_model_has_no_further_asset(bare: Path) -> None:
    manifest = read_manifest(_path(bare, SAVED_MODEL))
    assert manifest is not None
    assert not [each for each in manifest.companions if each.startswith("assets.extra")]


def test_the_command_line_leaves_it_out_too(
    cli: CommandLine, exported: Path, bare: Path, tmp_path: Path
) -> None:
    # An ONNX parent needs no TensorFlow, which would have to start first.
    parent = copy_artifact(exported / "default-float32.onnx", tmp_path)
    wanted = ("--format", "onnx", "--precision", "int8", "--verify", "none", "--no-metadata")
    done = cli("export", parent, *wanted, "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    made = onnx.load(_path(tmp_path, "onnx-int8"))
    assert not made.metadata_props
    size = _path(bare, "onnx-int8").stat().st_size
    assert abs(_path(tmp_path, "onnx-int8").stat().st_size - size) < 100
