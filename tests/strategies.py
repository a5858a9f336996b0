"""Hypothesis strategies for this project's records and for what may stand in their place."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from fmnist_edge.bench.messages import Job
from hypothesis import strategies as st

from fmnist_edge.artifact import (
    Calibration,
    Format,
    LayerFidelity,
    Manifest,
    PairedAccuracy,
    Parity,
    Precision,
    Quantization,
    TensorSpec,
    Training,
)
from fmnist_edge.result import (
    Accuracy,
    AgainstReference,
    Audit,
    BackToBack,
    Case,
    Cold,
    ColdStart,
    Energy,
    EnergyMeter,
    Failure,
    Footprint,
    Inputs,
    Interval,
    Latency,
    Measurement,
    Memory,
    OwnData,
    Paced,
    Percentile,
    Predictions,
    Reading,
    Reason,
    Row,
    RuleCheck,
    Run,
    Samples,
    Settings,
    Skipped,
    Stages,
    StageTimes,
    Subject,
    Throughput,
    Verdict,
)

texts = st.text(max_size=8)
whole = st.integers(0, 2**63)
reals = st.floats(allow_nan=False, allow_infinity=False)
shares = st.floats(0, 1)
sha256s = st.text("0123456789abcdef", min_size=64, max_size=64)
formats = st.sampled_from(Format)
precisions = st.sampled_from(Precision)


def _maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


def _few(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(strategy, max_size=3).map(tuple)


def _named(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Mapping[str, Any]]:
    return st.dictionaries(texts, strategy, max_size=2)


quantizations = st.builds(
    Quantization, scale=st.floats(1e-6, 1e6), zero_point=st.integers(-128, 255)
)
tensor_specs = st.builds(
    TensorSpec,
    name=texts,
    shape=_few(_maybe(st.integers(1, 100))),
    dtype=texts,
    quantization=_maybe(quantizations),
)
trainings = st.builds(
    Training,
    preset=texts,
    seed=whole,
    data_sha256=sha256s,
    batch_size=whole,
    epochs=whole,
    best_epoch=whole,
    history=_named(_few(reals)),
    validation_accuracy=shares,
    test_accuracy=shares,
)
manifests = st.builds(
    Manifest,
    file=st.from_regex(r"[a-z]{1,8}\.[a-z]{3,6}", fullmatch=True),
    format=formats,
    precision=precisions,
    sha256=sha256s,
    size_bytes=whole,
    created=texts,
    recipe=texts,
    labels=_few(texts),
    input=tensor_specs,
    output=tensor_specs,
    tools=_named(texts),
    scores=st.sampled_from(["probabilities", "logits"]),
    companions=st.dictionaries(
        st.from_regex(r"[a-z]{1,5}/[a-z]{1,5}\.bin", fullmatch=True), sha256s
    ),
    parent_sha256=_maybe(sha256s),
    calibration=_maybe(
        st.builds(Calibration, source=texts, images=whole, seed=_maybe(whole), method=texts)
    ),
    parity=_maybe(
        st.builds(
            Parity,
            runtime=texts,
            images=whole,
            agreement=shares,
            max_abs_difference=shares,
            mean_abs_difference=shares,
            accuracy=_maybe(
                st.builds(
                    PairedAccuracy,
                    parent=shares,
                    own=shares,
                    lost=whole,
                    gained=whole,
                    p_value=shares,
                )
            ),
            layers=_few(st.builds(LayerFidelity, layer=texts, sqnr_db=_maybe(reals))),
        )
    ),
    training=_maybe(trainings),
)

nanoseconds = st.lists(st.integers(0, 2**64 - 1), max_size=50).map(lambda x: np.array(x, np.uint64))
samples = nanoseconds.map(Samples.pack)
settings = st.builds(
    Settings,
    protocol=texts,
    processes=st.integers(1, 2**63),
    together=st.integers(1, 2**63),
    warmup_calls=whole,
    turn_seconds=st.floats(0, 1e9),
    min_samples=whole,
    min_seconds=st.floats(0, 1e9),
    max_samples=st.integers(1, 2**63),
    paced_hz=st.floats(0.1, 1e4),
    paced_samples=whole,
    distinct_images=st.integers(1, 2**63),
    stage_samples=whole,
    throughput_batch=st.integers(1, 2**63),
    throughput_seconds=st.floats(0, 1e9),
    energy_seconds=st.floats(0, 1e9),
    limit_seconds=st.floats(0, 1e9),
    seed=whole,
    pin=_few(whole),
)
cases = st.builds(
    Case,
    subject=st.builds(
        Subject,
        path=texts,
        format=_maybe(formats),
        precision=_maybe(precisions),
        sha256=_maybe(sha256s),
        size_bytes=_maybe(whole),
        parent_sha256=_maybe(sha256s),
    ),
    runtime=texts,
    device=texts,
    threads=whole,
    batch=whole,
)
failures = st.builds(Failure, kind=texts, message=texts, hint=texts)
throughputs = st.builds(Throughput, batch=whole, images_per_second=reals)
measurements = st.builds(
    Measurement,
    inputs=st.builds(
        Inputs,
        source=st.sampled_from(["fashion-mnist", "file", "synthetic"]),
        images=whole,
        labelled=st.booleans(),
    ),
    cold=st.builds(Cold, start=whole, import_=whole, load=whole, first=whole),
    back_to_back=st.builds(
        BackToBack,
        warmups=samples,
        samples=samples,
        calls_per_sample=whole,
        kept_every=whole,
        calls=whole,
        busy_ns=whole,
        turns=_few(whole),
        clock_ns=reals,
    ),
    paced=_maybe(st.builds(Paced, rate_hz=reals, response=samples, service=samples)),
    stages=_maybe(st.builds(Stages, prepare=samples, run=samples, decode=samples)),
    audit=st.builds(Audit, compared=whole, largest_difference=reals, repeat_ratio=_maybe(reals)),
    memory=st.builds(
        Memory,
        start=_maybe(whole),
        imported=_maybe(whole),
        loaded=_maybe(whole),
        steady=_maybe(whole),
        peak=_maybe(whole),
    ),
    footprint=st.builds(
        Footprint, threads=_maybe(whole), cpus=_maybe(_few(whole)), preempted=_maybe(whole)
    ),
    throughput=_maybe(throughputs),
    throughput_failure=_maybe(failures),
    runtime_version=texts,
    used=_named(texts),
    predictions=_maybe(
        st.builds(Predictions, labels=st.text("0123456789", max_size=8), confidence=samples)
    ),
)
intervals = st.builds(Interval, low=reals, high=reals, confidence=shares)
latencies = st.builds(
    Latency,
    count=whole,
    p50=reals,
    interval=_maybe(intervals),
    percentiles=_few(st.builds(Percentile, share=shares, nanoseconds=_maybe(reals), refused=texts)),
    mean=reals,
    fastest=reals,
    slowest=reals,
    process_medians=_few(reals),
)
accuracies = st.builds(
    Accuracy,
    images=st.integers(5, 9),
    correct=st.integers(0, 5),
    interval=intervals,
    confusion=st.integers(0, 3).flatmap(
        lambda size: st.lists(
            st.lists(whole, min_size=size, max_size=size).map(tuple), min_size=size, max_size=size
        ).map(tuple)
    ),
    calibration_error=shares,
    against=_maybe(
        st.builds(
            AgainstReference,
            reference=texts,
            runtime=texts,
            agreement=shares,
            lost=whole,
            gained=whole,
            p_value=shares,
            largest_difference=_maybe(reals),
        )
    ),
)
readings = st.builds(
    Reading,
    seconds=reals,
    temperatures=_named(reals),
    megahertz=_named(reals),
    throttled=_named(st.booleans()),
    counters=_named(whole),
    load=_maybe(reals),
    on_battery=_maybe(st.booleans()),
    available_bytes=_maybe(whole),
    unreadable=_named(texts),
)
levels = st.sampled_from(["SUSPECT", "INVALID"])
rows = st.builds(
    Row,
    case=cases,
    measurements=st.lists(measurements, max_size=2).map(tuple),
    cold=_maybe(
        st.builds(ColdStart, start=reals, import_=reals, load=reals, first=reals, total=reals)
    ),
    back_to_back=_maybe(latencies),
    paced=_maybe(latencies),
    service=_maybe(latencies),
    throughput=_maybe(throughputs),
    calls_per_second=_maybe(reals),
    stages=_maybe(st.builds(StageTimes, prepare=reals, run=reals, decode=reals)),
    accuracy=_maybe(accuracies),
    energy=_maybe(st.builds(Energy, joules=reals, idle_watts=reals, seconds=reals, calls=whole)),
    readings=_few(readings),
    rules=_few(st.builds(RuleCheck, rule=texts, met=st.booleans(), found=texts)),
    remarks=_few(texts),
    verdict=_maybe(
        st.builds(
            Verdict,
            level=levels,
            reasons=_few(st.builds(Reason, code=texts, text=texts, cure=texts, level=levels)),
            unknown=_few(texts),
        )
    ),
    failure=_maybe(failures),
)
runs = st.builds(
    Run,
    created=texts,
    version=texts,
    revision=texts,
    host=_named(texts),
    versions=_named(texts),
    installed_bytes=_named(whole),
    data_sha256=sha256s,
    own_data=_maybe(st.builds(OwnData, path=texts, sha256=sha256s)),
    settings=settings,
    meter=st.builds(EnergyMeter, source=texts, coverage=texts, unavailable=texts),
    rows=st.lists(rows, max_size=2).map(tuple),
    skipped=_few(st.builds(Skipped, what=texts, reason=texts, hint=texts)),
    wall_seconds=reals,
)
jobs = st.builds(
    Job,
    case=cases,
    settings=settings,
    data_folder=_maybe(texts),
    own_data=_maybe(texts),
    classify=st.booleans(),
    launched_ns=whole,
)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
