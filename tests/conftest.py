"""Fixtures that the tests of more than one room use."""

import os
from pathlib import Path

import pytest

from fmnist_edge.dataset import Places, Split, load_test, locate, usual_places
from tests.commands import CommandLine, Finished, copy_artifact


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
    """One real training, as it went: `train --epochs 4 --json`, in a folder of its own."""
    folder = tmp_path_factory.mktemp("trained")
    return cli("train", "--epochs", 4, "--json", "--out", folder / "default.keras", cwd=folder)


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
def strangers(cli: CommandLine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of models that other people might bring (`tests/strangers.py`)."""
    folder = tmp_path_factory.mktemp("strangers")
    made = cli.python(Path(__file__).with_name("strangers.py"), folder)
    assert made.returncode == 0, made.stderr
    return folder
