"""What the benchmark suites share: the data set and the files to measure."""

from pathlib import Path

import pytest

from fmnist_edge import dataset, runtimes
from fmnist_edge.artifact import find_artifacts, format_of

ARTIFACTS = Path("artifacts")


@pytest.fixture(scope="session")
def test_images() -> dataset.Split:
    return dataset.load_test(dataset.locate().path)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a benchmark of inference every artifact, on every runtime that opens it."""
    if "model" not in metafunc.fixturenames:
        return
    pairs = [
        pytest.param(path, name, id=f"{path.relative_to(ARTIFACTS)}-{name}")
        for path in find_artifacts(ARTIFACTS)
        for name in runtimes.reading(format_of(path))
    ]
    if not pairs:
        raise pytest.UsageError("There are no artifacts to measure; run `make demo` first.")
    metafunc.parametrize(("model", "runtime_name"), pairs)
