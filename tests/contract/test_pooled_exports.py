"""Every recipe, made from a classifier with an average pool in front of its Dense layers."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as tflite

from fmnist_edge.artifact import Format, Manifest, Quantization, open_artifact, read_manifest
from fmnist_edge.dataset import Split
from fmnist_edge.recipes import RECIPES
from fmnist_edge.runtimes import RUNTIMES, reading
from fmnist_edge.session import Scores, SessionOptions, classify
from tests.commands import CommandLine, model_path
from tests.contract.conftest import Attempts
from tests.jobs import ExportEach, Job, attempt

TFLITE = [name for name, recipe in RECIPES.items() if recipe.format is Format.TFLITE]
RESIZED = [name for name, recipe in RECIPES.items() if recipe.format is not Format.NPZ]
LOOKED_INTO = [
    name for name, recipe in RECIPES.items() if recipe.format in {Format.TFLITE, Format.ONNX}
]
BATCHES: dict[str, int | None] = {"one": 1, "eight": 8, "open": None}
# A batch of its own is in the graph of TFLite files alone; elsewhere it is an axis like any other.
WANTED = {"one": [*RECIPES], "eight": TFLITE, "open": [*RECIPES]}


@pytest.fixture(scope="session")
def made(
    export_each: ExportEach, parents: Path, tmp_path_factory: pytest.TempPathFactory
) -> Attempts:
    folder = tmp_path_factory.mktemp("pooled")
    model = parents / "pooled.keras"
    return export_each(
        "pooled",
        {
            name: Job(
                model, WANTED[name], folder / name, {"batch": batch}, verify="fast", max_drop=5.0
            )
            for name, batch in BATCHES.items()
        },
    )


def _manifest(made: Attempts, name: str) -> Manifest:
    manifest = read_manifest(model_path(made["one"].folder, "pooled", RECIPES[name]))
    assert manifest is not None
    return manifest


def _answers(made: Attempts, name: str, variant: str, images: Split, *, batch: int = 1) -> Scores:
    recipe = RECIPES[name]
    artifact = open_artifact(model_path(made[variant].folder, "pooled", recipe))
    runtime = RUNTIMES[reading(recipe.format)[0]]
    return classify(runtime.open(artifact, SessionOptions(batch=batch)), images.images[:40])


@pytest.mark.parametrize("variant", BATCHES)
def test_every_recipe_is_made_and_proved(made: Attempts, variant: str) -> None:
    assert made[variant].errors == []
    assert set(made[variant].made) == set(WANTED[variant])


@pytest.mark.parametrize("name", RECIPES)
def test_a_file_takes_whole_images_all_the_same(made: Attempts, name: str) -> None:
    assert _manifest(made, name).input.shape[1:] == (28, 28)


@pytest.mark.parametrize("name", RESIZED)
def test_batch_sizes_answer_alike(made: Attempts, unseen: Split, name: str) -> None:
    # What is quantized on the fly takes its ranges from all images of a call.
    expected = _answers(made, name, "one", unseen)
    for variant, batch in (("open", 1), ("open", 5), ("eight", 8)):
        if name not in WANTED[variant]:
            continue
        given = _answers(made, name, variant, unseen, batch=batch)
        np.testing.assert_allclose(given, expected, atol=0.05)


@pytest.mark.parametrize("name", LOOKED_INTO)
def test_what_survives_of_each_layer_is_told(made: Attempts, name: str) -> None:
    parity = _manifest(made, name).parity
    assert parity is not None
    assert len(parity.layers) == 2
    assert all((each.sqnr_db or 200) > 10 for each in parity.layers)


def _graph(made: Attempts, name: str) -> tuple[Any, list[tuple[str, Any]]]:
    """Of a TFLite file: its graph, and its operators with their names."""
    payload = model_path(made["one"].folder, "pooled", RECIPES[name]).read_bytes()
    model = tflite.ModelT.InitFromPackedBuf(payload)
    names = {code: kind for kind, code in vars(tflite.BuiltinOperator).items()}
    graph = model.subgraphs[0]
    codes = [names[each.builtinCode] for each in model.operatorCodes]
    return graph, [(codes[each.opcodeIndex], each) for each in graph.operators]


@pytest.mark.parametrize("name", TFLITE)
def test_the_pool_is_one_operator(made: Attempts, name: str) -> None:
    _, operators = _graph(made, name)
    kinds = [kind for kind, _ in operators]
    assert kinds.count("AVERAGE_POOL_2D") == 1
    # One adds the channel, and one makes the rows that not every delegate makes itself.
    assert kinds.count("RESHAPE") == 2
    assert set(kinds) <= {
        *("CAST", "DEQUANTIZE", "QUANTIZE", "RESHAPE"),
        *("AVERAGE_POOL_2D", "FULLY_CONNECTED", "SOFTMAX"),
    }


def test_in_int8_it_averages_the_bytes_themselves(made: Attempts) -> None:
    graph, operators = _graph(made, "tflite-int8")
    pixels = Quantization(float(np.float32(1 / 255)), -128)
    (pool,) = [operator for kind, operator in operators if kind == "AVERAGE_POOL_2D"]
    for index in (graph.inputs[0], pool.inputs[0], pool.outputs[0]):
        tensor = graph.tensors[index]
        assert tensor.type == tflite.TensorType.INT8
        ((scale, zero),) = zip(
            tensor.quantization.scale, tensor.quantization.zeroPoint, strict=True
        )
        assert Quantization(float(scale), int(zero)) == pixels
    assert _manifest(made, "tflite-int8").input.quantization == pixels


def test_plain_arrays_name_the_side_of_the_squares(made: Attempts) -> None:
    with np.load(model_path(made["one"].folder, "pooled", RECIPES["npz-float32"])) as arrays:
        assert arrays["pool"] == 2
        assert arrays["kernel_0"].shape[0] == 14 * 14


@pytest.mark.parametrize(("parent", "name"), [("tflite", "tflite-int8"), ("onnx", "onnx-int8")])
def test_a_float_file_with_a_pool_is_quantized_to_one_that_takes_bytes(
    cli: CommandLine, made: Attempts, tmp_path: Path, parent: str, name: str
) -> None:
    source = made["one"].folder / f"pooled-float32.{parent}"
    assert attempt(Job(source, [name], tmp_path, max_drop=5.0), cli.data).errors == []
    manifest = read_manifest(model_path(tmp_path, "pooled", RECIPES[name]))
    assert manifest is not None
    assert manifest.input.dtype == {"tflite": "int8", "onnx": "uint8"}[parent]
    if parent == "tflite":
        payload = model_path(tmp_path, "pooled", RECIPES[name]).read_bytes()
        operators = tflite.ModelT.InitFromPackedBuf(payload).subgraphs[0].operators
        assert len(operators) == 6  # RESHAPE, AVERAGE_POOL_2D, RESHAPE, two layers, SOFTMAX
