"""model -> files for the device: convert, prove, and only then write."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fmnist_edge import dataset
from fmnist_edge.artifact import (
    SAVED_MODEL_FILE,
    Artifact,
    Format,
    Manifest,
    find_manifests,
    open_artifact,
    read_manifest,
    refuse_to_replace,
    utc_now,
    write_artifact,
)
from fmnist_edge.clock import timed
from fmnist_edge.errors import ArtifactNotFoundError, ExportError, ParityError
from fmnist_edge.exporters import EXPORTERS, load_parent
from fmnist_edge.exporters.parent import Parent
from fmnist_edge.files import check_room, sha256_of
from fmnist_edge.libraries.native_output import suppress_native_output
from fmnist_edge.pipeline import calibrating
from fmnist_edge.pipeline.availability import check_convertible
from fmnist_edge.pipeline.calibrating import CalibrationImages
from fmnist_edge.pipeline.provenance import made_with
from fmnist_edge.pipeline.proving import Proof, Thoroughness, gather, open_and_prove
from fmnist_edge.progress import SILENT, Progress
from fmnist_edge.recipes import CALIBRATION_SAMPLES, Choices, Recipe

__all__ = ["ExportRequest", "Outcome", "export", "newest_model", "target_path"]


@dataclass(frozen=True)
class ExportRequest:
    """What to convert, into what, and where to.

    Args:
        source: A classifier: `.keras`, SavedModel, or a float `.tflite` or `.onnx` to quantize.
        recipes: What to make of it.
        out: The folder to write to.
        force: Whether to replace existing files.
        choices: Batch size, scores, opset, calibration method.
        verify: On all test images, on 1,000 of validation, or not at all.
        max_drop: Percentage points of accuracy that a file may lose.
        calibration: The user's own images, an `.npz` file; None for images of train.
        calibration_samples: How many images of train.
    """

    source: Path
    recipes: tuple[Recipe, ...]
    out: Path
    force: bool = False
    choices: Choices = field(default_factory=Choices)
    verify: Thoroughness = "full"
    max_drop: float = 0.5
    calibration: Path | None = None
    calibration_samples: int = CALIBRATION_SAMPLES


@dataclass(frozen=True)
class Outcome:
    """What became of one recipe: a file, or the reason why there is none.

    Args:
        recipe: What was to be made.
        path: The (main) file; None if there is none.
        manifest: Of that file.
        nanoseconds: What converting and verifying took.
        failure: Why there is no file.
    """

    recipe: Recipe
    path: Path | None
    manifest: Manifest | None
    nanoseconds: int
    failure: ExportError | ParityError | None = None


@dataclass(frozen=True)
class _Workshop:
    """All that every recipe of a request shares."""

    request: ExportRequest
    parent: Parent
    images: CalibrationImages
    proof: Proof | None


def newest_model(folder: Path) -> Path:
    """The trained model below `folder` that was made last.

    Raises:
        ArtifactNotFoundError: there is none.
        ManifestError: a manifest makes no sense.
    """
    found = [path for path in find_manifests(folder) if path.suffix == Format.KERAS.suffix]
    dated = [(manifest.created, path) for path in found if (manifest := read_manifest(path))]
    if not dated:
        raise ArtifactNotFoundError(
            f"There is no trained model in {folder}.", hint="Train one with: fmnist-edge train"
        )
    return max(dated)[1]


def target_path(request: ExportRequest, recipe: Recipe) -> Path:
    """Where `recipe` is written to: `default.keras` becomes `default-int8.tflite`."""
    if recipe.format is Format.SAVED_MODEL:
        return request.out / f"{_stem(request, recipe)}.{recipe.format}" / SAVED_MODEL_FILE
    return request.out / f"{_stem(request, recipe)}{recipe.format.suffix}"


def _stem(request: ExportRequest, recipe: Recipe) -> str:
    source = request.source.parent if request.source.name == SAVED_MODEL_FILE else request.source
    base = source.stem.removesuffix("-float32")
    return f"{base}-{recipe.precision}"


def export(
    request: ExportRequest, data_folder: Path, progress: Progress = SILENT
) -> Iterator[Outcome]:
    """Make the files one after the other; each is announced once it is verified and written.

    A file is opened in its own runtime and compared with its parent before it is written, so a
    conversion that went wrong leaves nothing behind. One that fails does not stop the others.

    Raises:
        ArtifactExistsError: a file is there already.
        MissingDependencyError: a tool is not installed.
        ModelUnreadableError: the source is damaged.
        ModelUnsupportedError: the source is no Fashion-MNIST classifier.
        StorageError: a file cannot be written.
        UsageError: a recipe cannot be made from this source, or the calibration images are wrong.
    """
    source = open_artifact(request.source)
    check_convertible(request.recipes, source.format)
    for recipe in request.recipes:
        refuse_to_replace(target_path(request, recipe), force=request.force)
        check_room(target_path(request, recipe))
    workshop = _equip(request, source, data_folder, progress)
    progress.start(f"Export {request.source.name}", len(request.recipes))
    for recipe in request.recipes:
        progress.advance(0, note=recipe.name)
        yield _attempt(workshop, recipe)
        progress.advance()
    progress.finish()


def _equip(
    request: ExportRequest, source: Artifact, data_folder: Path, progress: Progress
) -> _Workshop:
    data = dataset.load(data_folder)
    images = (
        calibrating.from_file(request.calibration)
        if request.calibration is not None
        else calibrating.from_train(data.train, request.calibration_samples)
    )
    progress.say("Reading the parent ...")
    with suppress_native_output():
        parent = load_parent(source)
        proof = gather(parent, data, request.verify, request.max_drop)
    return _Workshop(request, parent, images, proof)


def _attempt(workshop: _Workshop, recipe: Recipe) -> Outcome:
    try:
        (path, manifest), spent = timed(lambda: _make(workshop, recipe))
    except (ExportError, ParityError) as error:
        return Outcome(recipe, None, None, 0, error)
    return Outcome(recipe, path, manifest, spent)


def _make(workshop: _Workshop, recipe: Recipe) -> tuple[Path, Manifest]:
    request, parent = workshop.request, workshop.parent
    exporter = EXPORTERS[parent.artifact.format, recipe.name]
    images = workshop.images.images if recipe.calibrated else workshop.images.images[:0]
    path = target_path(request, recipe)
    with suppress_native_output():
        made = exporter.export(parent, recipe, request.choices, images)
        main, companions = _place(path, made)
        candidate = Artifact(path, recipe.format, main, None, companions)
        session, parity = open_and_prove(candidate, recipe, request.choices, parent, workshop.proof)
    known = parent.artifact.manifest
    manifest = Manifest(
        file=path.name,
        format=recipe.format,
        precision=recipe.precision,
        sha256=sha256_of(main),
        size_bytes=candidate.size_bytes,
        created=utc_now(),
        recipe=recipe.name,
        labels=known.labels if known else dataset.LABELS,
        input=session.input,
        output=session.output,
        tools=made_with(exporter.TOOLS),
        scores=request.choices.scores,
        companions={name: sha256_of(part) for name, part in companions.items()},
        parent_sha256=parent.artifact.sha256,
        calibration=workshop.images.record(request.choices.calibration_method)
        if recipe.calibrated
        else None,
        parity=parity,
    )
    return write_artifact(path.parent, main, manifest, companions), manifest


def _place(path: Path, made: Mapping[str, bytes]) -> tuple[bytes, Mapping[str, bytes]]:
    """The main file, and its companions by their paths from the main file's folder."""
    (_, main), *others = made.items()
    stem = path.name.removesuffix(path.suffix)
    return main, {key.partition("/")[2] or f"{stem}{key}": payload for key, payload in others}
