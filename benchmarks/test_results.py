"""What large results files cost: 100 cases of 100,000 samples each."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from fmnist_edge.records import replace
from fmnist_edge.report.compare import compare
from fmnist_edge.report.markdown import markdown_report
from fmnist_edge.report.table import benchmark_table
from fmnist_edge.result import Predictions, Row, Run, Samples, read_run, write_run
from tests import examples, reports

CASES = 100
SAMPLES = 100_000
PROCESSES = 5
SECONDS = 2.0
# Reads a file, draws it and writes it again; tells the most memory that took, in kB. Not ru_maxrss:
# that counts what the parent held when it forked.
READER = """
import sys
from pathlib import Path
from fmnist_edge.report.table import benchmark_table
from fmnist_edge.result import read_run, write_run
run = read_run(Path(sys.argv[1]))
benchmark_table(run)
write_run(Path(sys.argv[2]), run)
[peak] = [line for line in open("/proc/self/status") if line.startswith("VmHWM:")]
print(peak.split()[1])
"""


def _rows() -> Iterator[Row]:
    """Rows as a benchmark leaves them: skewed samples, and the answers to 10,000 images."""
    draw = np.random.default_rng(0)
    told = Predictions(
        "".join(map(str, draw.integers(0, 10, 10_000))),
        Samples.pack(draw.integers(200_000, 1_000_000, 10_000).astype(np.uint64)),
    )
    for index in range(CASES):
        plain = reports.row(
            reports.case(f"model-{index}.tflite", "litert"),
            *draw.normal(20_000, 200, PROCESSES),
            accuracy=examples.accuracy(8_900, 10_000),
            readings=(examples.READING,) * 30,
        )
        yield replace(
            plain,
            measurements=tuple(
                replace(
                    each,
                    back_to_back=replace(each.back_to_back, samples=_samples(draw)),
                    predictions=told if number == 0 else None,
                )
                for number, each in enumerate(plain.measurements)
            ),
        )


def _samples(draw: np.random.Generator) -> Samples:
    """Nanoseconds as real calls take them, to the 10 that clocks tell."""
    taken = 20_000 + 10 * draw.gamma(2.0, 60.0, SAMPLES // PROCESSES)
    return Samples.pack((taken // 10 * 10).astype(np.uint64))


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("large") / "result.json"
    write_run(path, reports.run(*_rows()))
    return path


@pytest.fixture(scope="module")
def run(large: Path) -> Run:
    return read_run(large)


def test_read_and_draw(benchmark: BenchmarkFixture, large: Path) -> None:
    """Target: under 2 s."""
    benchmark.extra_info["MB"] = large.stat().st_size / 1e6
    drawn = benchmark.pedantic(lambda: benchmark_table(read_run(large)), rounds=5)
    assert len(drawn.rows) == CASES
    if benchmark.stats:
        assert benchmark.stats.stats.median < SECONDS


def test_write(benchmark: BenchmarkFixture, run: Run, tmp_path: Path) -> None:
    path = tmp_path / "again.json"
    benchmark.pedantic(write_run, args=(path, run), rounds=5)
    assert path.stat().st_size > 0


def test_page(benchmark: BenchmarkFixture, run: Run) -> None:
    page = benchmark.pedantic(markdown_report, args=(run,), rounds=5)
    assert page.count("model-99.tflite") > 1


def test_compare(benchmark: BenchmarkFixture, run: Run) -> None:
    found = benchmark.pedantic(compare, args=(run, run), rounds=5)
    assert len(found.rows) == CASES


def test_memory(large: Path, tmp_path: Path) -> None:
    """Target: under 150 MB, Python, NumPy and the file together."""
    done = subprocess.run(
        [sys.executable, "-c", READER, str(large), str(tmp_path / "again.json")],
        capture_output=True,
        check=True,
        text=True,
    )
    assert int(done.stdout) < 150_000
