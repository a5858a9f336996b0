"""`fmnist-edge bundle`: models and test images in one file."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fmnist_edge_cli import render
from fmnist_edge_cli.options import (
    ARTIFACTS,
    STDOUT,
    ArtifactsOption,
    DataDirOption,
    ForceOption,
    JsonOption,
    QuietOption,
    VerboseOption,
    check_json,
)

if TYPE_CHECKING:
    from fmnist_edge.bundle import BundleIndex


def bundle(
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="FILE.zip", help="Write the bundle to this file.")
    ],
    models: Annotated[
        list[Path] | None,
        typer.Argument(metavar="MODEL", help="Files or folders to pack; all artifacts by default."),
    ] = None,
    artifacts: ArtifactsOption = ARTIFACTS,
    no_data: Annotated[
        bool, typer.Option("--no-data", help="Leave out the test images of Fashion-MNIST.")
    ] = False,
    data_dir: DataDirOption = None,
    force: ForceOption = False,
    json: JsonOption = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Pack models and test images into one file.

    Each model goes in with its manifest and whatever else belongs to it. bench and evaluate use
    the bundle as it is, on any machine, without the data set there. The same models give the same
    bytes each time, and every file in it is checked by its SHA-256 before it is used.

    \b
    Examples:
      fmnist-edge bundle -o garments.zip
      fmnist-edge bundle artifacts/reference -o reference.zip
      fmnist-edge bundle a.tflite b.onnx -o two.zip --no-data
    """
    from fmnist_edge.bundle import DATA_FILES, check_destination, write_bundle
    from fmnist_edge.pipeline.sources import locate_data, model_files

    check_json(json, force=force)
    check_destination(out, replace=force)
    progress = render.progress_display(quiet=quiet, verbose=verbose)
    files = model_files(models or (), artifacts)
    data = None
    if not no_data:
        data = locate_data(files, data_dir, files=DATA_FILES, progress=progress).path
    index = write_bundle(files, out, data=data, replace=force)
    if json is not None:
        render.json_answer(index, json)
    if json != STDOUT:
        _show(index, out)


def _show(index: "BundleIndex", out: Path) -> None:
    from fmnist_edge.files import sha256_of
    from fmnist_edge.report.bundle import bundle_table, bundle_text

    written = out.read_bytes()
    render.table(bundle_table(index))
    for text in bundle_text(index, str(out), len(written), sha256_of(written)):
        render.line(text)
