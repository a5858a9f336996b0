"""`fmnist-edge export`: convert a classifier."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal, get_args

import typer

from fmnist_edge.artifact import SAVED_MODEL_FILE, Format, Precision
from fmnist_edge.recipes import (
    CALIBRATION_METHOD,
    CALIBRATION_SAMPLES,
    OPSETS,
    RECIPES,
    Choices,
    Pixels,
    Recipe,
    ScoreKind,
    select,
)
from fmnist_edge_cli import render
from fmnist_edge_cli.options import (
    ARTIFACTS,
    ArtifactsOption,
    DataDirOption,
    ForceOption,
    JsonOption,
    QuietOption,
    VerboseOption,
    check_json,
    choice,
    finite,
)

if TYPE_CHECKING:
    from fmnist_edge.pipeline.export import ExportRequest, Outcome
    from fmnist_edge.progress import Progress

_ALL: Final = "all"
_OPEN: Final = "dynamic"


def export(
    model: Annotated[
        Path | None,
        typer.Argument(
            metavar="MODEL",
            help="Model to convert: .keras, a SavedModel folder, or a float .tflite or .onnx; the "
            "newest trained model if left out.",
        ),
    ] = None,
    format_: Annotated[
        list[str] | None,
        choice(
            "--format",
            (_ALL, *(recipe.format for recipe in RECIPES.values())),
            "Format to make (repeatable; all that this machine can make if left out).",
        ),
    ] = None,
    precision: Annotated[
        list[str] | None,
        choice(
            "--precision",
            (recipe.precision for recipe in RECIPES.values()),
            "Arithmetic of the file (repeatable; all of the format if left out).",
        ),
    ] = None,
    batch: Annotated[
        str, typer.Option("--batch", metavar="N|dynamic", help="Images per inference.")
    ] = "1",
    scores: Annotated[
        str, choice("--scores", get_args(ScoreKind), "Whether the file ends in the softmax.")
    ] = "probabilities",
    pixels: Annotated[
        str,
        choice(
            "--pixels",
            get_args(Pixels),
            "What the file takes: the camera's bytes, or floats in 0..1 (ncnn, npz and TFLite's "
            "int8, int8-float-io and int16x8 have their own).",
        ),
    ] = "uint8",
    opset: Annotated[
        int,
        typer.Option(
            "--opset",
            min=OPSETS.start,
            max=OPSETS.stop - 1,
            help="Version of the ONNX operator set.",
        ),
    ] = Choices().opset,
    calibration: Annotated[
        Path | None,
        typer.Option(
            "--calibration",
            metavar="FILE.npz",
            help="Images to calibrate on (array images, uint8[N,28,28]).",
            show_default="images of train",
        ),
    ] = None,
    calibration_samples: Annotated[
        int,
        typer.Option("--calibration-samples", help="Number of images of train to calibrate on."),
    ] = CALIBRATION_SAMPLES,
    calibration_method: Annotated[
        str,
        choice(
            "--calibration-method",
            ("minmax", "entropy", "percentile"),
            "How activation ranges are computed (TFLite has minmax only).",
        ),
    ] = CALIBRATION_METHOD,
    metadata: Annotated[
        bool,
        typer.Option(
            "--metadata/--no-metadata",
            help="Whether files carry labels and origin; manifests always do.",
        ),
    ] = True,
    verify: Annotated[
        str,
        choice(
            "--verify",
            ("full", "fast", "none"),
            "Compare each file with its parent on 10,000 test images (full), on 1,000 validation "
            "images (fast), or not at all (none).",
        ),
    ] = "full",
    max_drop: Annotated[
        float,
        typer.Option(
            "--max-drop",
            callback=finite,
            min=0.0,
            help="Percentage points of accuracy that a file may lose.",
        ),
    ] = 0.5,
    artifacts: ArtifactsOption = ARTIFACTS,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="DIR", help="Folder to write to.", show_default="beside the model"
        ),
    ] = None,
    data_dir: DataDirOption = None,
    force: ForceOption = False,
    json: JsonOption = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Convert a trained model to files for a device.

    Each file is opened in its own runtime and compared with its parent before it is written.

    \b
    Examples:
      fmnist-edge export
      fmnist-edge export --format tflite
      fmnist-edge export artifacts/default.keras --format onnx --precision int8
      fmnist-edge export someones-float.onnx --precision int8 --calibration images.npz
    """
    from fmnist_edge import dataset
    from fmnist_edge.pipeline.export import ExportRequest, newest_model
    from fmnist_edge.pipeline.export import export as make

    check_json(json, force=force)
    progress = render.progress_display(quiet=quiet, verbose=verbose)
    source = _source(model) if model else newest_model(artifacts)
    request = ExportRequest(
        source=source,
        recipes=_recipes(source, format_ or [], precision or [], progress),
        out=out or _folder_of(source),
        force=force,
        choices=Choices(
            _batch(batch),
            _scores(scores),
            opset,
            calibration_method,
            metadata,
            "float32" if pixels == "float32" else "uint8",
        ),
        verify=_thoroughness(verify),
        max_drop=max_drop,
        calibration=calibration,
        calibration_samples=calibration_samples,
    )
    folder = dataset.locate(data_dir, progress=progress).path
    outcomes = []
    for outcome in make(request, folder, progress):
        outcomes.append(outcome)
        progress.say(_announcement(outcome))
    manifests = [each.manifest for each in outcomes if each.manifest]
    if json is None or not render.json_answer(manifests, json):
        _close(request, outcomes)
    _fail(outcomes)


def _source(model: Path) -> Path:
    """Return the main file of a model; a SavedModel is a folder."""
    inside = model / SAVED_MODEL_FILE
    return inside if inside.exists() else model


def _folder_of(source: Path) -> Path:
    return source.parent.parent if source.name == SAVED_MODEL_FILE else source.parent


def _recipes(
    source: Path, formats: list[str], precisions: list[str], progress: "Progress"
) -> tuple[Recipe, ...]:
    """Return the recipes that the user names, or else those that this machine can make."""
    from fmnist_edge.artifact import format_of
    from fmnist_edge.optional import install_command
    from fmnist_edge.pipeline.availability import available_recipes

    named = () if _ALL in formats else tuple(Format(each) for each in formats)
    chosen = select(named, tuple(Precision(each) for each in precisions))
    if named and precisions:
        return chosen
    can = available_recipes(chosen, format_of(source))
    for extras, names in can.left_out.items():
        command = install_command(*extras.split(","))
        progress.say(f"Left out: {', '.join(names)}. Add them with: {command}")
    return can.recipes


def _batch(given: str) -> int | None:
    if given == _OPEN:
        return None
    if not given.isdecimal() or int(given) < 1:
        raise typer.BadParameter(f"{given!r} is no batch size; give a number or {_OPEN}.")
    return int(given)


def _scores(given: str) -> ScoreKind:
    return "logits" if given == "logits" else "probabilities"


def _thoroughness(given: str) -> Literal["full", "fast", "none"]:
    return "none" if given == "none" else "fast" if given == "fast" else "full"


def _announcement(outcome: "Outcome") -> str:
    if outcome.failure is not None:
        return f"{outcome.recipe.name} failed: {outcome.failure.message}"
    if outcome.manifest is None or outcome.manifest.parity is None:
        return f"{outcome.path}: not compared with its parent."
    parity = outcome.manifest.parity
    return (
        f"{outcome.path}: {outcome.manifest.size_bytes / 1000:,.1f} kB; "
        f"{parity.agreement:.1%} of {parity.images:,} images get the parent's label, "
        f"scores differ by {parity.max_abs_difference:.2g} at most ({parity.runtime})."
    )


def _close(request: "ExportRequest", outcomes: "list[Outcome]") -> None:
    from fmnist_edge.artifact import display_name
    from fmnist_edge.report.exports import Made, exports_table

    made = [
        Made(display_name(each.path), each.manifest, each.nanoseconds / 1e9)
        for each in outcomes
        if each.path and each.manifest
    ]
    render.table(exports_table(made))
    render.line(f"{len(made)} artifacts in {request.out}, made from {request.source}.")


def _fail(outcomes: "list[Outcome]") -> None:
    failures = [each.failure for each in outcomes if each.failure]
    if failures:
        for failure in failures[:-1]:
            render.failure(failure)
        raise failures[-1]
