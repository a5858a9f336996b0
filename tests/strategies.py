"""Hypothesis strategies for this project's records and for what may stand in their place."""

from collections.abc import Mapping
from typing import Any

import numpy as np
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
from fmnist_edge.bench.messages import Job
from fmnist_edge.result import (
    Accuracy,
    Case,
    Failure,
    Latency,
    Measurement,
    Memory,
    Row,
    Run,
    Samples,
    Settings,
    Skipped,
    Subject,
    Throughput,
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
settings = st.builds(
    Settings,
    protocol=texts,
    processes=whole,
    warmup_calls=whole,
    min_samples=whole,
    min_seconds=reals,
    max_samples=whole,
    distinct_images=whole,
    throughput_batch=whole,
    throughput_seconds=reals,
    limit_seconds=reals,
    seed=whole,
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
    samples=nanoseconds.map(Samples.pack),
    import_ns=whole,
    load_ns=whole,
    first_ns=whole,
    memory=st.builds(
        Memory,
        start=_maybe(whole),
        imported=_maybe(whole),
        loaded=_maybe(whole),
        steady=_maybe(whole),
        peak=_maybe(whole),
    ),
    throughput=_maybe(throughputs),
    throughput_failure=_maybe(failures),
    runtime_version=texts,
    used=_named(texts),
    labels=st.text("0123456789", max_size=8),
)
rows = st.builds(
    Row,
    case=cases,
    measurements=st.lists(measurements, max_size=2).map(tuple),
    latency=_maybe(
        st.builds(
            Latency,
            count=whole,
            p50=whole,
            p90=whole,
            p99=whole,
            mean=reals,
            fastest=whole,
            process_medians=_few(whole),
        )
    ),
    throughput=_maybe(throughputs),
    accuracy=_maybe(st.builds(Accuracy, images=st.integers(5, 9), correct=st.integers(0, 5))),
    failure=_maybe(failures),
)
runs = st.builds(
    Run,
    created=texts,
    version=texts,
    host=_named(texts),
    versions=_named(texts),
    data_sha256=sha256s,
    settings=settings,
    rows=st.lists(rows, max_size=2).map(tuple),
    skipped=_few(st.builds(Skipped, what=texts, reason=texts, hint=texts)),
)
jobs = st.builds(Job, case=cases, settings=settings, data_folder=texts, classify=st.booleans())

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
