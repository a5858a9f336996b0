"""LiteRT on a GPU: a real one in software, and none at all."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from fmnist_edge.exporters.tflite.file import pack, unpack
from fmnist_edge.session import Opening
from tests.commands import CommandLine
from tests.openings import Outcome, Wish, open_all
from tests.strangers import ANY


def _webgpu(path: Path, **choices: object) -> Wish:
    return Wish("litert", path, "webgpu", **choices)  # type: ignore[arg-type] # of a Wish


@pytest.fixture(scope="module")
def misnamed(exported: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file whose signature names a tensor that is not there; the interpreter reads it."""
    model = unpack((exported / "default-float32.tflite").read_bytes())
    model.signatureDefs[0].inputs[0].tensorIndex = 99
    path = tmp_path_factory.mktemp("misnamed") / "misnamed.tflite"
    path.write_bytes(pack(model))
    return path


@pytest.fixture(scope="module")
def outcomes(
    vulkan: CommandLine, exported: Path, strangers: Path, misnamed: Path
) -> Mapping[str, Outcome]:
    own = exported / "default-float32.tflite"
    part, none = strangers / ANY / "remainders.tflite", strangers / ANY / "wide-remainders.tflite"
    four = strangers / "four-at-once.tflite"
    wishes = {
        "usual": _webgpu(own, calls=1000),
        "fast": _webgpu(own, fast_math=True),
        "strict": _webgpu(own, opening="strict"),
        "twin": _webgpu(own, opening="on-cpu"),
        "cpu": Wish("litert", own, "cpu"),
        "int8": _webgpu(exported / "default-int8.tflite"),
        "int8 cpu": Wish("litert", exported / "default-int8.tflite", "cpu"),
        "part": _webgpu(part),
        "part strict": _webgpu(part, opening="strict"),
        "part cpu": Wish("litert", part, "cpu"),
        "nothing": _webgpu(none),
        "open": _webgpu(strangers / ANY / "own-size.tflite"),
        "open again": _webgpu(strangers / ANY / "own-size.tflite"),
        "open for four": _webgpu(strangers / ANY / "colour-bytes.tflite", batch=4),
        "four": _webgpu(four, batch=4),
        "four cpu": Wish("litert", four, "cpu", batch=4),
        "other batch": _webgpu(own, batch=4),
        "misnamed": _webgpu(misnamed),
    }
    return dict(zip(wishes, open_all(vulkan, *wishes.values()), strict=True))


def test_a_gpu_computes_in_float32_and_the_whole_file(outcomes: Mapping[str, Outcome]) -> None:
    for name in ("usual", "strict"):
        account = outcomes[name].account
        assert account["unit"]["name"].startswith("llvmpipe")
        assert account["unit"]["api"] == "Vulkan"
        assert account["operators"] == account["on_device"] > 3
        assert account["elsewhere"] == []
        assert account["precision"] == "float32"
        np.testing.assert_allclose(outcomes[name].scores, outcomes["cpu"].scores, atol=1e-6)


def test_fast_arithmetic_shows_and_is_not_called_float32(outcomes: Mapping[str, Outcome]) -> None:
    difference = np.abs(outcomes["fast"].scores - outcomes["cpu"].scores).max()
    assert 1e-6 < difference < 0.05
    assert outcomes["fast"].account["precision"] == ""


def test_the_twin_on_the_cpu_claims_no_device(outcomes: Mapping[str, Outcome]) -> None:
    twin = outcomes["twin"]
    assert twin.account["unit"] is None
    assert twin.account["on_device"] == 0
    assert twin.account["elsewhere"] == [f"{twin.account['operators']} without name on CPU"]
    np.testing.assert_allclose(twin.scores, outcomes["cpu"].scores, atol=1e-6)


def test_a_thousand_calls_keep_no_memory(outcomes: Mapping[str, Outcome]) -> None:
    assert outcomes["usual"].growth_bytes < 2_000_000


def test_int8_files_are_quantized_alike_on_both(outcomes: Mapping[str, Outcome]) -> None:
    assert outcomes["int8"].account["on_device"] == outcomes["int8"].account["operators"]
    # The GPU computes in floats and rounds to int8, whose steps are 1/256.
    np.testing.assert_allclose(outcomes["int8"].scores, outcomes["int8 cpu"].scores, atol=0.08)


def test_operators_left_to_the_cpu_are_told_by_name(outcomes: Mapping[str, Outcome]) -> None:
    part = outcomes["part"].account
    assert 0 < part["on_device"] < part["operators"]
    assert any(each.startswith("FLOOR_MOD on CPU (") for each in part["elsewhere"])
    assert any("CAST on CPU (Tensor type(INT64)" in each for each in part["elsewhere"])
    np.testing.assert_allclose(outcomes["part"].scores, outcomes["part cpu"].scores, atol=1e-6)


def test_strictly_they_are_refused_by_name(outcomes: Mapping[str, Outcome]) -> None:
    refused = outcomes["part strict"]
    assert refused.error == "ModelUnsupportedError"
    assert "cannot run all of" in refused.message
    assert "CAST: Tensor type(INT64) is not supported" in refused.message


def test_a_model_that_would_run_on_the_cpu_alone_is_refused(
    outcomes: Mapping[str, Outcome],
) -> None:
    refused = outcomes["nothing"]
    assert refused.error == "ModelUnsupportedError"
    assert "cannot run anything of" in refused.message
    assert "FLOOR_MOD: " in refused.message


@pytest.mark.parametrize("name", ["open", "open again", "open for four"])
def test_an_open_batch_axis_is_refused_with_what_to_export(
    outcomes: Mapping[str, Outcome], name: str
) -> None:
    refused = outcomes[name]
    assert refused.error == "ModelUnsupportedError"
    assert "fixed sizes" in refused.message
    assert "--batch N" in refused.hint


def test_a_file_that_only_the_interpreter_loads_is_not_the_fault_of_the_gpu(
    outcomes: Mapping[str, Outcome],
) -> None:
    assert outcomes["misnamed"].error == "ModelUnreadableError"
    assert "cannot load" in outcomes["misnamed"].message


def test_a_fixed_batch_is_taken_and_no_other(outcomes: Mapping[str, Outcome]) -> None:
    np.testing.assert_allclose(outcomes["four"].scores, outcomes["four cpu"].scores, atol=1e-6)
    assert outcomes["other batch"].error == "ModelUnsupportedError"
    assert "takes 1 images at once, not 4" in outcomes["other batch"].message


def test_without_a_driver_the_device_is_refused_and_only_then(
    without_vulkan: CommandLine, exported: Path
) -> None:
    own = exported / "default-float32.tflite"
    wishes = [_webgpu(own, opening=each.value) for each in Opening]
    usual, strict, twin = open_all(without_vulkan, *wishes)
    for each in (usual, strict):
        assert each.error == "DeviceUnavailableError"
        assert each.message.startswith("LiteRT cannot use webgpu here: No adapters found")
        assert "libvulkan1" in each.hint
    assert "(" in usual.message  # the cause, which is told once in a process
    assert not twin.error
