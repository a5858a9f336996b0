"""`fmnist-edge export`: convert a trained model."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fmnist_edge.artifact import Format, Precision
from fmnist_edge.recipes import RECIPES, select
from fmnist_edge_cli import render
from fmnist_edge_cli.options import (
    ARTIFACTS,
    ArtifactsOption,
    DataDirOption,
    ForceOption,
    JsonFlag,
    choice,
)

if TYPE_CHECKING:
    from fmnist_edge.pipeline.exporting import Exported

__all__ = ["export"]


def export(
    model: Annotated[
        Path | None,
        typer.Argument(
            metavar="MODEL.keras", help="What to convert; the newest trained model if left out."
        ),
    ] = None,
    format_: Annotated[
        list[str] | None,
        choice(
            "--format",
            (recipe.format for recipe in RECIPES.values()),
            "What to make (repeatable; all if left out).",
        ),
    ] = None,
    precision: Annotated[
        list[str] | None,
        choice(
            "--precision",
            (recipe.precision for recipe in RECIPES.values()),
            "What it computes in (repeatable; all of the format if left out).",
        ),
    ] = None,
    artifacts: ArtifactsOption = ARTIFACTS,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="DIR", help="Where to write.", show_default="beside the model"
        ),
    ] = None,
    data_dir: DataDirOption = None,
    force: ForceOption = False,
    json: JsonFlag = False,
) -> None:
    """Convert a trained model to files for a device.

    Each file is opened in its own runtime and compared with Keras on 1,000 images that training
    did not see, before it is written.

    \b
    Examples:
      fmnist-edge export
      fmnist-edge export --format tflite
      fmnist-edge export artifacts/default.keras --format onnx --precision int8
    """
    from fmnist_edge import dataset
    from fmnist_edge.pipeline.exporting import ExportRequest, newest_model
    from fmnist_edge.pipeline.exporting import export as export_files

    chosen = select(
        tuple(Format(each) for each in format_ or ()),
        tuple(Precision(each) for each in precision or ()),
    )
    source = model or newest_model(artifacts)
    request = ExportRequest(source, chosen, out or source.parent, force)
    progress = render.progress_display()
    folder = dataset.locate(data_dir, progress=progress).path
    made = []
    for exported in export_files(request, folder, progress):
        made.append(exported.manifest)
        progress.say(_announcement(exported))
    if json:
        render.json_text(made)
    else:
        render.line(f"{len(made)} files in {request.out}, made from {source}.")


def _announcement(exported: "Exported") -> str:
    parity = exported.parity
    return (
        f"{exported.path}: {exported.manifest.size_bytes / 1000:,.1f} kB; "
        f"{parity.agreement:.1%} of {parity.images:,} held-back images get Keras's label, "
        f"scores differ by {parity.max_abs_difference:.2g} at most ({parity.runtime})."
    )
