"""Every artifact on every runtime that opens it, one image and many at a time.

    pytest benchmarks --benchmark-group-by=param:batch
    pytest benchmarks --benchmark-compare

These run in one process and are for comparing changes to this code; what to ship is for
`fmnist-edge bench` to say.
"""

from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from fmnist_edge import dataset, runtimes
from fmnist_edge.artifact import open_artifact
from fmnist_edge.session import SessionOptions


@pytest.mark.parametrize("batch", [1, 256])
def test_inference(
    benchmark: BenchmarkFixture,
    model: Path,
    runtime_name: str,
    batch: int,
    test_images: dataset.Split,
) -> None:
    artifact = open_artifact(model)
    runtime = runtimes.get(runtime_name)
    runtime.load_library()
    session = runtime.open(artifact, SessionOptions(batch=batch))
    tensor = session.prepare(test_images.images[:batch])
    benchmark.extra_info["bytes"] = len(artifact.payload)
    output = benchmark(session.run, tensor)
    # The first test images are easy: whoever gets fewer than these right computes nonsense.
    right = session.decode(output).argmax(axis=1) == test_images.labels[:batch]
    assert right.mean() > 0.7
