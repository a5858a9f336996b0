"""model -> files for the device: convert, compare with the parent, and only then write."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fmnist_edge import dataset
from fmnist_edge.artifact import (
    SAVED_MODEL_FILE,
    Artifact,
    Format,
    Manifest,
    find_artifacts,
    open_artifact,
    read_manifest,
    refuse_to_replace,
    utc_now,
    write_artifact,
)
from fmnist_edge.clock import timed
from fmnist_edge.errors import ArtifactNotFoundError, ExportError, ParityError
from fmnist_edge.exporters import (
    Conversion,
    Parent,
    Route,
    Stages,
    load_parent,
    route_of,
    stages_of,
)
from fmnist_edge.files import check_room, sha256_of
from fmnist_edge.libraries.native_output import suppress_native_output
from fmnist_edge.pipeline.calibration import CalibrationImages, from_file, from_train
from fmnist_edge.pipeline.parity import (
    ParityReference,
    Thoroughness,
    open_and_compare,
    reference_of,
)
from fmnist_edge.pipeline.provenance import made_with
from fmnist_edge.progress import SILENT, Progress
from fmnist_edge.recipes import CALIBRATION_SAMPLES, Choices, Recipe, check_opset


@dataclass(frozen=True)
class ExportRequest:
    """The arguments of an export.

    Args:
        source: A classifier: `.keras`, SavedModel, or a float `.tflite` or `.onnx` to quantize.
        recipes: The formats and precisions to make.
        out: The folder to write to.
        force: Whether to replace existing files.
        choices: Batch size, scores, opset, calibration method, metadata, pixels.
        verify: Whether files are compared with the parent on all test images ("full"), on 1,000
            images of validation ("fast"), or not at all ("none").
        max_drop: The percentage points of accuracy that a file may lose.
        calibration: The user's own images, an `.npz` file; None for images of train.
        calibration_samples: The number of images of train.
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
    """The result of one recipe: a file, or the reason why there is none.

    Args:
        recipe: The recipe.
        path: The path of the (main) file; None if there is none.
        manifest: The manifest of that file; None if there is none.
        nanoseconds: The time that converting and comparing took; 0 without a file.
        failure: The reason why there is no file; None if there is one.
    """

    recipe: Recipe
    path: Path | None
    manifest: Manifest | None
    nanoseconds: int
    failure: ExportError | ParityError | None = None


@dataclass(frozen=True)
class _Context:
    """The objects that all recipes of one request share."""

    request: ExportRequest
    parent: Parent
    calibration: CalibrationImages
    stages: Stages
    reference: ParityReference | None


def newest_model(folder: Path) -> Path:
    """Return the trained model below `folder` that was made last.

    Raises:
        ArtifactNotFoundError: There is no trained model.
        ManifestError: A manifest cannot be read.
    """
    found = [path for path in find_artifacts(folder) if path.suffix == Format.KERAS.suffix]
    dated = [(manifest.created, path) for path in found if (manifest := read_manifest(path))]
    if not dated:
        raise ArtifactNotFoundError(
            f"There is no trained model in {folder}.", hint="Train one with: fmnist-edge train"
        )
    return max(dated)[1]


def target_path(request: ExportRequest, recipe: Recipe) -> Path:
    """Return the path of an export: `default.keras` becomes `default-int8.tflite`."""
    if recipe.format is Format.SAVED_MODEL:
        return request.out / f"{_stem(request, recipe)}.{recipe.format}" / SAVED_MODEL_FILE
    return request.out / f"{_stem(request, recipe)}{recipe.format.export_suffix}"


def _stem(request: ExportRequest, recipe: Recipe) -> str:
    source = request.source.parent if request.source.name == SAVED_MODEL_FILE else request.source
    base = source.stem.removesuffix("-float32")
    return f"{base}-{recipe.precision}"


def export(
    request: ExportRequest, data_folder: Path, progress: Progress = SILENT
) -> Iterator[Outcome]:
    """Make the files one after the other, and yield each result once its file is written.

    A file is opened in its own runtime and compared with its parent before it is written, so that a
    conversion that went wrong leaves nothing behind. A recipe that fails does not stop the others.

    Raises:
        ArtifactExistsError: A file is there already.
        MissingDependencyError: A tool is not installed.
        ModelUnreadableError: The source is damaged.
        ModelUnsupportedError: The source is no Fashion-MNIST classifier.
        StorageError: A file cannot be written.
        UsageError: A recipe cannot be made from this source, the opset cannot be written, or the
            calibration images are wrong.
    """
    check_opset(request.choices.opset)
    source = open_artifact(request.source)
    routes = [(recipe, route_of(recipe, source.format)) for recipe in request.recipes]
    for recipe in request.recipes:
        refuse_to_replace(target_path(request, recipe), force=request.force)
        check_room(target_path(request, recipe))
    context = _prepare(request, source, data_folder, progress)
    progress.start(f"Export {request.source.name}", len(routes))
    for recipe, route in routes:
        progress.advance(0, note=recipe.name)
        yield _attempt(context, recipe, route)
        progress.advance()
    progress.finish()


def _prepare(
    request: ExportRequest, source: Artifact, data_folder: Path, progress: Progress
) -> _Context:
    data = dataset.load(data_folder)
    calibration = (
        from_file(request.calibration)
        if request.calibration is not None
        else from_train(data.train, request.calibration_samples)
    )
    progress.say("Reading the parent ...")
    with suppress_native_output():
        parent = load_parent(source)
        reference = reference_of(parent, data, request.verify, request.max_drop)
    stages = stages_of(parent, request.choices, calibration.images)
    return _Context(request, parent, calibration, stages, reference)


def _attempt(context: _Context, recipe: Recipe, route: Route) -> Outcome:
    try:
        (path, manifest), spent = timed(lambda: _make(context, recipe, route))
    except (ExportError, ParityError) as error:
        return Outcome(recipe, None, None, 0, error)
    return Outcome(recipe, path, manifest, spent)


def _make(context: _Context, recipe: Recipe, route: Route) -> tuple[Path, Manifest]:
    request, parent, choices = context.request, context.parent, context.request.choices
    calibration = context.calibration
    images = calibration.images if recipe.calibrated else calibration.images[:0]
    path = target_path(request, recipe)
    with suppress_native_output():
        files = route.export(
            Conversion(parent, recipe, choices, images, route.tools, context.stages)
        )
        main, companions = _place(path, files)
        candidate = Artifact(path, recipe.format, main, None, companions)
        session, parity = open_and_compare(candidate, recipe, choices, context.reference)
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
        tools=made_with(route.tools),
        scores=choices.scores,
        companions={name: sha256_of(part) for name, part in companions.items()},
        parent_sha256=parent.artifact.sha256,
        calibration=calibration.record(choices.calibration_method) if recipe.calibrated else None,
        parity=parity,
    )
    return write_artifact(path.parent, main, manifest, companions), manifest


def _place(path: Path, files: Mapping[str, bytes]) -> tuple[bytes, Mapping[str, bytes]]:
    """Return the main file, and its companions by their paths from the main file's folder."""
    (_, main), *others = files.items()
    stem = path.name.removesuffix(path.suffix)
    return main, {key.partition("/")[2] or f"{stem}{key}": payload for key, payload in others}
