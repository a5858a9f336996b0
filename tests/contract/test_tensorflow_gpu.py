"""TensorFlow and NVIDIA's GPUs on a machine without one."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from tests.commands import CommandLine
from tests.openings import Outcome, Wish, open_all

MODELS = ("default.keras", "default-float32.saved-model/saved_model.pb")


@pytest.fixture(scope="module")
def outcomes(cli: CommandLine, exported: Path) -> Mapping[tuple[str, str], Outcome]:
    openings = ("usual", "strict", "on-cpu")
    wishes = {
        (name, opening): Wish("tensorflow", exported / name, "cuda", opening)
        for name in MODELS
        for opening in openings
    }
    wishes |= {(name, "cpu"): Wish("tensorflow", exported / name, "cpu") for name in MODELS}
    return dict(zip(wishes, open_all(cli, *wishes.values()), strict=True))


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("opening", ["usual", "strict"])
def test_without_a_gpu_the_device_is_refused(
    outcomes: Mapping[tuple[str, str], Outcome], name: str, opening: str
) -> None:
    refused = outcomes[name, opening]
    assert refused.error == "DeviceUnavailableError"
    assert refused.message.startswith("TensorFlow cannot use cuda here: it finds no GPU")
    assert "tensorflow[and-cuda]" in refused.hint


@pytest.mark.parametrize("name", MODELS)
def test_the_twin_on_the_cpu_tells_all_operators(
    outcomes: Mapping[tuple[str, str], Outcome], name: str
) -> None:
    twin = outcomes[name, "on-cpu"]
    assert twin.used["device"] == "CPU"
    assert twin.account["on_device"] == 0
    assert len(twin.account["elsewhere"]) == twin.account["operators"]
    kinds = [each.partition("(")[2] for each in twin.account["elsewhere"]]
    assert kinds.count("MatMul) on CPU") == 3
    np.testing.assert_allclose(twin.scores, outcomes[name, "cpu"].scores, atol=1e-6)


def test_an_operator_without_code_for_gpus_is_told_by_name(cli: CommandLine) -> None:
    """The build for Linux has CUDA's kernels, whether there is a GPU or not."""
    done = cli.python("-c", _PROGRAM)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[0] == "2 1 ('joined (StringJoin) on CPU',)"


_PROGRAM = """
from fmnist_edge.libraries.keras import tensorflow
from fmnist_edge.runtimes import tensorflow_gpu
from fmnist_edge.session import SessionOptions
tf = tensorflow()
def serve(x):
    return tf.matmul(x, x), tf.strings.join(["a", tf.constant("b")], name="joined")
function = tf.function(serve, input_signature=[tf.TensorSpec((2, 2))]).get_concrete_function()
account = tensorflow_gpu.account_of(function, SessionOptions(device="cuda"))
print(account.operators, account.on_device, account.elsewhere)
"""
