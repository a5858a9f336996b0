"""Fixtures that the tests of more than one room use."""

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import pytest

from fmnist_edge.dataset import Places, Split, load_test, locate, usual_places
from tests import jobs
from tests.commands import CommandLine, Finished, copy_artifact
from tests.jobs import Attempt, Attempts, ExportEach, Job

# Tests that import these libraries by themselves must not write into the home folder either.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
os.environ["KERAS_HOME"] = str(Path(os.devnull) / "keras")


@pytest.fixture(scope="session")
def real_data_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fashion-MNIST itself, from wherever this machine can get it but the user's cache."""
    named = os.environ.get("FMNIST_EDGE_DATA_DIR")
    places = Places(cache=tmp_path_factory.mktemp("cache"), system=usual_places().system)
    return locate(Path(named) if named else None, places=places).path


@pytest.fixture(scope="session")
def unseen(real_data_folder: Path) -> Split:
    """The 10,000 test images and their labels."""
    return load_test(real_data_folder)


@pytest.fixture(scope="session")
def cli(real_data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    """The real `fmnist-edge`."""
    return CommandLine(home=tmp_path_factory.mktemp("home"), data=real_data_folder)


@pytest.fixture(scope="session")
def training(cli: CommandLine, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """One real training of the study's network, as it went, in a folder of its own."""
    folder = tmp_path_factory.mktemp("trained")
    given = ("--preset", "study", "--epochs", 4, "--json", "--out", folder / "default.keras")
    return cli("train", *given, cwd=folder)


@pytest.fixture(scope="session")
def trained(training: Finished) -> Path:
    """The `.keras` file of that training; its manifest lies beside it."""
    assert training.returncode == 0, training.stderr
    return training.folder / "default.keras"


@pytest.fixture(scope="session")
def exporting(
    cli: CommandLine, trained: Path, tmp_path_factory: pytest.TempPathFactory
) -> Finished:
    """One real export of every recipe, as it went: `export --json`, beside a copy of the model."""
    folder = tmp_path_factory.mktemp("exported")
    copy_artifact(trained, folder)
    return cli("export", "default.keras", "--json", cwd=folder)


@pytest.fixture(scope="session")
def exported(exporting: Finished) -> Path:
    """The folder with the model and all that was made of it."""
    assert exporting.returncode == 0, exporting.stderr
    return exporting.folder


@pytest.fixture(scope="session")
def export_each(cli: CommandLine) -> ExportEach:
    """Do all jobs in one process (`tests/jobs.py`)."""

    def run(wanted: Mapping[str, Job]) -> Attempts:
        given = json.dumps({name: asdict(job) for name, job in wanted.items()}, default=str)
        done = cli.execute((sys.executable, jobs.__file__, cli.data), given=given)
        assert done.returncode == 0, done.stderr
        return {name: Attempt(**told) for name, told in json.loads(done.stdout).items()}

    return run


@pytest.fixture(scope="session")
def strangers(cli: CommandLine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of models that other people might bring (`tests/strangers.py`)."""
    folder = tmp_path_factory.mktemp("strangers")
    made = cli.python(Path(__file__).with_name("strangers.py"), folder)
    assert made.returncode == 0, made.stderr
    return folder


@pytest.fixture(scope="session")
def parents(cli: CommandLine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of classifiers that other people might start from (`tests/parents.py`).

    Each is trained a little, so that its scores tell images apart.
    """
    folder = tmp_path_factory.mktemp("parents")
    made = cli.python(Path(__file__).with_name("parents.py"), cli.data, folder)
    assert made.returncode == 0, made.stderr
    return folder
