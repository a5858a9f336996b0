"""Runs MLPerf's LoadGen in its scenario SingleStream."""

import re
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.optional import require

# So few inputs that they stay in the CPU's cache: LoadGen draws them at random, our loop in turn.
INPUTS: Final = 8


@dataclass(frozen=True)
class Stream:
    """LoadGen's result of one SingleStream test.

    Args:
        p50: The median latency in nanoseconds.
        p90: The early-stopping estimate of the 90th percentile in nanoseconds, or None.
        p99: The same for the 99th percentile.
        discarded: The number of slowest calls that LoadGen discards for `p90`, or None.
        latencies: uint64[queries] nanoseconds in the order of the calls; empty without a trace.
    """

    p50: int
    p90: int | None
    p99: int | None
    discarded: int | None
    latencies: NDArray[np.uint64]


def single_stream(call: Callable[[int], object], queries: int, *, trace: bool = False) -> Stream:
    """Let LoadGen make exactly `queries` calls, each after the answer to the one before.

    Args:
        call: Runs inference on the input with the given number, 0 to 7.
        queries: The number of calls.
        trace: Whether to keep every latency; LoadGen then writes more while it measures.
    """
    lg = require("mlperf_loadgen", extra="dev")

    def issue(samples: Sequence[Any]) -> None:
        for sample in samples:
            call(sample.index)
            lg.QuerySamplesComplete([lg.QuerySampleResponse(sample.id, 0, 0)])

    settings = lg.TestSettings()
    settings.scenario, settings.mode = lg.TestScenario.SingleStream, lg.TestMode.PerformanceOnly
    settings.single_stream_target_latency_percentile = 0.9  # a share; 90 crashes LoadGen
    settings.min_query_count = settings.max_query_count = queries
    settings.min_duration_ms = 0
    sut = lg.ConstructSUT(issue, lambda: None)
    library = lg.ConstructQSL(INPUTS, INPUTS, lambda _: None, lambda _: None)
    try:
        with tempfile.TemporaryDirectory() as folder:
            logs = lg.LogSettings()
            logs.enable_trace, output = trace, lg.LogOutputSettings()
            output.outdir, output.copy_summary_to_stdout = folder, False
            logs.log_output = output
            lg.StartTestWithLogSettings(sut, library, settings, logs)
            summary = (Path(folder) / "mlperf_log_summary.txt").read_text()
            traced = (Path(folder) / "mlperf_log_trace.json").read_text()
    finally:
        lg.DestroyQSL(library)
        lg.DestroySUT(sut)
    p50 = _number(r"50\.00 percentile latency \(ns\) *: (\d+)", summary)
    if p50 is None:
        raise ValueError(f"LoadGen's summary has no median: {summary}")
    return Stream(
        p50,
        _number(r"stopping 90\.0th percentile estimate: (\d+)", summary),
        _number(r"stopping 99\.0th percentile estimate: (\d+)", summary),
        _number(r"discard (\d+) highest latency queries", summary),
        np.array(re.findall(r'"complete_ns":(\d+)', traced), np.uint64),
    )


def _number(pattern: str, text: str) -> int | None:
    found = re.search(pattern, text)
    return int(found[1]) if found else None
