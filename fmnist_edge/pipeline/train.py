"""data -> model: train a preset and keep it as an artifact."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fmnist_edge import dataset
from fmnist_edge.artifact import (
    Format,
    Manifest,
    Precision,
    TensorSpec,
    Training,
    refuse_to_replace,
    utc_now,
    write_artifact,
)
from fmnist_edge.clock import NS_PER_SECOND, timed
from fmnist_edge.errors import ArtifactExistsError, UsageError
from fmnist_edge.files import check_room, sha256_of
from fmnist_edge.libraries.keras import keep_to_cpu
from fmnist_edge.libraries.native_output import suppress_native_output
from fmnist_edge.pipeline import teacher
from fmnist_edge.pipeline.provenance import made_with
from fmnist_edge.progress import SILENT, Progress
from fmnist_edge.records import replace
from fmnist_edge.session import IMAGE_SHAPE
from fmnist_edge.training import checkpoint, fit, presets
from fmnist_edge.training.checkpoint import Identity
from fmnist_edge.training.outcome import Fitted, Setting, Watcher, unwatched
from fmnist_edge.training.preset import Preset

INPUT: Final = TensorSpec("image", (None, *IMAGE_SHAPE), "float32")
OUTPUT: Final = TensorSpec("scores", (None, len(dataset.LABELS)), "float32")
_SUFFIX: Final = ".checkpoint"


@dataclass(frozen=True)
class TrainRequest:
    """What to train and where to put it.

    Args:
        out: The `.keras` file to write.
        preset: Name of the preset, or a TOML file.
        seed: Of initial weights, shuffling, augmentation and dropout.
        epochs: None for the preset's own.
        batch_size: None for the preset's own.
        force: Whether to replace an existing file, or start an interrupted training anew.
        resume: Whether to go on where an interrupted training stopped.
        threads: Of TensorFlow; with one, the same seed gives the same bits. None for all cores.
        teacher: Whether a preset that has a teacher learns from it; if not, from labels alone.
        watch: Told of each epoch.
    """

    out: Path
    preset: str = "default"
    seed: int = 0
    epochs: int | None = None
    batch_size: int | None = None
    force: bool = False
    resume: bool = False
    threads: int | None = None
    teacher: bool = True
    watch: Watcher = unwatched


@dataclass(frozen=True)
class Trained:
    """A model that was trained and written.

    Args:
        path: The `.keras` file.
        manifest: Of it.
        training: How it came to be.
        nanoseconds: What the training took, without TensorFlow's start; of a resumed one, the part
            since.
    """

    path: Path
    manifest: Manifest
    training: Training
    nanoseconds: int

    @property
    def seconds(self) -> float:
        """The same in seconds."""
        return self.nanoseconds / NS_PER_SECOND


def checkpoint_path(out: Path) -> Path:
    """Where the training of `out` keeps what it has after each epoch."""
    return out.with_suffix(_SUFFIX)


def train(request: TrainRequest, data_folder: Path, progress: Progress = SILENT) -> Trained:
    """Train, measure once on the test split, and write model and manifest.

    Raises:
        ArtifactExistsError: the file, or a checkpoint of an interrupted training, is there already.
        CheckpointError: there is nothing to resume, or it is of another training.
        PresetError: the preset's file is wrong.
        TrainingError: the loss is no number any more.
        StorageError: a file cannot be written.
        UsageError: an impossible request.
    """
    preset = check(request)
    data = dataset.load(data_folder)
    progress.say("Starting TensorFlow ...")
    with suppress_native_output():
        keep_to_cpu(request.threads or 0)
    scores = teacher.scores_for(
        preset,
        request.out.parent,
        data,
        lambda path: train(_teacher(request, preset, path), data_folder, progress),
        progress,
    )
    setting = Setting(
        request.seed, checkpoint_path(request.out), request.resume, scores, request.watch
    )
    with suppress_native_output():
        fitted, spent = timed(lambda: fit.fit(preset, data, setting, progress))
        record = _record(preset, request, data, fitted)
        payload = fit.serialize(fitted.model)
    manifest = _describe(request.out, payload, record, preset)
    path = write_artifact(request.out.parent, payload, manifest)
    checkpoint.remove(checkpoint_path(request.out))
    return Trained(path, manifest, record, spent)


def check(request: TrainRequest) -> Preset:
    """Find out what can be found out before any long work: the preset that will be trained.

    Raises:
        ArtifactExistsError: the file, or a checkpoint of an interrupted training, is there already.
        CheckpointError: there is nothing to resume, or it is of another training.
        PresetError: the preset's file is wrong.
        StorageError: the file could not be written.
        UsageError: an impossible request.
    """
    if request.out.suffix != f".{Format.KERAS}":
        raise UsageError(
            f"A trained model is a .keras file, not {request.out.name!r}.",
            hint="Give --out a name that ends in .keras",
        )
    preset = fit.override(
        presets.get(request.preset), epochs=request.epochs, batch_size=request.batch_size
    )
    if not request.teacher:
        preset = replace(preset, distillation=None)
    refuse_to_replace(request.out, force=request.force or request.resume)
    check_room(request.out)
    left = checkpoint_path(request.out)
    if left.exists() and not (request.resume or request.force):
        raise ArtifactExistsError(
            f"A training of {request.out} was interrupted; {left} holds its last epoch.",
            hint="Go on with --resume, or start anew with --force.",
        )
    if request.resume:
        # Read here only to refuse it before TensorFlow starts.
        checkpoint.read(left, _identity(preset, request.seed))
    return preset


def _identity(preset: Preset, seed: int) -> Identity:
    return Identity(preset.name, preset.fingerprint, seed, dataset.DATASET_SHA256)


def _teacher(request: TrainRequest, student: Preset, path: Path) -> TrainRequest:
    """The teacher's training: its own preset and seed, taken up again if it was interrupted."""
    name = student.distillation.teacher if student.distillation else ""
    return TrainRequest(path, name, resume=checkpoint_path(path).exists(), threads=request.threads)


def _record(
    preset: Preset, request: TrainRequest, data: dataset.Dataset, fitted: Fitted
) -> Training:
    return Training(
        preset=preset.name,
        seed=request.seed,
        data_sha256=data.sha256,
        batch_size=preset.schedule.batch_size,
        epochs=fitted.epochs,
        best_epoch=fitted.best_epoch,
        history=fitted.history,
        validation_accuracy=fit.accuracy(fitted.model, data.validation),
        test_accuracy=fit.accuracy(fitted.model, data.test),
    )


def _describe(out: Path, payload: bytes, record: Training, preset: Preset) -> Manifest:
    return Manifest(
        file=out.name,
        format=Format.KERAS,
        precision=Precision.FLOAT32,
        sha256=sha256_of(payload),
        size_bytes=len(payload),
        created=utc_now(),
        recipe=f"train-{record.preset}",
        labels=dataset.LABELS,
        input=INPUT,
        output=OUTPUT if preset.deploy else replace(OUTPUT, name="logits"),
        tools=made_with(fit.TOOLS),
        scores="probabilities" if preset.deploy else "logits",
        training=record,
    )
