"""`fmnist-edge bench`: measure artifacts on runtimes."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fmnist_edge_cli import bench_hosts, bench_plan, render
from fmnist_edge_cli.host_options import (
    AttachFlag,
    CollectFlag,
    DetachFlag,
    HostNameOption,
    HostOption,
    ReconnectOption,
    RemotePythonOption,
    SshConfigOption,
    StopFlag,
    WheelsOption,
)
from fmnist_edge_cli.options import (
    ARTIFACTS,
    STDOUT,
    ArtifactsOption,
    ColumnsOption,
    DataDirOption,
    EnvironmentOption,
    ForceOption,
    JsonOption,
    QuietOption,
    SustainOption,
    VerboseOption,
    WideFlag,
    check_json,
    column_names,
    finite,
    limit_option,
    numbers,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fmnist_edge.pipeline.bench_request import BenchRequest
    from fmnist_edge.progress import Progress
    from fmnist_edge.result import Row, Run, Skipped


def _runtimes() -> list[str]:
    """Return the names that a shell completes; what they come from is not imported before."""
    from fmnist_edge import runtimes

    return list(runtimes.RUNTIMES)


def _devices() -> list[str]:
    from fmnist_edge.devices import DEVICES

    return ["all", *DEVICES]


def _protocols() -> list[str]:
    from fmnist_edge.bench import protocols

    return list(protocols.PROTOCOLS)


def bench(
    context: typer.Context,
    models: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="MODEL",
            help="Files, folders or bundles to measure; all artifacts by default.",
        ),
    ] = None,
    artifacts: ArtifactsOption = ARTIFACTS,
    runtime: Annotated[
        list[str] | None,
        typer.Option(
            "--runtime",
            metavar="NAME",
            help="Use this runtime only (repeatable).",
            autocompletion=_runtimes,
        ),
    ] = None,
    protocol: Annotated[
        str | None,
        typer.Option(
            "--protocol",
            metavar="NAME",
            help="Set the length: standard, quick, tiny-like, mobile-like, edge-like or smoke.",
            autocompletion=_protocols,
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
        list[str] | None,
        typer.Option(
            "--batch",
            metavar="N[,N...]",
            help="Pass this many images per inference; each number makes rows of its own.",
            show_default="1",
        ),
    ] = None,
    device: Annotated[
        list[str] | None,
        typer.Option(
            "--device",
            metavar="NAME",
            help="Run on this device (repeatable; all for what can be used here).",
            autocompletion=_devices,
            show_default="cpu",
        ),
    ] = None,
    environment: EnvironmentOption = None,
    fast_math: Annotated[
        bool,
        typer.Option(
            "--fast-math",
            help="Let other devices than the CPU compute in a shorter type than the file's.",
        ),
    ] = False,
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
    sustain: SustainOption = None,
    limit: Annotated[float | None, limit_option("a measuring process", "protocol's")] = None,
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
    resume: Annotated[
        Path | None,
        typer.Option(
            "--resume",
            metavar="RESULT.json",
            help="Go on with a benchmark that was interrupted, and complete its result.",
        ),
    ] = None,
    together: Annotated[
        int | None,
        typer.Option(
            "--together",
            min=1,
            max=64,
            help="Let at most this many measuring processes live at the same time.",
            show_default="16, or what fits in half of the available memory",
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="List what would be measured and how long that takes."),
    ] = False,
    wide: WideFlag = False,
    columns: ColumnsOption = None,
    json: JsonOption = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    force: ForceOption = False,
    data_dir: DataDirOption = None,
    host: HostOption = None,
    attach: AttachFlag = False,
    detach: DetachFlag = False,
    collect: CollectFlag = False,
    stop: StopFlag = False,
    wheels: WheelsOption = None,
    remote_python: RemotePythonOption = "",
    ssh_config: SshConfigOption = None,  # noqa: ARG001 - as the next one
    reconnect: ReconnectOption = 300.0,  # noqa: ARG001 - bench_hosts reads it from the context
    host_name: HostNameOption = "",
) -> None:
    """Measure accuracy and latency of model files.

    Every file is measured on every runtime that opens it, in fresh processes that import only
    their runtime and take turns. Every file is opened once on every runtime before anything is
    measured. A row that fails says why, the other rows are measured, and the exit code is 90. Any
    .tflite, .onnx, .xml, .keras or SavedModel with one input and one output can be measured.

    \b
    Examples:
      fmnist-edge bench
      fmnist-edge bench --quick
      fmnist-edge bench artifacts/default-int8.tflite --threads 1,2 --json result.json
      fmnist-edge bench my.tflite my.onnx --data my-images.npz
      fmnist-edge bench yours/ --dry-run
      fmnist-edge bench garments.zip
      fmnist-edge bench --device cpu --device webgpu
      fmnist-edge bench --environment . --environment older
      fmnist-edge bench --replay result.json --json again.json
      fmnist-edge bench --resume result.json
      fmnist-edge bench --host pi@raspberrypi.local --host laptop garments.zip
      fmnist-edge bench a.tflite b.onnx --sustain 10m
    """
    if host or attach or detach or collect or stop or wheels or remote_python:
        bench_hosts.bench(context)
        return

    from fmnist_edge import runtimes
    from fmnist_edge.bench import protocols
    from fmnist_edge.devices import CPU
    from fmnist_edge.pipeline import bench as pipeline
    from fmnist_edge.pipeline import bench_request
    from fmnist_edge.pipeline.devices import devices_to_use
    from fmnist_edge.pipeline.environments import find_environments
    from fmnist_edge.pipeline.sources import model_files

    others = (
        *(models, runtime, protocol, quick, processes, threads, batch, rate, pin, native),
        *(energy, sustain, limit, seed is not None, together, data, device, fast_math, environment),
    )
    shown = column_names(columns, wide=wide)
    progress = render.progress_display(quiet=quiet, verbose=verbose)
    if resume is not None:
        _refuse_beside("--resume", *others, replay, json)
        request, json = bench_request.resume(resume), resume
    elif replay is not None:
        _refuse_beside("--replay", *others)
        request = bench_request.replay(replay)
    else:
        settings = protocols.get(
            _protocol(protocol, quick=quick),
            processes=processes,
            together=together,
            limit_seconds=limit,
            paced_hz=rate,
            energy_seconds=energy,
            sustain_seconds=sustain,
            sustain_hz=rate if sustain else None,
            seed=seed,
            pin=numbers("--pin", [pin], least=0) if pin is not None else None,
        )
        counts = numbers("--threads", threads or ["1"], least=1)
        used = find_environments(environment or ())
        devices, usable = devices_to_use(
            device or (CPU,),
            environments=used,
            runtimes={name: runtimes.get(name) for name in runtime or runtimes.RUNTIMES},
            progress=progress,
        )
        plan = bench_request.plan(
            model_files(models or (), artifacts),
            settings,
            runtimes_named=tuple(runtime or ()),
            threads=counts,
            batches=numbers("--batch", batch or ["1"], least=1),
            devices=devices,
            usable=usable,
            fast_math=fast_math,
            native=native,
            environments=used,
        )
        others_used = bench_request.other_environments(used)
        request = bench_request.BenchRequest(
            plan,
            settings,
            command=bench_request.worker_commands(others_used),
            own_data=data,
            environments=others_used,
            host_name=host_name,
        )
    check_json(json, force=force or resume is not None)
    request = bench_request.find_data(request, data_dir, progress)
    request, expected = pipeline.prepare(request, progress)
    if not quiet:
        bench_plan.announce(request, expected)
    if dry_run:
        bench_plan.dry_run(request)
        if not request.plan.cases:
            _check_devices(request.plan.failed, request.plan.skipped)
        return
    file = None if json == STDOUT else json
    run = _measure(request, file, progress)
    if json != STDOUT:
        _keep_and_show(run, file, shown)
    else:
        render.json_answer(run, STDOUT)
    if not quiet:
        bench_plan.advise(run)
    conclude(run)


def _measure(request: "BenchRequest", file: Path | None, progress: "Progress") -> "Run":
    """Measure, and write what is known to `file` after each round.

    Raises:
        typer.Exit: The user pressed Ctrl-C; it was said what is kept.
    """
    from fmnist_edge.errors import INTERRUPTED_EXIT_CODE
    from fmnist_edge.pipeline import bench as pipeline
    from fmnist_edge.result import write_run

    finished = request.begun.rounds if request.begun is not None else 0

    def keep(run: "Run") -> None:
        nonlocal finished
        finished = run.rounds
        # A sustained load follows the last round.
        more = run.rounds < run.settings.processes or run.settings.sustain_seconds > 0
        if file is not None and more:
            write_run(file, run)

    try:
        return pipeline.bench(request, progress, keep)
    except KeyboardInterrupt as error:
        bench_plan.interrupted(finished, request.settings.processes, file)
        raise typer.Exit(INTERRUPTED_EXIT_CODE) from error


def _refuse_beside(flag: str, *others: object) -> None:
    """Refuse options beside one that takes everything from a result.

    Raises:
        UsageError: One of the other options was given.
    """
    from fmnist_edge.errors import UsageError

    if any(others):
        raise UsageError(
            f"{flag} measures what the result names, as it was measured there; the other options "
            "cannot be combined with it.",
            hint=f"Leave out the other options, or measure without {flag}.",
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


def _keep_and_show(run: "Run", file: Path | None, columns: "Sequence[str] | None") -> None:
    from fmnist_edge.result import write_run

    try:  # a full disk must not keep the table off the screen
        if file is not None:
            write_run(file, run)
    finally:
        if run.rows:
            render.first_screen(run, file, columns=columns)
        else:
            render.left_out(run)


def conclude(run: "Run") -> None:
    """Set the exit code of a benchmark that has come to its end.

    Raises:
        DeviceUnavailableError: Nothing was measured, because no device can be used.
        UsageError: Nothing was measured.
        RowsFailedError: A row failed.
    """
    from fmnist_edge.errors import RowsFailedError, UsageError

    _check_devices(run.rows, run.skipped)
    if not run.rows:
        raise UsageError("Nothing could be measured.", hint="The lines above say why.")
    failed = sum(row.failure is not None for row in run.rows)
    if failed:
        raise RowsFailedError(f"{failed} of {len(run.rows)} rows failed.")


def _check_devices(rows: "Sequence[Row]", skipped: "Sequence[Skipped]") -> None:
    """Refuse a benchmark in which no device could be used.

    Raises:
        DeviceUnavailableError: There is no row but those that failed for this reason, or none at
            all and no other reason.
    """
    from fmnist_edge.errors import DeviceUnavailableError

    unusable = [
        row.case.device
        for row in rows
        if row.failure is not None and row.failure.kind == DeviceUnavailableError.__name__
    ]
    unknown = [str(each.values["device"]) for each in skipped if each.code == "no-device"]
    others = [each for each in skipped if each.code == "not-installed"]
    if len(unusable) < len(rows) or not (unusable or (unknown and not others)):
        return
    raise DeviceUnavailableError(
        f"Nothing can be measured on {', '.join(dict.fromkeys((*unusable, *unknown)))}.",
        hint="What can be used here is shown by: fmnist-edge devices",
    )
