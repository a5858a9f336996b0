"""A GPU in software, and what the libraries of runtimes see of it."""

import json
import os
from pathlib import Path

import pytest

from tests import gpu_answers, system_parts
from tests.commands import CommandLine

# The last line of what this tells is JSON: the name of each GPU.
NCNN = """
import json, ncnn
count = ncnn.get_gpu_count()
print(json.dumps([ncnn.get_gpu_info(at).device_name() for at in range(count)]))
"""


@pytest.fixture(scope="module")
def model(strangers: Path) -> Path:
    """A float32 TFLite file that takes one image."""
    return strangers / "seven-scores.tflite"


def _last_line(told: str) -> str:
    return told.splitlines()[-1]


def test_only_processes_that_a_test_starts_find_the_gpu(vulkan: CommandLine) -> None:
    driver = Path(vulkan.environment["VK_DRIVER_FILES"])
    assert driver.is_relative_to(system_parts.KEPT)
    assert os.environ.get("VK_DRIVER_FILES") != str(driver)
    assert os.environ.get("LD_LIBRARY_PATH") != vulkan.environment["LD_LIBRARY_PATH"]


def test_ncnn_finds_one_gpu_that_computes_on_the_cpu(vulkan: CommandLine) -> None:
    told = vulkan.python("-c", NCNN)
    assert told.returncode == 0, told.stderr
    (name,) = json.loads(_last_line(told.stdout))
    assert name.startswith("llvmpipe ")


def test_ncnn_finds_no_gpu_without_a_driver(without_vulkan: CommandLine) -> None:
    told = without_vulkan.python("-c", NCNN)
    assert told.returncode == 0, told.stderr
    assert json.loads(_last_line(told.stdout)) == []


def test_litert_answers_on_the_gpu_as_on_the_cpu(vulkan: CommandLine, model: Path) -> None:
    done = vulkan.python(gpu_answers.__file__, model)
    assert done.returncode == 0, done.stderr
    assert "Selected adapter: llvmpipe " in done.stderr
    told = json.loads(_last_line(done.stdout))
    assert told["everything"]
    assert len(told["gpu"]) == 7
    assert told["gpu"] == pytest.approx(told["cpu"], abs=1e-5)


def test_litert_does_not_answer_on_the_cpu_where_there_is_no_gpu(
    without_vulkan: CommandLine, model: Path
) -> None:
    done = without_vulkan.python(gpu_answers.__file__, model)
    assert done.returncode == 1
    assert "No adapters found" in done.stderr
    assert "RuntimeError: " in done.stderr
