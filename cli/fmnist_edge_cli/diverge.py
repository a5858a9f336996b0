"""`fmnist-edge diverge`: where two answers to the same images part, and why."""

from pathlib import Path
from typing import Annotated

import typer

from fmnist_edge_cli import render
from fmnist_edge_cli.options import (
    DataDirOption,
    JsonOption,
    QuietOption,
    VerboseOption,
    check_json,
)


def diverge(
    a: Annotated[
        str,
        typer.Argument(
            metavar="A",
            help="A model file, FILE@RUNTIME, scores of predict --out, or a result of bench.",
        ),
    ],
    b: Annotated[str, typer.Argument(metavar="B", help="Another one of the same kind.")],
    images: Annotated[
        Path | None,
        typer.Option(
            "--images",
            metavar="FILE",
            help="Compare models on these images (.npz or IDX).",
            show_default="the test images of Fashion-MNIST",
        ),
    ] = None,
    threads: Annotated[
        int, typer.Option("--threads", min=1, help="Use this many threads per inference.")
    ] = 1,
    changes: Annotated[
        int,
        typer.Option(
            "--changes", min=0, max=1_000_000, help="Show this many images that change label."
        ),
    ] = 20,
    data_dir: DataDirOption = None,
    json: JsonOption = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Tell which images change label between two models, runtimes or machines, and why.

    Two model files are run here, layer by layer where they are TFLite, ONNX or npz; FILE@RUNTIME
    names the runtime, so that a file can be compared with itself on two of them. Score files and
    results hold the answers of two machines. docs/divergence.md has the rule of each cause.

    \b
    Examples:
      fmnist-edge diverge default-float32.tflite default-float32.onnx
      fmnist-edge diverge default-int8.tflite@litert default-int8.tflite@openvino
      fmnist-edge diverge laptop-scores.npz raspberry-pi-scores.npz
      fmnist-edge diverge laptop.json raspberry-pi.json --json -
    """
    from fmnist_edge.pipeline import diverge as pipeline

    check_json(json, force=False)
    progress = render.progress_display(quiet=quiet, verbose=verbose)
    request = pipeline.DivergeRequest(
        pipeline.operand(a), pipeline.operand(b), images, threads, changes
    )
    folder = pipeline.data_folder(request, data_dir, progress)
    found = pipeline.diverge(request, folder, progress)
    answer = found if request.a.kind == "result" else found[0]
    if json is None or not render.json_answer(answer, json):
        render.divergences(found)
