"""ONNX Runtime on a GPU in software, by the package that has WebGPU; and without what it needs."""

import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from fmnist_edge.artifact import open_artifact
from fmnist_edge.devices import DEVICES
from fmnist_edge.errors import DeviceUnavailableError
from fmnist_edge.runtimes import ort
from fmnist_edge.session import SessionOptions
from tests.commands import CommandLine
from tests.openings import Outcome, Wish, open_all


# Of the release that the wheels are of, the assignment lists the nodes of the CPU alone, so that a
# profile is needed.
@pytest.fixture(scope="session")
def package(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package that has WebGPU, for the PYTHONPATH."""
    folder = tmp_path_factory.mktemp("onnxruntime-webgpu")
    (wheel,) = wheels.glob("onnxruntime_webgpu-*.whl")
    zipfile.ZipFile(wheel).extractall(folder)
    return folder


def _with(cli: CommandLine, package: Path) -> CommandLine:
    return replace(cli, added={**cli.added, "PYTHONPATH": str(package)})


def _webgpu(path: Path, **choices: object) -> Wish:
    return Wish("onnxruntime", path, "webgpu", **choices)  # type: ignore[arg-type] # of a Wish


def _floats(path: Path) -> Path:
    """Write a classifier of float images, of operators that every provider has."""
    kernel = np.random.default_rng(0).normal(0, 0.1, (784, 10)).astype(np.float32)
    nodes = [
        helper.make_node("Reshape", ["image", "flat"], ["pixels"]),
        helper.make_node("MatMul", ["pixels", "kernel"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["scores"]),
    ]
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in (("image", [1, 28, 28]), ("scores", [1, 10]))
    ]
    constants = [
        numpy_helper.from_array(np.array([-1, 784]), "flat"),
        numpy_helper.from_array(kernel, "kernel"),
    ]
    graph = helper.make_graph(nodes, "floats", ends[:1], ends[1:], constants)
    opset = [helper.make_opsetid("", 15)]
    path.write_bytes(
        helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()
    )
    return path


@pytest.fixture(scope="module")
def outcomes(
    vulkan: CommandLine,
    package: Path,
    exported: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Mapping[str, Outcome]:
    folder = tmp_path_factory.mktemp("device")
    floats, bytes_ = _floats(folder / "floats.onnx"), exported / "default-float32.onnx"
    damaged = folder / "damaged.onnx"
    damaged.write_bytes(bytes_.read_bytes()[:1000])
    wishes = {
        "usual": _webgpu(floats, calls=200),
        "strict": _webgpu(floats, opening="strict"),
        "twin": _webgpu(floats, opening="on-cpu"),
        "cpu": Wish("onnxruntime", floats, "cpu"),
        "bytes": _webgpu(bytes_),
        "bytes cpu": Wish("onnxruntime", bytes_, "cpu"),
        "bytes strict": _webgpu(bytes_, opening="strict"),
        "damaged": _webgpu(damaged),
    }
    made = open_all(_with(vulkan, package), *wishes.values())
    return dict(zip(wishes, made, strict=True))


def test_a_file_of_floats_runs_on_the_gpu_alone(outcomes: Mapping[str, Outcome]) -> None:
    for name in ("usual", "strict"):
        account = outcomes[name].account
        assert account["operators"] == account["on_device"] == 3
        assert account["elsewhere"] == []
        assert account["precision"] == "float32"
        np.testing.assert_allclose(outcomes[name].scores, outcomes["cpu"].scores, atol=1e-6)


def test_each_call_computes_its_own_input(outcomes: Mapping[str, Outcome]) -> None:
    """Memory that is bound once keeps on the GPU what it held at that time."""
    scores = outcomes["usual"].scores
    assert len(np.unique(scores, axis=0)) == len(scores)


def test_bytes_are_converted_on_the_cpu_and_that_is_told(outcomes: Mapping[str, Outcome]) -> None:
    account = outcomes["bytes"].account
    assert account["source"] == "profile"
    assert account["elsewhere"] == ["cast_0 (Cast) on CPUExecutionProvider"]
    assert account["on_device"] == account["operators"] - 1 > 3
    np.testing.assert_allclose(outcomes["bytes"].scores, outcomes["bytes cpu"].scores, atol=1e-6)


def test_strictly_the_conversion_is_refused_by_name(outcomes: Mapping[str, Outcome]) -> None:
    refused = outcomes["bytes strict"]
    assert refused.error == "ModelUnsupportedError"
    assert "on webgpu: cast_0 (Cast) on CPUExecutionProvider." in refused.message
    assert "--pixels float32" in refused.hint


def test_the_twin_on_the_cpu_claims_no_device(outcomes: Mapping[str, Outcome]) -> None:
    twin = outcomes["twin"]
    assert twin.used["provider"] == "CPUExecutionProvider"
    assert twin.account["on_device"] == 0
    assert len(twin.account["elsewhere"]) == twin.account["operators"]
    np.testing.assert_array_equal(twin.scores, outcomes["cpu"].scores)


def test_calls_keep_no_memory(outcomes: Mapping[str, Outcome]) -> None:
    assert outcomes["usual"].growth_bytes < 4_000_000


def test_a_damaged_file_is_no_fault_of_the_device(outcomes: Mapping[str, Outcome]) -> None:
    assert outcomes["damaged"].error == "ModelUnreadableError"


def test_without_a_driver_the_device_is_refused_and_only_then(
    without_vulkan: CommandLine, package: Path, tmp_path: Path
) -> None:
    floats = _floats(tmp_path / "floats.onnx")
    wishes = [_webgpu(floats, opening=each) for each in ("usual", "strict", "on-cpu")]
    usual, strict, twin = open_all(_with(without_vulkan, package), *wishes)
    for each in (usual, strict):
        assert each.error == "DeviceUnavailableError"
        assert each.message.startswith(
            "ONNX Runtime cannot use webgpu here: Failed to get a WebGPU"
        )
        assert "libvulkan1" in each.hint
    assert not twin.error


@pytest.mark.parametrize(
    ("device", "needs"),
    [
        ("cuda", "onnxruntime-gpu"),
        ("tensorrt", "onnxruntime-gpu"),
        ("webgpu", "onnxruntime-webgpu"),
        ("qnn", "onnxruntime-qnn"),
    ],
)
def test_the_usual_package_says_which_one_has_the_device(
    exported: Path, device: str, needs: str
) -> None:
    artifact = open_artifact(exported / "default-float32.onnx")
    with pytest.raises(DeviceUnavailableError, match=f"cannot use {device} here") as caught:
        ort.open(artifact, SessionOptions(device=device))
    assert needs in caught.value.hint


@pytest.mark.parametrize("device", [name for name in ort.DEVICES if not DEVICES[name].exists_here])
def test_devices_of_other_systems_are_refused(exported: Path, device: str) -> None:
    artifact = open_artifact(exported / "default-float32.onnx")
    with pytest.raises(DeviceUnavailableError, match="which this operating system does not have"):
        ort.open(artifact, SessionOptions(device=device))
