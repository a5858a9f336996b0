"""`fmnist-edge bench`: measure artifacts on runtimes."""

from pathlib import Path
from typing import Annotated

import typer

from fmnist_edge_cli import render
from fmnist_edge_cli.options import ARTIFACTS, ArtifactsOption, DataDirOption

__all__ = ["bench"]


def bench(
    models: Annotated[
        list[Path] | None,
        typer.Argument(metavar="MODEL", help="Files or folders; every artifact if left out."),
    ] = None,
    artifacts: ArtifactsOption = ARTIFACTS,
    runtime: Annotated[
        list[str] | None,
        typer.Option("--runtime", metavar="NAME", help="Only this one (repeatable)."),
    ] = None,
    protocol: Annotated[
        str, typer.Option("--protocol", metavar="NAME", help="How long to measure: quick, smoke.")
    ] = "quick",
    processes: Annotated[
        int | None,
        typer.Option("--processes", min=1, help="Processes per row.", show_default="protocol's"),
    ] = None,
    threads: Annotated[
        list[int] | None,
        typer.Option(
            "--threads", min=1, help="Threads (repeatable: a row each).", show_default="1"
        ),
    ] = None,
    batch: Annotated[int, typer.Option("--batch", min=1, help="Images per inference.")] = 1,
    limit: Annotated[
        float | None,
        typer.Option(
            "--limit",
            min=0.1,
            metavar="SECONDS",
            help="When a measuring process counts as hung.",
            show_default="protocol's",
        ),
    ] = None,
    json: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Keep everything measured.")
    ] = None,
    data_dir: DataDirOption = None,
) -> None:
    """Measure accuracy and latency of model files.

    Every file is measured on every runtime that opens it, in fresh processes that import only
    their runtime. A row that fails says why,
    the others stand, and the exit code is 90.

    \b
    Examples:
      fmnist-edge bench
      fmnist-edge bench artifacts/default-int8.tflite --threads 1 --threads 2
      fmnist-edge bench --json result.json
    """
    from fmnist_edge import dataset
    from fmnist_edge.bench import protocols
    from fmnist_edge.errors import RowsFailedError
    from fmnist_edge.pipeline import benching
    from fmnist_edge.result import write_run

    progress = render.progress_display()
    request = benching.BenchRequest(
        files=benching.model_files(models or (), artifacts),
        settings=protocols.get(protocol, processes=processes, limit_seconds=limit),
        runtimes=tuple(runtime or ()),
        threads=tuple(dict.fromkeys(threads or (1,))),
        batch=batch,
    )
    run = benching.bench(request, dataset.locate(data_dir, progress=progress).path, progress)
    if json is not None:
        write_run(json, run)
    render.benchmark(run)
    failed = sum(row.failure is not None for row in run.rows)
    if failed:
        raise RowsFailedError(f"{failed} of {len(run.rows)} rows failed; the others stand.")
