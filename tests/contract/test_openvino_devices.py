"""OpenVINO on Intel's GPU and NPU, where there are none, and what is read where there are."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fmnist_edge.artifact import open_artifact
from fmnist_edge.errors import DeviceUnavailableError
from fmnist_edge.libraries.openvino import openvino
from fmnist_edge.runtimes import openvino_, openvino_devices
from fmnist_edge.session import Accelerated, Opening, SessionOptions, synthetic_inputs

INTEL = ("openvino-gpu", "openvino-npu")


class RecordedAnswers:
    """What plugins answer where they have a device, in the form of their documentation."""

    PROPERTIES = {  # noqa: RUF012 - read only
        "FULL_DEVICE_NAME": "Intel(R) AI Boost",
        "NPU_DEVICE_TOTAL_MEM_SIZE": 4_294_967_296,
        "NPU_DRIVER_VERSION": 1_782_000,
    }

    def get_property(self, plugin: str, name: str) -> Any:  # noqa: ANN401 - as OpenVINO's
        assert plugin == "NPU"
        return list(self.PROPERTIES) if name == "SUPPORTED_PROPERTIES" else self.PROPERTIES[name]


@pytest.mark.parametrize("device", INTEL)
@pytest.mark.parametrize("opening", [Opening.USUAL, Opening.STRICT])
def test_a_missing_device_is_refused_with_what_it_needs(
    exported: Path, device: str, opening: Opening
) -> None:
    artifact = open_artifact(exported / "default-float32.onnx")
    options = SessionOptions(device=device, opening=opening)
    with pytest.raises(DeviceUnavailableError, match=f"OpenVINO cannot use {device}") as caught:
        openvino_.open(artifact, options)
    assert "driver" in caught.value.hint


@pytest.mark.parametrize("device", INTEL)
def test_the_twin_on_the_cpu_runs_without_the_device_and_claims_none(
    exported: Path, device: str
) -> None:
    artifact = open_artifact(exported / "default-float32.onnx")
    twin = openvino_.open(artifact, SessionOptions(device=device, opening=Opening.ON_CPU))
    own = openvino_.open(artifact, SessionOptions())
    assert isinstance(twin, Accelerated)
    assert not isinstance(own, Accelerated)
    tensor = own.prepare(synthetic_inputs(own.input, 1, seed=0))
    np.testing.assert_array_equal(twin.run(tensor), own.run(tensor))
    account = twin.account()
    assert (account.unit, account.on_device, account.precision) == (None, 0, "float32")
    assert account.operators == len(account.elsewhere) > 3
    assert any("FullyConnected) on CPU" in each for each in account.elsewhere)


def test_the_runtime_model_tells_layers_and_no_constants(exported: Path) -> None:
    compiled = openvino().Core().compile_model(str(exported / "default-float32.onnx"), "CPU")
    options = SessionOptions(device="openvino-gpu", opening=Opening.ON_CPU)
    told = openvino_devices.account_of(None, compiled, options).elsewhere
    assert not [each for each in told if "(Const)" in each or "(Input)" in each]


@pytest.mark.parametrize(
    ("executing", "plugin", "holds"),
    [
        (["GPU"], "GPU", True),
        (["GPU.0"], "GPU", True),
        (["CPU"], "GPU", False),
        (["GPU.0", "CPU"], "GPU", False),
        ([], "NPU", False),
    ],
)
def test_only_the_device_itself_is_the_device(
    executing: list[str], plugin: str, *, holds: bool
) -> None:
    assert openvino_devices.is_on(executing, plugin) is holds


def test_each_device_has_its_own_settings(tmp_path: Path) -> None:
    gpu = SessionOptions(device="openvino-gpu", kernel_cache=tmp_path)
    assert openvino_devices.settings_of(gpu) == {
        "INFERENCE_PRECISION_HINT": "f32",
        "PERFORMANCE_HINT": "LATENCY",
        "CACHE_DIR": str(tmp_path),
    }
    npu = SessionOptions(device="openvino-npu", fast_math=True)
    assert openvino_devices.settings_of(npu)["INFERENCE_PRECISION_HINT"] == "f16"
    twin = SessionOptions(device="openvino-npu", opening=Opening.ON_CPU, kernel_cache=tmp_path)
    assert openvino_devices.settings_of(twin) == openvino_devices.settings_of(SessionOptions())


def test_a_device_is_named_as_its_plugin_names_it() -> None:
    unit = openvino_devices.unit_of(RecordedAnswers(), "NPU")
    assert unit is not None
    assert (unit.name, unit.driver) == ("Intel(R) AI Boost", "1782000")
    assert unit.memory_bytes == 4 << 30
