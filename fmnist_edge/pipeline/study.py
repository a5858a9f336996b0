"""The study: train the presets from the majority baseline to the recommended model."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fmnist_edge.artifact import Format, Training, open_artifact
from fmnist_edge.dataset.catalog import TEST_LABELS
from fmnist_edge.errors import ArtifactExistsError
from fmnist_edge.pipeline.train import TrainRequest, checkpoint_path, train
from fmnist_edge.progress import SILENT, Progress
from fmnist_edge.stats.classification import wilson_interval
from fmnist_edge.training import presets
from fmnist_edge.training.preset_names import STUDY


@dataclass(frozen=True)
class StudyRequest:
    """Where the study's models are written, and how they are trained.

    Args:
        out: The folder. Models that it contains already are not trained again.
        seed: The seed of every training.
        epochs: The largest number of epochs of every training; None takes the presets' own.
        force: Whether to train all models anew.
        threads: The number of TensorFlow's threads; None uses all cores.
    """

    out: Path
    seed: int = 0
    epochs: int | None = None
    force: bool = False
    threads: int | None = None


@dataclass(frozen=True)
class StudyModel:
    """One model of the study.

    Args:
        preset: The name of its preset.
        summary: The purpose of the preset.
        parameters: The number of weights and biases.
        file: The `.keras` file.
        validation_accuracy: The accuracy on 5,000 images, 0..1.
        test_accuracy: The accuracy on the 10,000 test images, 0..1.
        interval: Wilson's 95 % interval of the test accuracy, two values in 0..1.
        epochs: The number of epochs of its training.
        seconds: The duration of its training in seconds without TensorFlow's start; None if the
            model existed already.
    """

    preset: str
    summary: str
    parameters: int
    file: str
    validation_accuracy: float
    test_accuracy: float
    interval: tuple[float, ...]
    epochs: int
    seconds: float | None


def study(
    request: StudyRequest, data_folder: Path, progress: Progress = SILENT
) -> Iterator[StudyModel]:
    """Train majority, smallest, study and default; yield each once it is trained.

    Raises:
        ArtifactExistsError: A file in the folder is another model.
        FmnistEdgeError: What `train` raises.
    """
    for name in STUDY:
        path = request.out / f"{name}.{Format.KERAS}"
        seconds = None
        if request.force or not path.exists():
            trained = train(_train_request(request, name, path), data_folder, progress)
            seconds = trained.seconds
        yield _study_model(name, path, _training_of(request, name, path), seconds)


def _train_request(request: StudyRequest, name: str, path: Path) -> TrainRequest:
    return TrainRequest(
        path,
        name,
        request.seed,
        request.epochs,
        force=request.force,
        resume=not request.force and checkpoint_path(path).exists(),
        threads=request.threads,
    )


def _training_of(request: StudyRequest, name: str, path: Path) -> Training:
    """Return how the model in a file was trained.

    Raises:
        ArtifactExistsError: It has another preset or seed than in this study.
    """
    manifest = open_artifact(path).manifest
    training = manifest.training if manifest else None
    if training is None or (training.preset, training.seed) != (name, request.seed):
        raise ArtifactExistsError(
            f"{path} is another model than the preset {name!r} with seed {request.seed}.",
            hint="Train it anew with --force, or name another folder.",
        )
    return training


def _study_model(name: str, path: Path, training: Training, seconds: float | None) -> StudyModel:
    (images,) = TEST_LABELS.dims
    preset = presets.get(name)
    return StudyModel(
        preset=name,
        summary=preset.summary,
        parameters=preset.parameters,
        file=str(path),
        validation_accuracy=training.validation_accuracy,
        test_accuracy=training.test_accuracy,
        interval=wilson_interval(round(training.test_accuracy * images), images),
        epochs=training.epochs,
        seconds=seconds,
    )
