"""`fmnist-edge bench`: measure artifacts on runtimes."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fmnist_edge_cli import render
from fmnist_edge_cli.options import ARTIFACTS, ArtifactsOption, DataDirOption, finite, numbers

if TYPE_CHECKING:
    from fmnist_edge.result import Run


def bench(
    models: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="MODEL", help="Files or folders to measure; all artifacts by default."
        ),
    ] = None,
    artifacts: ArtifactsOption = ARTIFACTS,
    runtime: Annotated[
        list[str] | None,
        typer.Option("--runtime", metavar="NAME", help="Use this runtime only (repeatable)."),
    ] = None,
    protocol: Annotated[
        str | None,
        typer.Option(
            "--protocol",
            metavar="NAME",
            help="Set the length: standard, quick, tiny-like, mobile-like, edge-like or smoke.",
            show_default="standard",
        ),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Measure for about half a minute (--protocol quick).")
    ] = False,
    processes: Annotated[
        int | None,
        typer.Option(
            "--processes",
            min=1,
            help="Start this many processes per row.",
            show_default="protocol's",
        ),
    ] = None,
    threads: Annotated[
        list[str] | None,
        typer.Option(
            "--threads",
            metavar="N[,N...]",
            help="Use this many threads; each count makes rows of its own.",
            show_default="1",
        ),
    ] = None,
    batch: Annotated[
        int, typer.Option("--batch", min=1, help="Pass this many images per inference.")
    ] = 1,
    rate: Annotated[
        float | None,
        typer.Option(
            "--rate",
            callback=finite,
            min=0.1,
            max=10_000,
            metavar="HZ",
            help="Make this many calls per second in the paced regime.",
            show_default="30",
        ),
    ] = None,
    pin: Annotated[
        str | None,
        typer.Option(
            "--pin", metavar="CPU[,CPU...]", help="Run the measured processes on these CPUs only."
        ),
    ] = None,
    native: Annotated[
        bool,
        typer.Option("--native", help="Call the runtimes from C as well (needs a C compiler)."),
    ] = False,
    energy: Annotated[
        float | None,
        typer.Option(
            "--energy",
            callback=finite,
            min=1.0,
            max=3_600,
            metavar="SECONDS",
            help="Measure energy as well, for this many seconds per row.",
        ),
    ] = None,
    limit: Annotated[
        float | None,
        typer.Option(
            "--limit",
            callback=finite,
            min=0.1,
            max=86_400,
            metavar="SECONDS",
            help="Give up a measuring process that does not answer for this long.",
            show_default="protocol's",
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", help="Set the seed of the order of processes and turns.")
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            metavar="FILE.npz",
            help="Measure on your own images, and labels if there are any.",
        ),
    ] = None,
    replay: Annotated[
        Path | None,
        typer.Option(
            "--replay", metavar="RESULT.json", help="Repeat the measurement of an earlier result."
        ),
    ] = None,
    json: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the result to this file.")
    ] = None,
    data_dir: DataDirOption = None,
) -> None:
    """Measure accuracy and latency of model files.

    Every file is measured on every runtime that opens it, in fresh processes that import only
    their runtime and take turns. A row that fails says why, the other rows are measured, and the
    exit code is 90. Any .tflite, .onnx, .xml, .keras or SavedModel with one input and one output
    can be measured.

    \b
    Examples:
      fmnist-edge bench
      fmnist-edge bench --quick
      fmnist-edge bench artifacts/default-int8.tflite --threads 1,2 --json result.json
      fmnist-edge bench my.tflite my.onnx --data my-images.npz
      fmnist-edge bench --replay result.json --json again.json
    """
    from fmnist_edge.bench import protocols
    from fmnist_edge.files import check_room
    from fmnist_edge.pipeline import bench as pipeline

    if json is not None:
        check_room(json)
    progress = render.progress_display()
    if replay is not None:
        _refuse_beside_replay(
            *(models, runtime, protocol, quick, processes, threads, batch != 1, rate, pin, native),
            *(energy, limit, seed is not None, data),
        )
        plan, settings, data = pipeline.replay(replay)
    else:
        named = _protocol(protocol, quick=quick)
        counts = numbers("--threads", threads or ["1"], least=1)
        settings = protocols.get(
            named,
            processes=processes,
            limit_seconds=limit,
            paced_hz=rate,
            energy_seconds=energy,
            seed=seed,
            pin=numbers("--pin", [pin], least=0) if pin is not None else None,
        )
        plan = pipeline.plan(
            pipeline.model_files(models or (), artifacts),
            settings,
            runtimes_named=tuple(runtime or ()),
            threads=counts,
            batch=batch,
            native=native,
        )
    images = pipeline.find_data(plan, data, data_dir, progress)
    run = pipeline.bench(pipeline.BenchRequest(plan, settings, images), progress)
    _keep_and_show(run, json)
    _conclude(run)


def _refuse_beside_replay(*others: object) -> None:
    """Refuse options beside --replay, which takes everything from the result.

    Raises:
        UsageError: One of the other options was given.
    """
    from fmnist_edge.errors import UsageError

    if any(others):
        raise UsageError(
            "--replay measures what the result names, as it was measured; only --json and "
            "--data-dir can be combined with it.",
            hint="Leave out the other options, or measure without --replay.",
        )


def _protocol(named: str | None, *, quick: bool) -> str:
    """Return the name of the protocol to measure with.

    Raises:
        UsageError: `--quick` was given, and another protocol is named.
    """
    from fmnist_edge.bench import protocols
    from fmnist_edge.errors import UsageError

    if quick and named not in {None, "quick"}:
        raise UsageError(f"--quick and --protocol {named} contradict each other.")
    return "quick" if quick else named or protocols.DEFAULT


def _keep_and_show(run: "Run", file: Path | None) -> None:
    from fmnist_edge.result import write_run

    try:  # a full disk must not keep the table off the screen
        if file is not None:
            write_run(file, run)
    finally:
        render.benchmark(run)


def _conclude(run: "Run") -> None:
    """Set the exit code.

    Raises:
        UsageError: Nothing was measured.
        RowsFailedError: A row failed.
    """
    from fmnist_edge.errors import RowsFailedError, UsageError

    if not run.rows:
        raise UsageError("Nothing could be measured.", hint="The lines above say why.")
    failed = sum(row.failure is not None for row in run.rows)
    if failed:
        raise RowsFailedError(f"{failed} of {len(run.rows)} rows failed.")
