"""What a user names stands for model files, and for data where a bundle has them."""

from pathlib import Path

import pytest

from fmnist_edge.bundle import open_bundle, write_bundle
from fmnist_edge.dataset import DATASET_SHA256, TEST_FILES
from fmnist_edge.errors import ArtifactNotFoundError, BundleError, UsageError
from fmnist_edge.pipeline.sources import (
    bundle_of,
    check_unpacked,
    locate_data,
    model_files,
    one_model,
)
from tests.examples import npz_model

UNUSED = Path("unused")


def _models(folder: Path, *names: str) -> list[Path]:
    """Models that differ from each other."""
    for number, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(npz_model(number))
    return [folder / name for name in names]


@pytest.fixture
def pair(tmp_path: Path) -> Path:
    """A bundle of two models in two folders."""
    models = [path.rename(path.with_suffix(".tflite")) for path in _models(tmp_path, "a/m", "b/m")]
    write_bundle(models, tmp_path / "pair.zip", data=None)
    return tmp_path / "pair.zip"


def test_a_bundle_stands_for_its_models(pair: Path) -> None:
    inside = open_bundle(pair).models
    assert model_files([pair], UNUSED) == inside
    assert model_files([pair, pair], UNUSED) == inside
    assert model_files([pair / "models/b", pair], UNUSED) == (inside[1], inside[0])
    assert model_files([pair / "models/a/m.tflite"], UNUSED) == inside[:1]


@pytest.mark.parametrize(
    "rest", ["nothing", "models/c", "bundle.json", "../pair.zip", "models/a/m"]
)
def test_what_is_not_in_a_bundle_is_named_with_what_is(pair: Path, rest: str) -> None:
    with pytest.raises(ArtifactNotFoundError, match="There is no model") as caught:
        model_files([pair / rest], UNUSED)
    assert "holds models/a/m.tflite and models/b/m.tflite." in caught.value.hint


def test_a_bundle_is_a_file_whose_name_says_so(tmp_path: Path, pair: Path) -> None:
    assert bundle_of(pair) == bundle_of(pair / "models") == pair
    assert bundle_of(tmp_path) is bundle_of(tmp_path / "nowhere.zip") is None
    (tmp_path / "folder.zip").mkdir()
    assert bundle_of(tmp_path / "folder.zip" / "m.tflite") is None
    pair.rename(tmp_path / "PAIR.ZIP")
    assert len(model_files([tmp_path / "PAIR.ZIP"], UNUSED)) == 2


def test_a_damaged_bundle_ends_the_command_and_not_only_a_row(pair: Path) -> None:
    pair.write_bytes(pair.read_bytes()[:-1])
    with pytest.raises(BundleError):
        model_files([pair], UNUSED)


def test_one_model_is_the_only_one_or_one_that_is_named(tmp_path: Path, pair: Path) -> None:
    first, second = open_bundle(pair).models
    assert one_model(pair / "models/a") == first
    assert one_model(pair / "models/b/m.tflite") == second
    with pytest.raises(UsageError, match="holds 2 models") as caught:
        one_model(pair)
    assert caught.value.hint == f"Name one of them, for example {pair / 'models/a/m.tflite'}"
    write_bundle([first], tmp_path / "one.zip", data=None)
    assert one_model(tmp_path / "one.zip").read_bytes() == first.read_bytes()
    assert one_model(tmp_path / "nowhere.npz") == tmp_path / "nowhere.npz"


def test_data_come_from_the_place_that_is_named_or_from_a_bundle(
    tmp_path: Path, pair: Path, real_data_folder: Path
) -> None:
    models = [path.rename(path.with_suffix(".tflite")) for path in _models(tmp_path, "c/m")]
    index = write_bundle(models, tmp_path / "data.zip", data=real_data_folder)
    assert index.data_sha256 == DATASET_SHA256
    both = model_files([pair, tmp_path / "data.zip"], UNUSED)
    assert len(both) == 3
    bundled = open_bundle(tmp_path / "data.zip").data
    assert locate_data(both, None, files=TEST_FILES).path == bundled
    assert locate_data(both, real_data_folder, files=TEST_FILES).path == real_data_folder


def test_a_model_whose_bundle_was_thrown_away_says_how_to_have_it_again(pair: Path) -> None:
    models = open_bundle(pair).models
    check_unpacked((*models, Path("elsewhere.tflite")))
    models[1].unlink()
    with pytest.raises(ArtifactNotFoundError, match="came out of a bundle") as caught:
        check_unpacked(models)
    assert "bench BUNDLE.zip --dry-run" in caught.value.hint
