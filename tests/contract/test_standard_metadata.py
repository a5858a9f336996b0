"""The metadata that foreign tools read: TensorFlow Lite's standard entry, and ONNX's own keys."""

import ast
import io
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import flatbuffers.number_types as kinds
import numpy as np
import onnx
import pytest
from ai_edge_litert import schema_py_generated as tflite
from flatbuffers.table import Table

from fmnist_edge.artifact import Artifact, Format
from fmnist_edge.dataset import LABELS, Split
from fmnist_edge.recipes import RECIPES
from fmnist_edge.runtimes import RUNTIMES
from fmnist_edge.session import Scores, SessionOptions, classify
from tests.commands import model_path
from tests.contract.conftest import Attempts

TFLITE = [name for name, recipe in RECIPES.items() if recipe.format is Format.TFLITE]
ONNX = [name for name, recipe in RECIPES.items() if recipe.format is Format.ONNX]
# Input in 0..1 before quantization; the others take bytes as real values 0..255.
SCALED = {"tflite-int8", "tflite-int8-float-io", "tflite-int16x8"}


@dataclass(frozen=True)
class _Reader:
    """A table of metadata_schema.fbs, read by the numbers of its fields."""

    table: Table

    @classmethod
    def root(cls, payload: bytes) -> "_Reader":
        return cls(Table(payload, int.from_bytes(payload[:4], "little")))

    def _place(self, field: int) -> int:
        offset = self.table.Offset(4 + 2 * field)
        return offset and offset + self.table.Pos

    def text(self, field: int) -> str:
        return str(self.table.String(self._place(field)).decode())

    def child(self, field: int) -> "_Reader":
        return _Reader(Table(self.table.Bytes, self.table.Indirect(self._place(field))))

    def children(self, field: int) -> "list[_Reader]":
        offset = self.table.Offset(4 + 2 * field)
        begin, count = self.table.Vector(offset), self.table.VectorLen(offset)
        places = [begin + 4 * index for index in range(count)]
        return [_Reader(Table(self.table.Bytes, self.table.Indirect(each))) for each in places]

    def number(self, field: int, kind: Any) -> int:  # noqa: ANN401 - untyped
        return int(self.table.Get(kind, self._place(field)))

    def floats(self, field: int) -> list[float]:
        return [
            float(each)
            for each in self.table.GetVectorAsNumpy(
                kinds.Float32Flags, self.table.Offset(4 + 2 * field)
            )
        ]

    def has(self, field: int) -> bool:
        return bool(self._place(field))


def _entry(payload: bytes) -> bytes:
    model = tflite.ModelT.InitFromPackedBuf(payload)
    (buffer,) = (each.buffer for each in model.metadata if each.name == b"TFLITE_METADATA")
    return bytes(model.buffers[buffer].data)


def _payload(folder: Path, name: str) -> bytes:
    return model_path(folder, "default", RECIPES[name]).read_bytes()


@pytest.mark.parametrize("name", TFLITE)
def test_a_tflite_file_has_the_standard_entry(exported: Path, name: str) -> None:
    entry = _entry(_payload(exported, name))
    assert entry[4:8] == b"M001"
    model = _Reader.root(entry)
    assert model.text(0) == "Fashion-MNIST classifier"
    assert RECIPES[name].precision.value in model.text(1)
    assert model.text(5) == "MIT"
    assert model.text(7) == "1.0.0"
    (graph,) = model.children(3)
    (source,), (target,) = graph.children(2), graph.children(3)
    assert (source.text(0), target.text(0)) == ("image", "scores")


@pytest.mark.parametrize("name", TFLITE)
def test_the_standard_entry_tells_what_the_input_is(exported: Path, name: str) -> None:
    (graph,) = _Reader.root(_entry(_payload(exported, name))).children(3)
    (source,) = graph.children(2)
    content = source.child(3)
    image, size = content.child(1), content.child(1).child(1)
    assert content.number(0, kinds.Uint8Flags) == 2  # ImageProperties
    assert image.number(0, kinds.Int8Flags) == 2  # GRAYSCALE
    assert [size.number(field, kinds.Uint32Flags) for field in (0, 1)] == [28, 28]
    (unit,) = source.children(4)
    assert unit.number(0, kinds.Uint8Flags) == 1  # NormalizationOptions
    mean, deviation = unit.child(1).floats(0), unit.child(1).floats(1)
    assert (mean, deviation) == ([0.0], [255.0 if name in SCALED else 1.0])
    statistics = source.child(5)
    assert statistics.floats(0) == [1.0 if name in SCALED else 255.0]
    assert statistics.floats(1) == [0.0]


@pytest.mark.parametrize("name", TFLITE)
def test_the_labels_lie_in_an_archive_behind_the_model(exported: Path, name: str) -> None:
    payload = _payload(exported, name)
    (graph,) = _Reader.root(_entry(payload)).children(3)
    (target,) = graph.children(3)
    (file,) = target.children(6)
    assert file.number(2, kinds.Int8Flags) == 2  # TENSOR_AXIS_LABELS
    with zipfile.ZipFile(io.BytesIO(payload)) as archive:
        assert archive.namelist() == [file.text(0)] == ["labels.txt"]
        assert archive.testzip() is None
        assert archive.read("labels.txt").decode().splitlines() == list(LABELS)
        assert archive.getinfo("labels.txt").compress_type == zipfile.ZIP_STORED


def test_logits_have_no_range(attempts: Attempts, exported: Path) -> None:
    folders = {"logits": attempts["eight-logits"].folder, "probabilities": exported}
    for kind, folder in folders.items():
        (graph,) = _Reader.root(_entry(_payload(folder, "tflite-int8"))).children(3)
        (target,) = graph.children(3)
        assert target.has(5) == (kind == "probabilities")
        assert kind in target.text(1).lower()


@pytest.mark.parametrize("name", TFLITE)
def test_what_lies_behind_the_model_changes_no_answer(
    exported: Path, unseen: Split, name: str
) -> None:
    payload = _payload(exported, name)

    def answer(content: bytes, runtime: str) -> Scores:
        artifact = Artifact(Path("x.tflite"), Format.TFLITE, content, None)
        session = RUNTIMES[runtime].open(artifact, SessionOptions())
        return classify(session, unseen.images[:50])

    alone = payload[: payload.rindex(b"PK\3\4")]
    for runtime in ("litert", "openvino"):
        assert np.array_equal(answer(payload, runtime), answer(alone, runtime))


@pytest.mark.parametrize("name", ONNX)
def test_an_onnx_file_says_that_its_input_is_an_image(exported: Path, name: str) -> None:
    model = onnx.load(model_path(exported, "default", RECIPES[name]))
    known = {each.key: each.value for each in model.metadata_props}
    assert model.graph.input[0].type.denotation == "IMAGE"
    assert model.graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.UINT8
    assert known["Image.BitmapPixelFormat"] == "Gray8"
    assert known["Image.NominalPixelRange"] == "NominalRange_0_255"
    assert (known["model_author"], known["model_license"]) == ("fmnist-edge", "MIT")
    assert ast.literal_eval(known["names"]) == dict(enumerate(LABELS))
