"""`fmnist-edge diverge` on pairs of real files whose cause is known, on real runtimes."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from fmnist_edge.dataset import Split
from fmnist_edge.divergence import SCHEMA_VERSION, Cause, Divergence
from fmnist_edge.divergence.bounds import TIE
from fmnist_edge.exporters.tflite.file import pack, unpack
from fmnist_edge.pipeline.diverge import DivergeRequest, diverge, operand
from fmnist_edge.records import decode, decode_document, replace
from fmnist_edge.result import read_run
from fmnist_edge.runtimes import openvino_
from fmnist_edge.score_file import read_score_file, write_score_file
from tests.commands import CommandLine
from tests.examples import npz

REFERENCE = Path(__file__).parents[2] / "artifacts/reference"
IMAGES = 1_000
RESULTS = Path(__file__).parents[2] / "benchmarks/results/epyc-2-cores"

Compare = Callable[[object, object], Divergence]


@pytest.fixture
def compare(unseen: Split, tmp_path: Path) -> Compare:
    """Compare two operands on the first test images."""
    images = tmp_path / "images.npz"
    some = {"images": unseen.images[:IMAGES], "labels": unseen.labels[:IMAGES]}
    images.write_bytes(npz(some))

    def run(a: object, b: object) -> Divergence:
        request = DivergeRequest(operand(str(a)), operand(str(b)), images)
        [found] = diverge(request, None)
        return found

    return run


def _causes(found: Divergence) -> list[Cause]:
    return [each.cause for each in found.layers]


@pytest.mark.parametrize(
    ("pair", "cause", "first"),
    [
        (("float32.tflite@litert", "float32.onnx@onnxruntime"), "reordered-sums", None),
        (("float32.npz@numpy", "float32.tflite@openvino"), "reordered-sums", None),
        (("float32.tflite", "float16.tflite"), "half-precision", 0),
        (("float32.onnx", "float16.onnx"), "half-precision", 0),
        (("float32.tflite", "int8.tflite"), "quantization", 0),
        (("float32.tflite", "int8-dynamic.tflite"), "quantization", 0),
        (("float32.onnx", "int8-dynamic.onnx"), "quantization", 0),
        (("float32.tflite", "int4.tflite"), "quantization", 0),
        (("float32.tflite", "int16x8.tflite"), "quantization", 0),
        (("int8.tflite@litert", "int8.onnx@onnxruntime"), "quantization", 0),
        (("int8.tflite@litert", "int8-float-io.tflite@litert"), "identical", None),
    ],
)
def test_exported_files_differ_from_the_cause_that_their_recipes_have(
    exported: Path, compare: Compare, pair: tuple[str, str], cause: Cause, first: int | None
) -> None:
    found = compare(*(exported / f"default-{each}" for each in pair))
    assert (found.cause, found.detail, found.first) == (cause, "", first)
    assert (found.basis, found.unread, len(found.layers)) == ("layers", "", 4)
    assert found.max_abs == 0 if cause == "identical" else found.max_abs > 0


def test_two_runtimes_round_ties_of_a_pool_apart(compare: Compare) -> None:
    model = REFERENCE / "tiny-int8.tflite"
    found = compare(f"{model}@litert", f"{model}@openvino")
    assert found.cause == "rounding-tie"
    assert found.first is not None
    layer = found.layers[found.first]
    assert layer.max_steps == pytest.approx(1, abs=1e-4)
    assert layer.tie_distance is not None
    assert layer.tie_distance <= TIE
    if layer.name_a == "average pool":  # kernels for x86; a mean of four bytes is often a half
        assert layer.tie_distance == 0
    assert {*_causes(found)[found.first + 1 :]} <= {"inherited", "rounding-tie"}


def test_a_runtime_that_computes_in_bfloat16_is_told_from_float32(
    exported: Path, compare: Compare, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = openvino_.settings_of
    monkeypatch.setattr(
        openvino_,
        "settings_of",
        lambda options: {**real(options), "INFERENCE_PRECISION_HINT": "bf16"},
    )
    for suffix in ("tflite", "onnx"):
        file = exported / f"default-float32.{suffix}"
        found = compare(exported / "default-float32.npz", f"{file}@openvino")
        # A processor without such instructions computes in float32, whatever it is asked for.
        short = found.b.used["precision"] != "f32"
        assert found.cause == ("half-precision" if short else "reordered-sums"), suffix
        assert found.first == (0 if short else None)


def _edited_onnx(source: Path, target: Path, edit: Callable[[Any, dict[str, Any]], None]) -> Path:
    """Change the constants of an ONNX file: `edit` is given the graph and its arrays by name."""
    model = onnx.load(source)
    arrays = {each.name: numpy_helper.to_array(each).copy() for each in model.graph.initializer}
    edit(model.graph, arrays)
    for each in model.graph.initializer:
        each.CopyFrom(numpy_helper.from_array(arrays[each.name], each.name))
    onnx.save(model, target)
    return target


def _kernels(graph: Any) -> list[str]:  # noqa: ANN401 - generated code
    return [node.input[1] for node in graph.node if node.op_type in {"Gemm", "MatMul"}]


@pytest.mark.parametrize("by", [0.01, 1.0])
def test_one_changed_weight_is_a_defect_of_its_layer(
    exported: Path, compare: Compare, tmp_path: Path, by: float
) -> None:
    def edit(graph: Any, arrays: dict[str, Any]) -> None:  # noqa: ANN401 - generated code
        arrays[_kernels(graph)[1]][3, 5] += by

    source = exported / "default-float32.onnx"
    found = compare(source, _edited_onnx(source, tmp_path / "b.onnx", edit))
    assert (found.cause, found.detail, found.first) == ("defect", "weights", 1)
    assert _causes(found)[0] == "identical"
    assert _causes(found)[2:] == ["inherited", "inherited"]


def test_classes_in_another_order_are_a_defect(
    exported: Path, compare: Compare, tmp_path: Path
) -> None:
    order = np.roll(np.arange(10), 3)

    def edit(graph: Any, arrays: dict[str, Any]) -> None:  # noqa: ANN401 - generated code
        last = [node for node in graph.node if node.op_type in {"Gemm", "MatMul"}][-1]
        kernel = last.input[1]
        columns = 0 if kernel in arrays and arrays[kernel].shape[0] == order.size else 1
        arrays[kernel] = np.ascontiguousarray(arrays[kernel].take(order, axis=columns))
        bias = next(name for name, each in arrays.items() if each.shape == order.shape)
        arrays[bias] = arrays[bias][order]

    source = exported / "default-float32.onnx"
    found = compare(source, _edited_onnx(source, tmp_path / "b.onnx", edit))
    assert (found.cause, found.detail, found.first) == ("defect", "permuted", 2)
    assert found.changed > IMAGES / 2


def test_a_wrong_zero_point_is_a_defect_of_the_file_that_has_it(
    exported: Path, compare: Compare, tmp_path: Path
) -> None:
    def edit(graph: Any, arrays: dict[str, Any]) -> None:  # noqa: ANN401 - generated code
        # What is quantized with one zero point is dequantized with another.
        pairs = [
            node
            for node in graph.node
            if node.op_type == "DequantizeLinear" and node.input[0] not in arrays
        ]
        zero = pairs[-1].input[2]
        own = numpy_helper.from_array(arrays[zero] + np.array(3, arrays[zero].dtype), "wrong")
        graph.initializer.append(own)
        arrays["wrong"] = numpy_helper.to_array(own)
        pairs[-1].input[2] = "wrong"

    source = exported / "default-int8.onnx"
    found = compare(source, _edited_onnx(source, tmp_path / "b.onnx", edit))
    assert (found.cause, found.detail) == ("defect", "arithmetic-b")
    assert found.first is not None
    assert "defect" not in _causes(found)[: found.first]


def test_a_range_that_ends_too_early_saturates(
    exported: Path, compare: Compare, tmp_path: Path
) -> None:
    source = exported / "default-int8.tflite"
    model = unpack(source.read_bytes())
    graph = model.subgraphs[0]
    # The softmax takes the scale of its input from the file, so that it computes the right thing.
    *_, last = (each for each in graph.operators if len(each.inputs) == 3)
    logits = graph.tensors[int(last.outputs[0])]
    logits.quantization.scale = logits.quantization.scale / 8
    (tmp_path / "b.tflite").write_bytes(pack(model))
    found = compare(source, tmp_path / "b.tflite")
    assert (found.cause, found.first) == ("saturation", 2)
    assert found.layers[2].clipped >= IMAGES


def test_a_scale_that_a_runtime_does_not_read_is_a_defect(
    exported: Path, compare: Compare, tmp_path: Path
) -> None:
    source = exported / "default-int8.tflite"
    model = unpack(source.read_bytes())
    graph = model.subgraphs[0]
    dense = next(each for each in graph.operators if len(each.inputs) == 3)
    hidden = graph.tensors[int(dense.outputs[0])]
    # The next layer's bias has the product of two scales as its own, and the file still tells the
    # old one; runtimes take the product.
    hidden.quantization.scale = hidden.quantization.scale * 2
    (tmp_path / "b.tflite").write_bytes(pack(model))
    found = compare(source, tmp_path / "b.tflite")
    assert (found.cause, found.detail, found.first) == ("defect", "arithmetic-b", 1)


def test_files_of_other_layers_are_other_networks(exported: Path, compare: Compare) -> None:
    found = compare(exported / "default-int8.tflite", REFERENCE / "default-int8.tflite")
    assert (found.cause, found.detail, found.basis) == ("defect", "layers", "layers")


# Two dense layers, and what stands between them: from `a` to `m`.
_BETWEEN = {
    "sigmoid": [("Sigmoid", ["a"], ["m"])],
    "clip": [("Clip", ["a", "low", "high"], ["m"])],
    "residual": [("Relu", ["a"], ["p"]), ("Add", ["a", "p"], ["m"])],
    "scaled": [("Mul", ["a", "high"], ["m"])],
    "bias behind a relu": [("Relu", ["a"], ["p"]), ("Add", ["p", "high"], ["m"])],
    "relu": [("Relu", ["a"], ["m"])],
}


def _foreign(path: Path, between: str) -> Path:
    draw = np.random.default_rng(0)
    arrays = {
        "w1": draw.normal(size=(784, 16)).astype(np.float32) / 28,
        "w2": draw.normal(size=(16, 10)).astype(np.float32),
        "shape": np.array([-1, 784]),
        "low": np.float32(0),
        "high": np.float32(1.5),
    }
    nodes = [
        *(("Reshape", ["x", "shape"], ["flat"]), ("MatMul", ["flat", "w1"], ["a"])),
        *_BETWEEN[between],
        *(("MatMul", ["m", "w2"], ["z"]), ("Softmax", ["z"], ["y"])),
    ]
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node(*each) for each in nodes],
        "foreign",
        [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["N", 28, 28])],
        [onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["N", 10])],
        [numpy_helper.from_array(np.asarray(each), name) for name, each in arrays.items()],
    )
    opset = [onnx.helper.make_opsetid("", 13)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=opset, ir_version=8), path)
    return path


@pytest.mark.parametrize("between", _BETWEEN)
def test_a_network_that_is_no_chain_of_dense_layers_is_not_taken_for_one(
    compare: Compare, tmp_path: Path, between: str
) -> None:
    model = _foreign(tmp_path / "foreign.onnx", between)
    found = compare(f"{model}@onnxruntime", f"{model}@openvino")
    assert found.cause == "reordered-sums"
    assert found.unread == ("" if between == "relu" else "chain")


def test_where_layers_cannot_be_read_the_scores_tell(exported: Path, compare: Compare) -> None:
    found = compare(exported / "default-float32.xml", exported / "default-float32.tflite")
    assert (found.cause, found.basis, found.unread) == ("reordered-sums", "scores", "format")
    assert found.layers == ()


# The command


def test_two_machines_are_compared_by_their_scores(
    inside: CommandLine, exported: Path, tmp_path: Path
) -> None:
    for name in ("tflite", "onnx"):
        model = exported / f"default-float32.{name}"
        done = inside("predict", "--artifact", model, "--out", f"{name}.npz", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    done = inside("diverge", "tflite.npz", "onnx.npz", "--json", "d.json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = decode_document(Divergence, (tmp_path / "d.json").read_bytes(), SCHEMA_VERSION)
    assert (found.images, found.cause, found.basis) == (10_000, "reordered-sums", "scores")
    assert f"{found.changed} of 10,000 images change label" in done.stdout
    assert "told by the pattern of the scores alone" in " ".join(done.stdout.split())
    content = read_score_file(tmp_path / "tflite.npz")
    order = np.roll(np.arange(10), 3)
    write_score_file(tmp_path / "wrong.npz", replace(content, scores=content.scores[:, order]))
    done = inside("diverge", "tflite.npz", "wrong.npz", cwd=tmp_path)
    assert "cause: a defect" in done.stdout
    assert "in another order" in " ".join(done.stdout.split())


def test_two_results_are_compared_row_by_row(inside: CommandLine, tmp_path: Path) -> None:
    names = "sustained.json", "sustained-rival.json"
    done = inside("diverge", *(RESULTS / name for name in names), "--json", "-", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    both = [{row.case.subject.sha256 for row in read_run(RESULTS / name).rows} for name in names]
    found = [decode(Divergence, each) for each in json.loads(done.stdout)]
    assert {each.a.case.subject.sha256 for each in found} <= both[0] & both[1]
    assert found
    for each in found:
        assert (each.scores, each.basis, each.cause) == ("top", "scores", "identical")
        assert each.correct_a == each.correct_b is not None
        assert each.correct_a > 0.8 * each.images


@pytest.mark.parametrize(
    ("given", "code", "told"),
    [
        (("MODEL", RESULTS / "demo.json"), 82, "is a model file and"),
        ((RESULTS / "demo.json", RESULTS / "native.json"), 82, "no labels of the same file"),
        ((RESULTS / "demo.json@litert", RESULTS / "demo.json"), 2, "no runtime runs it again"),
        ((RESULTS / "demo.json", RESULTS / "demo.json", "--images", "x.npz"), 2, "--images"),
        (("MODEL@onnxruntime", "MODEL"), 2, "does not run"),
        (("MODEL", "missing.tflite"), 20, "missing.tflite"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_a_sentence(
    inside: CommandLine, tmp_path: Path, given: tuple[object, ...], code: int, told: str
) -> None:
    model = str(REFERENCE / "nano-int8.tflite")
    done = inside("diverge", *(str(each).replace("MODEL", model) for each in given), cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert done.speaks_plainly
    assert told in done.stderr


def test_scores_of_other_images_are_not_compared(
    inside: CommandLine, unseen: Split, tmp_path: Path
) -> None:
    model = REFERENCE / "nano-int8.tflite"
    for name, first in (("a", 0), ("b", 1)):
        (tmp_path / f"{name}.npz").write_bytes(npz({"images": unseen.images[first : first + 50]}))
        given = (f"{name}.npz", "--artifact", model, "--out", f"scores-{name}.npz")
        assert inside("predict", *given, cwd=tmp_path).returncode == 0
    done = inside("diverge", "scores-a.npz", "scores-b.npz", cwd=tmp_path)
    assert (done.returncode, done.speaks_plainly) == (82, True)


def test_a_model_in_a_bundle_is_compared_with_itself_on_two_runtimes(
    inside: CommandLine, tmp_path: Path
) -> None:
    models = [REFERENCE / f"{name}-int8.tflite" for name in ("nano", "smallest")]
    assert inside("bundle", *models, "-o", "two.zip", cwd=tmp_path).returncode == 0
    file = "two.zip/models/smallest-int8.tflite"
    done = inside("diverge", f"{file}@litert", f"{file}@openvino", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "A: smallest-int8.tflite on litert " in done.stdout
    assert "B: smallest-int8.tflite on openvino " in done.stdout
