"""`fmnist-edge evaluate`: accuracy, calibration and mistakes of one model."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, cast

import typer

from fmnist_edge_cli import render
from fmnist_edge_cli.options import (
    DataDirOption,
    ForceOption,
    JsonOption,
    QuietOption,
    VerboseOption,
    check_json,
    choice,
    main_file,
)

if TYPE_CHECKING:
    from fmnist_edge.evaluation.record import SplitName

# The values of `SplitName`, whose module imports NumPy, which `--help` does without.
_SPLITS: Final = ("test", "validation", "train")


def evaluate(
    artifact: Annotated[
        Path,
        typer.Argument(
            metavar="ARTIFACT",
            help="A model file of any kind, a SavedModel folder, or a model in a bundle.",
        ),
    ],
    split: Annotated[
        str, choice("--split", _SPLITS, "Evaluate on the images of this split.")
    ] = "test",
    runtime: Annotated[
        str | None,
        typer.Option(
            "--runtime",
            metavar="NAME",
            help="Run the model on this runtime.",
            show_default="the first that opens it",
        ),
    ] = None,
    threads: Annotated[
        int, typer.Option("--threads", min=1, help="Use this many threads per inference.")
    ] = 1,
    batch: Annotated[
        int | None,
        typer.Option(
            "--batch", min=1, help="Pass this many images per inference.", show_default="the file's"
        ),
    ] = None,
    worst: Annotated[
        int, typer.Option("--worst", min=0, max=1_000, help="Show this many wrong answers.")
    ] = 20,
    plots: Annotated[
        Path | None,
        typer.Option(
            "--plots", metavar="DIR", help="Write figures to this folder, as PNG and SVG."
        ),
    ] = None,
    data_dir: DataDirOption = None,
    force: ForceOption = False,
    json: JsonOption = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Evaluate the accuracy, the calibration and the mistakes of a model.

    The output has accuracy with its interval, cross-entropy, calibration error, precision and
    recall of each class, the confusion matrix, and the wrong answers with the highest confidence.

    \b
    Examples:
      fmnist-edge evaluate artifacts/default.keras
      fmnist-edge evaluate artifacts/default-int8.tflite --plots figures
      fmnist-edge evaluate someones.onnx --split validation --worst 50
      fmnist-edge evaluate artifacts/default-float32.npz --json -
      fmnist-edge evaluate garments.zip/models/default-int8.tflite
    """
    from fmnist_edge.pipeline import evaluate as pipeline
    from fmnist_edge.pipeline.sources import locate_data

    check_json(json, force=force)
    progress = render.progress_display(quiet=quiet, verbose=verbose)
    if plots is not None:
        pipeline.check_plots(plots, force=force)
    name = cast("SplitName", split)
    model = main_file(artifact)
    request = pipeline.EvaluateRequest(model, name, runtime, threads, batch, worst)
    files = pipeline.files_needed(name)
    folder = locate_data([model], data_dir, files=files, progress=progress).path
    done = pipeline.evaluate(request, folder, progress)
    written = pipeline.draw(done, plots, progress) if plots is not None else ()
    if json is None or not render.json_answer(done.evaluation, json):
        render.evaluation(done)
    if written and not quiet:
        render.warning(f"Figures written: {', '.join(map(str, written))}.")
