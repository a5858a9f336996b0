"""The study as one story: from the baseline to the model that is advised."""

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
    """Where the study's models go, and how they are trained.

    Args:
        out: The folder; models that are there already are not trained again.
        seed: Of every training.
        epochs: At most, of every training; None for the presets' own.
        force: Whether to train all of them anew.
        threads: Of TensorFlow; None for all cores.
    """

    out: Path
    seed: int = 0
    epochs: int | None = None
    force: bool = False
    threads: int | None = None


@dataclass(frozen=True)
class Chapter:
    """One model of the study.

    Args:
        preset: Its name.
        summary: What it is.
        parameters: Weights and biases.
        file: The `.keras` file.
        validation_accuracy: Share of 5,000 images, 0..1.
        test_accuracy: Share of the 10,000 test images, 0..1.
        interval: Wilson's 95 % interval of that.
        epochs: Of its training.
        seconds: Its training took, without TensorFlow's start; None where it was there already.
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
) -> Iterator[Chapter]:
    """Train majority, smallest, study and default; each is told once it is there.

    Raises:
        ArtifactExistsError: a file in the folder is another model.
        FmnistEdgeError: what `train` raises.
    """
    for name in STUDY:
        path = request.out / f"{name}.{Format.KERAS}"
        seconds = None
        if request.force or not path.exists():
            trained = train(_training(request, name, path), data_folder, progress)
            seconds = trained.seconds
        yield _chapter(name, path, _known(request, name, path), seconds)


def _training(request: StudyRequest, name: str, path: Path) -> TrainRequest:
    return TrainRequest(
        path,
        name,
        request.seed,
        request.epochs,
        force=request.force,
        resume=not request.force and checkpoint_path(path).exists(),
        threads=request.threads,
    )


def _known(request: StudyRequest, name: str, path: Path) -> Training:
    """How the model in a file was trained.

    Raises:
        ArtifactExistsError: otherwise than this study would.
    """
    manifest = open_artifact(path).manifest
    training = manifest.training if manifest else None
    if training is None or (training.preset, training.seed) != (name, request.seed):
        raise ArtifactExistsError(
            f"{path} is another model than the preset {name!r} with seed {request.seed}.",
            hint="Train it anew with --force, or name another folder.",
        )
    return training


def _chapter(name: str, path: Path, training: Training, seconds: float | None) -> Chapter:
    (images,) = TEST_LABELS.dims
    preset = presets.get(name)
    return Chapter(
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
