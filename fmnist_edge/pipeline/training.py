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
from fmnist_edge.errors import UsageError
from fmnist_edge.files import check_room, sha256_of
from fmnist_edge.native_output import hushed
from fmnist_edge.pipeline.provenance import made_with
from fmnist_edge.progress import SILENT, Progress
from fmnist_edge.session import IMAGE_SHAPE
from fmnist_edge.training import fit, presets

__all__ = ["TrainRequest", "Trained", "train"]

INPUT: Final = TensorSpec("image", (None, *IMAGE_SHAPE), "float32")
OUTPUT: Final = TensorSpec("scores", (None, len(dataset.LABELS)), "float32")


@dataclass(frozen=True)
class TrainRequest:
    """What to train and where to put it.

    Args:
        out: The `.keras` file to write.
        preset: Name of the preset.
        seed: Of initial weights, shuffling and dropout.
        epochs: None for the preset's own.
        batch_size: None for the preset's own.
        force: Whether to replace an existing file.
    """

    out: Path
    preset: str = "default"
    seed: int = 0
    epochs: int | None = None
    batch_size: int | None = None
    force: bool = False


@dataclass(frozen=True)
class Trained:
    """A model that was trained and written."""

    path: Path
    manifest: Manifest
    training: Training


def train(request: TrainRequest, data_folder: Path, progress: Progress = SILENT) -> Trained:
    """Train, measure once on the test split, and write model and manifest.

    Raises:
        ArtifactExistsError: the file is there already.
        TrainingError: the loss is no number any more.
        StorageError: the file cannot be written.
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
    refuse_to_replace(request.out, force=request.force)
    check_room(request.out)
    data = dataset.load(data_folder)
    progress.say("Starting TensorFlow ...")
    with hushed():
        fitted = fit.fit(preset, data, seed=request.seed, progress=progress)
        record = Training(
            preset=preset.name,
            seed=request.seed,
            data_sha256=data.sha256,
            batch_size=preset.batch_size,
            epochs=fitted.epochs,
            best_epoch=fitted.best_epoch,
            history=fitted.history,
            validation_accuracy=fit.accuracy(fitted.model, data.validation),
            test_accuracy=fit.accuracy(fitted.model, data.test),
        )
        payload = fit.serialize(fitted.model)
    manifest = _describe(request.out, payload, record)
    return Trained(write_artifact(request.out.parent, payload, manifest), manifest, record)


def _describe(out: Path, payload: bytes, record: Training) -> Manifest:
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
        output=OUTPUT,
        tools=made_with(fit.TOOLS),
        training=record,
    )
