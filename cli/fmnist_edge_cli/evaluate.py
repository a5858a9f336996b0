"""`fmnist-edge evaluate`: look closely at one model."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, cast

import typer

from fmnist_edge.artifact import SAVED_MODEL_FILE
from fmnist_edge_cli import render
from fmnist_edge_cli.options import DataDirOption, ForceOption, JsonFlag, choice

if TYPE_CHECKING:
    from fmnist_edge.evaluation.record import SplitName

__all__ = ["evaluate"]

# `SplitName`, whose module needs NumPy: `--help` does not.
_SPLITS: Final = ("test", "validation", "train")


def evaluate(
    artifact: Annotated[
        Path,
        typer.Argument(
            metavar="ARTIFACT", help="A model file of any kind, or a SavedModel folder."
        ),
    ],
    split: Annotated[str, choice("--split", _SPLITS, "Which images.")] = "test",
    runtime: Annotated[
        str | None,
        typer.Option(
            "--runtime",
            metavar="NAME",
            help="What computes it.",
            show_default="the first that opens it",
        ),
    ] = None,
    threads: Annotated[int, typer.Option("--threads", min=1, help="Threads of one inference.")] = 1,
    batch: Annotated[
        int | None,
        typer.Option("--batch", min=1, help="Images per inference.", show_default="the file's"),
    ] = None,
    worst: Annotated[
        int, typer.Option("--worst", min=0, max=1_000, help="How many wrong answers to show.")
    ] = 20,
    plots: Annotated[
        Path | None,
        typer.Option("--plots", metavar="DIR", help="Also draw figures there, as PNG and SVG."),
    ] = None,
    data_dir: DataDirOption = None,
    force: ForceOption = False,
    json: JsonFlag = False,
) -> None:
    """Tell how good a model is, where it errs, and whether it knows how sure it may be.

    Accuracy with its interval, cross-entropy, calibration, precision and recall of each class, the
    confusion matrix, and the wrong answers that it is surest of.

    \b
    Examples:
      fmnist-edge evaluate artifacts/default.keras
      fmnist-edge evaluate artifacts/default-int8.tflite --plots figures
      fmnist-edge evaluate someones.onnx --split validation --worst 50
      fmnist-edge evaluate artifacts/default-float32.npz --json
    """
    from fmnist_edge import dataset
    from fmnist_edge.pipeline import evaluating

    progress = render.progress_display()
    if plots is not None:
        evaluating.check_plots(plots, force=force)
    request = evaluating.EvaluateRequest(
        _source(artifact), cast("SplitName", split), runtime, threads, batch, worst
    )
    folder = dataset.locate(data_dir, progress=progress).path
    done = evaluating.evaluate(request, folder, progress)
    written = evaluating.draw(done, plots, progress) if plots is not None else ()
    if json:
        render.json_text(done.evaluation)
    else:
        render.evaluation(done)
    if written:
        render.warning(f"Drawn: {', '.join(map(str, written))}.")


def _source(artifact: Path) -> Path:
    """The main file of what the user named: a SavedModel is a folder."""
    inside = artifact / SAVED_MODEL_FILE
    return inside if inside.exists() else artifact
