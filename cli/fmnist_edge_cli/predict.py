"""`fmnist-edge predict`: a label and probabilities for each image."""

from pathlib import Path
from typing import Annotated

import typer

from fmnist_edge import devices
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


def predict(
    artifact: Annotated[
        Path,
        typer.Option(
            "--artifact",
            metavar="FILE",
            help="The model: a file of any kind, a SavedModel folder, or a model in a bundle.",
        ),
    ],
    images: Annotated[
        Path | None,
        typer.Argument(
            metavar="IMAGES",
            help="An .npz file with an array called images, or an IDX file.",
            show_default="the test images of Fashion-MNIST",
        ),
    ] = None,
    runtime: Annotated[
        str | None,
        typer.Option(
            "--runtime",
            metavar="NAME",
            help="Run the model on this runtime.",
            show_default="the first that opens it",
        ),
    ] = None,
    device: Annotated[
        str, choice("--device", devices.DEVICES, "Compute on this device.")
    ] = devices.CPU,
    threads: Annotated[
        int, typer.Option("--threads", min=1, help="Use this many threads per inference.")
    ] = 1,
    batch: Annotated[
        int | None,
        typer.Option(
            "--batch", min=1, help="Pass this many images per inference.", show_default="the file's"
        ),
    ] = None,
    show: Annotated[
        int, typer.Option("--show", min=0, max=1_000_000, help="Show this many images.")
    ] = 10,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE.npz",
            help="Write the raw scores, and what made them, to this file.",
        ),
    ] = None,
    data_dir: DataDirOption = None,
    force: ForceOption = False,
    json: JsonOption = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Classify images: a label with probabilities for each.

    --json writes one line of JSON for each image. --out writes the raw scores of all images with
    the hash of the model, runtime, version and machine; diverge compares two such files.

    \b
    Examples:
      fmnist-edge predict --artifact artifacts/default-int8.tflite
      fmnist-edge predict images.npz --artifact artifacts/default-int8.tflite --json -
      fmnist-edge predict --artifact default-int8.tflite --runtime openvino --out scores.npz
    """
    from fmnist_edge.pipeline import images as reading
    from fmnist_edge.pipeline import predict as pipeline
    from fmnist_edge.pipeline.answering import RunOptions
    from fmnist_edge.pipeline.sources import locate_data
    from fmnist_edge.score_file import write_score_file

    check_json(json, force=force)
    if out is not None:
        pipeline.check_out(out, force=force)
    progress = render.progress_display(quiet=quiet, verbose=verbose)
    model = main_file(artifact)
    folder = None
    if files := reading.files_needed(images):
        folder = locate_data([model], data_dir, files=files, progress=progress).path
    options = RunOptions(runtime, threads, batch, device)
    request = pipeline.PredictRequest(model, images, options)
    done = pipeline.predict(request, folder, progress)
    if out is not None:
        write_score_file(out, done.content)
    if json is None or not render.json_lines(done.predictions(), json):
        render.predictions(done, show)
    if out is not None and not quiet:
        render.warning(f"Scores written: {out}.")
