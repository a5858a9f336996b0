"""model -> files for the device: convert, prove, and only then write."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from fmnist_edge import dataset, runtimes
from fmnist_edge.artifact import (
    Artifact,
    Format,
    Manifest,
    Parity,
    find_manifests,
    open_artifact,
    read_manifest,
    refuse_to_replace,
    utc_now,
    write_artifact,
)
from fmnist_edge.errors import ArtifactNotFoundError, UsageError
from fmnist_edge.exporters import EXPORTERS, keras_parent, verify
from fmnist_edge.files import check_room, sha256_of
from fmnist_edge.native_output import hushed
from fmnist_edge.pipeline.provenance import made_with
from fmnist_edge.progress import SILENT, Progress
from fmnist_edge.recipes import Recipe
from fmnist_edge.session import Images, Scores, Session, SessionOptions, classify

__all__ = ["ExportRequest", "Exported", "export", "newest_model", "target_path"]

HELD_BACK_IMAGES: Final = 1_000
_SEED: Final = 0  # of the choice of images


@dataclass(frozen=True)
class ExportRequest:
    """What to convert, into what, and where to.

    Args:
        source: A `.keras` file.
        recipes: What to make of it.
        out: The folder to write to.
        force: Whether to replace existing files.
    """

    source: Path
    recipes: tuple[Recipe, ...]
    out: Path
    force: bool = False


@dataclass(frozen=True)
class Exported:
    """A file that was verified and written."""

    path: Path
    manifest: Manifest
    parity: Parity


@dataclass(frozen=True)
class _Parent:
    """What exports start from, and what they are held against.

    Args:
        artifact: The `.keras` file.
        model: The Keras model in it.
        train: Where calibration images are taken from.
        held_back: uint8[1000,28,28] images that neither training nor calibration saw.
        scores: float32[1000,10], what Keras makes of them.
    """

    artifact: Artifact
    model: Any
    train: dataset.Split
    held_back: Images
    scores: Scores


def newest_model(folder: Path) -> Path:
    """The trained model below `folder` that was made last.

    Raises:
        ArtifactNotFoundError: there is none.
        ManifestError: a manifest makes no sense.
    """
    found = [path for path in find_manifests(folder) if path.suffix == f".{Format.KERAS}"]
    dated = [(manifest.created, path) for path in found if (manifest := read_manifest(path))]
    if not dated:
        raise ArtifactNotFoundError(
            f"There is no trained model in {folder}.", hint="Train one with: fmnist-edge train"
        )
    return max(dated)[1]


def target_path(request: ExportRequest, recipe: Recipe) -> Path:
    """Where `recipe` is written to: `default.keras` becomes `default-int8.tflite`."""
    return request.out / f"{request.source.stem}-{recipe.precision}.{recipe.format}"


def export(
    request: ExportRequest, data_folder: Path, progress: Progress = SILENT
) -> Iterator[Exported]:
    """Make the files one after the other; each is announced once it is verified and written.

    A file is opened in its own runtime and compared with its parent on 1,000 images of the
    validation split before it is written, so a conversion that went wrong leaves nothing behind.

    Raises:
        ArtifactExistsError: a file is there already.
        ExportError: a conversion failed.
        ParityError: a file does not compute what its parent computes.
        StorageError: a file cannot be written.
        UsageError: the source is no Keras model.
    """
    source = open_artifact(request.source)
    if source.format is not Format.KERAS:
        raise UsageError(
            f"{request.source} is a {source.format} file; exports start from a .keras file.",
            hint="Train one with: fmnist-edge train",
        )
    for recipe in request.recipes:
        refuse_to_replace(target_path(request, recipe), force=request.force)
        check_room(target_path(request, recipe))
    progress.say("Starting TensorFlow ...")
    parent = _load_parent(source, dataset.load(data_folder))
    progress.start(f"Export {request.source.name}", len(request.recipes))
    for recipe in request.recipes:
        progress.advance(0, note=recipe.name)
        yield _export_one(target_path(request, recipe), recipe, parent)
        progress.advance()
    progress.finish()


def _load_parent(source: Artifact, data: dataset.Dataset) -> _Parent:
    held_back = dataset.stratified(data.validation, HELD_BACK_IMAGES, _SEED).images
    with hushed():
        model = keras_parent.load(source)
        scores = keras_parent.scores(model, held_back)
    return _Parent(source, model, data.train, held_back, scores)


def _export_one(path: Path, recipe: Recipe, parent: _Parent) -> Exported:
    exporter = EXPORTERS[recipe.name]
    with hushed():
        payload = exporter.export(parent.model, recipe, _calibration(parent.train, recipe))
        candidate = Artifact(path, recipe.format, payload, None)
        session, parity = _prove(candidate, recipe, parent)
    known = parent.artifact.manifest
    manifest = Manifest(
        file=path.name,
        format=recipe.format,
        precision=recipe.precision,
        sha256=sha256_of(payload),
        size_bytes=len(payload),
        created=utc_now(),
        recipe=recipe.name,
        labels=known.labels if known else dataset.LABELS,
        input=session.input,
        output=session.output,
        tools=made_with(exporter.TOOLS),
        parent_sha256=parent.artifact.sha256,
        parity=parity,
    )
    return Exported(write_artifact(path.parent, payload, manifest), manifest, parity)


def _calibration(train: dataset.Split, recipe: Recipe) -> Images:
    if recipe.calibration_images == 0:
        return train.images[:0]
    return dataset.stratified(train, recipe.calibration_images, _SEED).images


def _prove(candidate: Artifact, recipe: Recipe, parent: _Parent) -> tuple[Session, Parity]:
    """Open the file in its runtime and hold its answers against the parent's."""
    name = runtimes.reading(recipe.format)[0]
    runtime = runtimes.get(name)
    version = runtime.load_library()
    session = runtime.open(candidate, SessionOptions())
    scores = classify(session, parent.held_back)
    session.close()
    parity = verify.compare(parent.scores, scores, f"{name} {version}")
    verify.check(candidate.path, parity, recipe)
    return session, parity
