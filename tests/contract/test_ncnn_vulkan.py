"""ncnn on a GPU in software, and without a driver."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from tests.commands import CommandLine
from tests.openings import Outcome, Wish, open_all


def _vulkan(path: Path, **choices: object) -> Wish:
    return Wish("ncnn", path, "vulkan", **choices)  # type: ignore[arg-type] # of a Wish


@pytest.fixture(scope="module")
def model(exported: Path) -> Path:
    return exported / "default-float32.ncnn.param"


@pytest.fixture(scope="module")
def outcomes(vulkan: CommandLine, model: Path) -> Mapping[str, Outcome]:
    wishes = {
        "usual": _vulkan(model, calls=1000),
        "eight": _vulkan(model, batch=8),
        "strict": _vulkan(model, opening="strict"),
        "fast": _vulkan(model, fast_math=True),
        "twin": _vulkan(model, opening="on-cpu"),
        "cpu": Wish("ncnn", model, "cpu"),
    }
    return dict(zip(wishes, open_all(vulkan, *wishes.values()), strict=True))


def test_a_gpu_computes_all_layers_in_float32(outcomes: Mapping[str, Outcome]) -> None:
    for name in ("usual", "eight", "strict"):
        account = outcomes[name].account
        assert account["operators"] == account["on_device"] > 3
        assert account["elsewhere"] == []
        assert account["precision"] == "float32"
        np.testing.assert_allclose(outcomes[name].scores, outcomes["cpu"].scores, atol=1e-6)


def test_the_gpu_is_named_with_interface_and_memory(outcomes: Mapping[str, Outcome]) -> None:
    unit = outcomes["usual"].account["unit"]
    assert unit["name"].startswith("llvmpipe")
    assert unit["api"].startswith("Vulkan 1.")
    assert unit["memory_bytes"] > 100_000_000


def test_fast_arithmetic_shows_and_is_not_called_float32(outcomes: Mapping[str, Outcome]) -> None:
    difference = np.abs(outcomes["fast"].scores - outcomes["cpu"].scores).max()
    assert 1e-6 < difference < 0.05
    assert outcomes["fast"].account["precision"] == ""


def test_the_twin_on_the_cpu_claims_no_device(outcomes: Mapping[str, Outcome]) -> None:
    twin = outcomes["twin"]
    assert twin.account["unit"] is None
    assert twin.account["on_device"] == 0
    assert len(twin.account["elsewhere"]) == twin.account["operators"]
    np.testing.assert_array_equal(twin.scores, outcomes["cpu"].scores)


def test_a_thousand_calls_keep_no_memory(outcomes: Mapping[str, Outcome]) -> None:
    assert outcomes["usual"].growth_bytes < 2_000_000


def test_without_a_driver_the_device_is_refused_and_only_then(
    without_vulkan: CommandLine, model: Path
) -> None:
    """ncnn itself would go on with the CPU."""
    wishes = [_vulkan(model, opening=each) for each in ("usual", "strict", "on-cpu")]
    usual, strict, twin = open_all(without_vulkan, *wishes)
    for each in (usual, strict):
        assert each.error == "DeviceUnavailableError"
        assert each.message.startswith("ncnn cannot use vulkan here: it finds no GPU")
        assert "libvulkan1" in each.hint
    assert not twin.error
