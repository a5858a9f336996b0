"""What the toolkit itself costs."""

import subprocess
import sys
from pathlib import Path

import numpy as np
from pytest_benchmark.fixture import BenchmarkFixture

from fmnist_edge.artifact import Artifact, Format, Quantization, TensorSpec
from fmnist_edge.bench.latency import sample
from fmnist_edge.bench.protocols import get
from fmnist_edge.report.table import benchmark_table
from fmnist_edge.result import Samples, read_run, write_run
from fmnist_edge.runtimes import null
from fmnist_edge.session import SessionOptions, prepare_images

RESULTS = Path(__file__).parent / "results"
NOTHING = Artifact(Path("(no model)"), Format.NPZ, b"", None)


def test_one_timed_call(benchmark: BenchmarkFixture) -> None:
    """Rounds of a thousand timed calls of the runtime that does nothing."""
    session = null.open(NOTHING, SessionOptions())
    tensors = [np.zeros((1, 28, 28), np.uint8)]
    settings = get("smoke")
    taken = benchmark(sample, session.run, tensors, settings)
    benchmark.extra_info["nanoseconds per call, median"] = float(np.median(taken))
    assert len(taken) >= settings.min_samples


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


def test_read_write_and_draw_a_result(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    path = min(RESULTS.glob("*/demo.json"))

    def round_trip() -> int:
        run = read_run(path)
        write_run(tmp_path / "again.json", run)
        return len(benchmark_table(run).rows)

    assert benchmark(round_trip) >= 6


def test_help(benchmark: BenchmarkFixture) -> None:
    """Target: under 0.3 s."""
    command = [str(Path(sys.executable).parent / "fmnist-edge"), "--help"]
    answer = benchmark.pedantic(
        subprocess.run, args=(command,), kwargs={"capture_output": True, "check": True}, rounds=10
    )
    assert b"bench" in answer.stdout
