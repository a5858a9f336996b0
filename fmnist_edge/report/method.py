"""How a run was measured, in words."""

from collections.abc import Iterable, Iterator

from fmnist_edge.report.numbers import counted, listed
from fmnist_edge.result import Run


def method(run: Run) -> tuple[str, ...]:
    """Return paragraphs about the protocol as it was really used."""
    return _what(run), _processes(run), " ".join(_regimes(run)), _words(run)


def _what(run: Run) -> str:
    revision = f" (revision {run.revision})" if run.revision else ""
    return (
        f"Measured {run.created} by fmnist-edge {run.version}{revision}, protocol "
        f"`{run.settings.protocol}`, in {run.wall_seconds:.0f} s. {_data(run)}"
    )


def _data(run: Run) -> str:
    sources = {each.inputs.source for row in run.rows for each in row.measurements}
    told = {
        "fashion-mnist": f"the test images of Fashion-MNIST (sha256 {run.data_sha256[:12]})",
        "file": f"the images of {run.own_data.path}" if run.own_data else "the user's images",
        "synthetic": "noise from a seed, for models that take something else than these images",
    }
    named = [text for source, text in told.items() if source in sources]
    return f"The models were fed {' and '.join(named)}." if named else ""


def _processes(run: Run) -> str:
    settings = run.settings
    held = (
        f" All were held to the CPUs {listed([*map(str, settings.pin)], len(settings.pin))}."
        if settings.pin
        else ""
    )
    return (
        "Every row was measured in "
        f"{counted(run.rounds, 'fresh process')}, each importing only "
        "its runtime. Up to "
        f"{counted(settings.together, 'process')} of different rows lived at the same "
        "time and took turns in shuffled order, one running at a time, so that what slows the "
        f"machine down for a while slows all rows down alike.{held}"
    )


def _regimes(run: Run) -> Iterator[str]:
    settings = run.settings
    threads = _each((row.case.threads for row in run.rows), "thread")
    batch = _each((row.case.batch for row in run.rows), "image")
    yield (
        f"*Back to back*: {counted(settings.warmup_calls, 'call')} to warm up, kept apart, then "
        f"turns of {settings.turn_seconds:g} s with {batch} per call on {threads}, at "
        f"least {settings.min_seconds:g} s and {settings.min_samples} samples per process (at most "
        f"{settings.max_samples:,} are kept), over {settings.distinct_images} different images."
    )
    if settings.paced_samples:
        yield (
            f"*Paced*: {counted(settings.paced_samples, 'call')} per process at "
            f"{settings.paced_hz:g} per second, as a camera makes them, timed from the moment the "
            "image was due."
        )
    yield "*Cold*: starting the process, importing the runtime, loading the model, the first call."
    yield (
        f"Throughput was counted over {settings.throughput_seconds:g} s per process at "
        f"{settings.throughput_batch} images per call."
    )
    if settings.energy_seconds:
        yield f"Energy was measured on its own, for {settings.energy_seconds:g} s per row."
    if settings.sustain_seconds:
        rate = settings.sustain_hz
        how = f"at {rate:g} calls per second" if rate else "one call after the other"
        yield (
            f"*Sustained*: after all that, {how} for {settings.sustain_seconds:g} s per row, in "
            "turns long enough to heat the machine, the first ones of 5 s."
        )


def _words(run: Run) -> str:
    names = {row.case.runtime for row in run.rows}
    baseline = (
        " `null` does nothing: its row is what the harness adds to every other. The model in "
        "parentheses is a network of fixed size in plain NumPy, the same in every run: what such "
        "arithmetic costs without an inference engine."
    )
    return (
        "A latency is inference alone, from a prepared input to an output the caller can read; "
        "*from image to label* tells what comes before and after. p50 is the mean of the "
        "processes' medians, ± half of its 95 % interval. Other percentiles are upper bounds that "
        "hold with 99 % confidence; where there are too few samples for one, none is given. No "
        "sample is left out as an outlier. RSS is the memory of the whole measuring process, the "
        f"largest of the row's processes.{baseline if 'null' in names else ''}"
    )


def _each(numbers: Iterable[int], what: str) -> str:
    *others, last = sorted(set(numbers)) or [0]
    return " or ".join((*map(str, others), counted(last, what)))
