"""What the pipeline decides before any long work begins."""

import os
from pathlib import Path

import pytest

from fmnist_edge.artifact import Format, manifest_path, write_artifact
from fmnist_edge.errors import ArtifactExistsError, ArtifactNotFoundError, UsageError
from fmnist_edge.pipeline.export import ExportRequest, export, newest_model, target_path
from fmnist_edge.pipeline.train import TrainRequest, train
from fmnist_edge.recipes import RECIPES
from fmnist_edge.records import replace
from tests.examples import manifest

_NO_DATA = Path(os.devnull) / "data"


def _model(folder: Path, file: str = "model.npz", created: str = "2026") -> Path:
    described = replace(
        manifest(file=file), format=Format(file.rpartition(".")[2]), created=created
    )
    return write_artifact(folder, b"a model", described)


def test_the_newest_model_is_the_one_that_was_made_last(tmp_path: Path) -> None:
    newest = _model(tmp_path / "b", "old-name.keras", created="2026-03")
    _model(tmp_path / "a", "x.keras", created="2026-01")
    _model(tmp_path / "c", "y.keras", created="2026-02")
    _model(tmp_path / "c", "model.npz", created="2026-09")
    assert newest_model(tmp_path) == newest


def test_a_model_without_a_manifest_is_not_the_newest(tmp_path: Path) -> None:
    manifest_path(_model(tmp_path, "x.keras")).unlink()
    with pytest.raises(ArtifactNotFoundError, match="There is no trained model in"):
        newest_model(tmp_path)


def test_an_exported_file_is_named_after_its_model_and_recipe() -> None:
    request = ExportRequest(Path("a/my.model.keras"), (), Path("out"))
    assert target_path(request, RECIPES["tflite-int8"]) == Path("out/my.model-int8.tflite")


def test_an_export_that_would_replace_something_does_not_begin(tmp_path: Path) -> None:
    source = _model(tmp_path, "x.keras")
    (tmp_path / "x-int8.onnx").touch()
    request = ExportRequest(source, tuple(RECIPES.values()), tmp_path)
    with pytest.raises(ArtifactExistsError, match=r"x-int8\.onnx is there already"):
        next(export(request, _NO_DATA))


def test_exports_start_from_keras_files(tmp_path: Path) -> None:
    request = ExportRequest(_model(tmp_path), (RECIPES["onnx-int8"],), tmp_path)
    with pytest.raises(UsageError, match="onnx-int8 cannot be made from a npz file"):
        next(export(request, _NO_DATA))


@pytest.mark.parametrize("name", ["model", "model.h5", "model.keras.json"])
def test_a_trained_model_is_a_keras_file(name: str) -> None:
    with pytest.raises(UsageError, match=f"A trained model is a .keras file, not '{name}'"):
        train(TrainRequest(Path(name)), _NO_DATA)


def test_a_training_that_would_replace_something_does_not_begin(tmp_path: Path) -> None:
    path = _model(tmp_path, "x.keras")
    with pytest.raises(ArtifactExistsError):
        train(TrainRequest(path), _NO_DATA)


def test_a_training_of_no_epochs_does_not_begin(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="The epochs must be at least 1"):
        train(TrainRequest(tmp_path / "x.keras", epochs=0), _NO_DATA)
