"""data -> model: train a preset and write it as an artifact."""

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
from fmnist_edge.pipeline.provenance import made_with
from fmnist_edge.pipeline.teacher import teacher_logits, teacher_path
from fmnist_edge.progress import SILENT, Progress
from fmnist_edge.records import replace
from fmnist_edge.session import IMAGE_SHAPE
from fmnist_edge.training import checkpoint, fit, presets
from fmnist_edge.training.checkpoint import Identity
from fmnist_edge.training.options import EpochCallback, FitResult, TrainOptions, no_callback
from fmnist_edge.training.preset import Preset

_INPUT: Final = TensorSpec("image", (None, *IMAGE_SHAPE), "float32")
_OUTPUT: Final = TensorSpec("scores", (None, len(dataset.LABELS)), "float32")
_SUFFIX: Final = ".checkpoint"


@dataclass(frozen=True)
class TrainRequest:
    """What to train, and where to write it.

    Args:
        out: The `.keras` file to write.
        preset: The name of the preset, or a TOML file.
        seed: The seed of initial weights, shuffling, augmentation and dropout.
        epochs: The largest number of epochs; None takes the preset's own.
        batch_size: Images per step; None takes the preset's own.
        force: Whether to replace an existing file, or to start an interrupted training anew.
        resume: Whether to continue an interrupted training.
        threads: The number of TensorFlow's threads; with one, the same seed gives the same bits.
            None uses all cores.
        teacher: Whether a preset that has a teacher learns from it; if not, from labels alone.
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


@dataclass(frozen=True)
class CheckedRequest:
    """A request that `check` has found possible.

    Args:
        request: The request.
        preset: The preset that will be trained.
        resume: Whether the student itself continues from its checkpoint.
    """

    request: TrainRequest
    preset: Preset
    resume: bool

    @property
    def checkpoints(self) -> tuple[Path, ...]:
        """The files that hold what is left of this training if it is interrupted."""
        teacher = teacher_path(self.request.out.parent, self.preset)
        models = (self.request.out, teacher) if teacher else (self.request.out,)
        return tuple(map(checkpoint_path, models))


@dataclass(frozen=True)
class Trained:
    """A model that was trained and written.

    Args:
        path: The `.keras` file.
        manifest: Its manifest.
        training: How it was trained.
        nanoseconds: The duration of the training without TensorFlow's start and without the
            teacher's training; of a resumed training, the duration since it was resumed.
    """

    path: Path
    manifest: Manifest
    training: Training
    nanoseconds: int

    @property
    def seconds(self) -> float:
        """The duration of the training in seconds."""
        return self.nanoseconds / NS_PER_SECOND


def checkpoint_path(out: Path) -> Path:
    """Return where the training of `out` keeps its state after each epoch."""
    return out.with_suffix(_SUFFIX)


def train(request: TrainRequest, data_folder: Path, progress: Progress = SILENT) -> Trained:
    """Check the request, train, measure once on the test split, and write model and manifest.

    Raises:
        FmnistEdgeError: What `check` and `train_checked` raise.
    """
    return train_checked(check(request), data_folder, progress)


def check(request: TrainRequest) -> CheckedRequest:
    """Check whatever can be checked before any long work.

    Raises:
        ArtifactExistsError: The file, or a checkpoint of an interrupted training, exists already.
        CheckpointError: There is nothing to resume, or it belongs to another training.
        PresetError: The preset's file is wrong.
        StorageError: The file could not be written.
        UsageError: The request is impossible.
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
    own = checkpoint_path(request.out)
    if own.exists() and not (request.resume or request.force):
        raise ArtifactExistsError(
            f"A training of {request.out} was interrupted; {own} holds its last epoch.",
            hint="Continue it with --resume, or start anew with --force.",
        )
    resume = request.resume and (own.exists() or not _teacher_is_interrupted(request.out, preset))
    if resume:
        # It is read here only to refuse it before TensorFlow starts.
        checkpoint.read(own, _identity(preset, request.seed))
    return CheckedRequest(request, preset, resume)


def _teacher_is_interrupted(out: Path, preset: Preset) -> bool:
    path = teacher_path(out.parent, preset)
    return path is not None and not path.exists() and checkpoint_path(path).exists()


def train_checked(
    checked: CheckedRequest,
    data_folder: Path,
    progress: Progress = SILENT,
    on_epoch_end: EpochCallback = no_callback,
) -> Trained:
    """Train, measure once on the test split, and write model and manifest.

    Args:
        checked: What `check` has returned.
        data_folder: The folder with the four files of Fashion-MNIST.
        progress: It follows the training of the teacher and of the model.
        on_epoch_end: It is called after each epoch of the model, not of its teacher.

    Raises:
        CheckpointError: The checkpoint has other variables than this training.
        TrainingError: The loss is NaN or infinite.
        StorageError: A file cannot be written.
    """
    request, preset = checked.request, checked.preset
    data = dataset.load(data_folder)
    progress.say("Starting TensorFlow ...")
    with suppress_native_output():
        keep_to_cpu(request.threads or 0)
    logits = teacher_logits(
        preset,
        request.out.parent,
        data,
        lambda path: _train_teacher(checked, path, data_folder, progress),
        progress,
    )
    state = checkpoint_path(request.out)
    options = TrainOptions(request.seed, state, checked.resume, logits, on_epoch_end)
    with suppress_native_output():
        fitted, spent = timed(lambda: fit.fit(preset, data, options, progress))
        record = _record(preset, request, data, fitted)
        payload = fit.serialize(fitted.model)
    manifest = _manifest(request.out, payload, record, preset)
    path = write_artifact(request.out.parent, payload, manifest)
    checkpoint.remove(state)
    return Trained(path, manifest, record, spent)


def _identity(preset: Preset, seed: int) -> Identity:
    return Identity(preset.name, preset.fingerprint, seed, dataset.DATASET_SHA256)


def _train_teacher(
    checked: CheckedRequest, path: Path, data_folder: Path, progress: Progress
) -> None:
    """Train the teacher with its own preset and seed; continue it if it was interrupted."""
    name = checked.preset.distillation.teacher if checked.preset.distillation else ""
    state = checkpoint_path(path)
    how = (
        f"whose interrupted training continues from {state}"
        if state.exists()
        else f"which is trained first: {path}"
    )
    progress.say(f"{checked.preset.name} learns from a teacher, {how}")
    request = TrainRequest(path, name, resume=state.exists(), threads=checked.request.threads)
    train(request, data_folder, progress)


def _record(
    preset: Preset, request: TrainRequest, data: dataset.Dataset, fitted: FitResult
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


def _manifest(out: Path, payload: bytes, record: Training, preset: Preset) -> Manifest:
    return Manifest(
        file=out.name,
        format=Format.KERAS,
        precision=Precision.FLOAT32,
        sha256=sha256_of(payload),
        size_bytes=len(payload),
        created=utc_now(),
        recipe=f"train-{record.preset}",
        labels=dataset.LABELS,
        input=_INPUT,
        output=_OUTPUT if preset.deploy else replace(_OUTPUT, name="logits"),
        tools=made_with(fit.TOOLS),
        scores="probabilities" if preset.deploy else "logits",
        training=record,
    )
