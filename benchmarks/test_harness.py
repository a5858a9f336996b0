"""What the toolkit itself costs."""

import subprocess
import sys
from pathlib import Path

import numpy as np
from pytest_benchmark.fixture import BenchmarkFixture

from fmnist_edge.artifact import Quantization, TensorSpec
from fmnist_edge.bench.baseline import EMPTY
from fmnist_edge.bench.latency import back_to_back
from fmnist_edge.result import Samples
from fmnist_edge.runtimes import null
from fmnist_edge.session import SessionOptions, prepare_images


def test_one_timed_call(benchmark: BenchmarkFixture) -> None:
    """Rounds of ten thousand timed calls of nothing; target: 0.3 µs each."""
    session = null.open(EMPTY, SessionOptions())
    tensors = [np.zeros((1, 28, 28), np.uint8)]
    turn = {"first": 0, "seconds": 0.0, "at_least": 10_000, "calls_per_sample": 1}
    taken = benchmark(back_to_back, session.run, tensors, **turn)
    benchmark.extra_info["nanoseconds per call, median"] = float(np.median(taken.samples))
    assert len(taken.samples) == 10_000


def test_prepare_float(benchmark: BenchmarkFixture) -> None:
    images = np.zeros((1, 28, 28), np.uint8)
    tensor = benchmark(prepare_images, images, TensorSpec("image", (1, 28, 28), "float32"))
    assert tensor.dtype == np.float32


def test_prepare_int8(benchmark: BenchmarkFixture) -> None:
    images = np.zeros((1, 28, 28), np.uint8)
    spec = TensorSpec("image", (1, 28, 28), "int8", Quantization(1 / 255, -128))
    tensor = benchmark(prepare_images, images, spec)
    assert tensor.dtype == np.int8


def test_pack_100_000_samples(benchmark: BenchmarkFixture) -> None:
    nanoseconds = np.random.default_rng(0).integers(10_000, 50_000, 100_000, dtype=np.uint64)
    assert benchmark(Samples.pack, nanoseconds).count == 100_000


def test_help(benchmark: BenchmarkFixture) -> None:
    """Target: under 0.1 s, of which half is the import of Typer."""
    command = [str(Path(sys.executable).parent / "fmnist-edge"), "--help"]
    answer = benchmark.pedantic(
        subprocess.run, args=(command,), kwargs={"capture_output": True, "check": True}, rounds=10
    )
    assert b"bench" in answer.stdout
