"""Files as they were published stay readable, and are still written in the same way.

When a format changes, its schema version does, too: a new file joins these, and none is edited.
The page of a run, and what an older run becomes, are files beside it.
"""

from pathlib import Path

import pytest

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
from fmnist_edge.devices import Account, Unit
from fmnist_edge.errors import ResultSchemaError
from fmnist_edge.records import decode_document, encode_json, replace
from fmnist_edge.report.compare import compare
from fmnist_edge.report.compare_text import comparison_table
from fmnist_edge.report.markdown import markdown_report, markdown_table
from fmnist_edge.result import (
    Accuracy,
    AgainstReference,
    Audit,
    BackToBack,
    Case,
    Cold,
    ColdStart,
    Copies,
    Course,
    CpuTwin,
    CpuUse,
    Energy,
    EnergyMeter,
    Failure,
    Footprint,
    Inputs,
    Interval,
    KernelCache,
    KernelWitness,
    Latency,
    LoadWindow,
    Measurement,
    Memory,
    NotChecked,
    OtherEnvironment,
    OwnData,
    Paced,
    Percentile,
    Placement,
    Predictions,
    Readback,
    Reading,
    Reason,
    Remark,
    Row,
    RuleCheck,
    Run,
    Samples,
    Settings,
    Skipped,
    SpeedLevel,
    Stages,
    StageTimes,
    StrictOpening,
    Subject,
    Sustained,
    Throughput,
    Values,
    read_run,
)

_HERE = Path(__file__).parent

MANIFEST = Manifest(
    file="default-int8.tflite",
    format=Format.TFLITE,
    precision=Precision.INT8,
    sha256="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    size_bytes=242_000,
    created="2026-11-22T08:30:00.123456+00:00",
    recipe="tflite-int8",
    labels=("T-shirt/top", "Trouser"),
    input=TensorSpec("image", (1, 28, 28), "int8", Quantization(0.00392156862745098, -128)),
    output=TensorSpec("scores", (None, 10), "float32"),
    tools={"python": "3.11.7", "fmnist-edge": "0.1.0", "tensorflow": "2.21.0"},
    parent_sha256="60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752",
    calibration=Calibration("train", images=500, seed=0, method="minmax"),
    parity=Parity(
        "litert 2.1.0",
        images=1000,
        agreement=0.991,
        max_abs_difference=0.0625,
        mean_abs_difference=0.001,
        accuracy=PairedAccuracy(parent=0.89, own=0.891, lost=4, gained=5, p_value=1.0),
        layers=(LayerFidelity("dense", 35.5), LayerFidelity("scores", None)),
    ),
    training=Training(
        preset="default",
        seed=0,
        data_sha256="d1fd84a877f3b78fa9a171b3de73f93e7b6f69ed94bada3feae9d96821401f5c",
        batch_size=256,
        epochs=2,
        best_epoch=2,
        history={"loss": (0.5, 0.25), "val_accuracy": (0.875, 0.9)},
        validation_accuracy=0.9,
        test_accuracy=0.8943,
    ),
)

_MODEL = Case(
    Subject(
        "artifacts/default-int8.tflite",
        Format.TFLITE,
        Precision.INT8,
        MANIFEST.sha256,
        242_000,
        MANIFEST.parent_sha256,
    ),
    runtime="litert",
    device="cpu",
    threads=1,
    batch=1,
)
_HARNESS = Case(Subject("(no model)", None, None, None, None), "null", "cpu", 1, 1)

_THREE = Samples(3, "eJxjEWAAgzNQOgNKAwATSAFp")
_NONE = Samples(0, "eJwDAAAAAAE=")
_REFUSED = Percentile(0.99, None, "too-few-samples", 662)
_CPU = CpuUse(13_000, own_ns=12_900, others_ns=50, stolen_ns=0, preemptions=2, cpus=4)
_LATENCY = Latency(
    samples=3,
    p50_ns=4200.0,
    p50_interval_ns=Interval(4100.5, 4299.5),
    percentiles=(Percentile(0.9, 4300.0), _REFUSED),
    mean_ns=4200.0,
    min_ns=4100.0,
    max_ns=4300.0,
    process_p50_ns=(4200.0,),
)
_THROTTLED: Values = {"readings_affected": 1, "readings": 2, "limits": "under-voltage"}
_MEASUREMENT = Measurement(
    inputs=Inputs("fashion-mnist", 4, labelled=True),
    cold=Cold(123_456_789, import_ns=98_765_432, load_ns=1_234_567, first_call_ns=23_456),
    back_to_back=BackToBack(
        warmup_ns=_THREE,
        sample_ns=_THREE,
        calls_per_sample=1,
        kept_every=1,
        calls=3,
        busy_ns=13_000,
        turn_samples=(2, 1),
        clock_ns=40.5,
        cpu=_CPU,
    ),
    paced=Paced(rate_hz=30.0, response_ns=_THREE, service_ns=_THREE, cpu=None),
    stages=Stages(prepare_ns=_THREE, run_ns=_THREE, decode_ns=_THREE),
    audit=Audit(compared=3, max_abs_difference=0.0, repeat_ratio=1.01),
    memory=Memory(30_000_000, 40_000_000, 41_000_000, 41_500_000, 42_000_000),
    footprint=Footprint(threads=1, cpus=(0, 3)),
    throughput=Throughput(256, 250_000.5),
    throughput_failure=None,
    runtime_version="2.1.0",
    used={"threads": "1", "delegate": "XNNPACK"},
    predictions=Predictions("9211", Samples(4, "eJxbsJuXAQxMecBUwjouMH1AnRNMAwBKGwOy")),
)
_BARE = Measurement(
    inputs=Inputs("synthetic", 8, labelled=False),
    cold=Cold(1, 1, 1, 1),
    back_to_back=BackToBack(_NONE, _NONE, 1, 1, 0, 0, (), 0.0, cpu=None),
    paced=None,
    stages=None,
    audit=Audit(0, 0.0, None),
    memory=Memory(None, None, None, None, None),
    footprint=Footprint(None, None),
    throughput=None,
    throughput_failure=Failure("ModelUnsupportedError", "One at a time.", ""),
    runtime_version="0",
    used={},
)

_READING = Reading(
    at_seconds=1.5,
    temperatures_celsius={"cpu-thermal": 55.5},
    clocks_mhz={"policy0": 2400.0},
    throttled={"under-voltage": False},
    event_counters={"under-voltage": 0},
    load=0.5,
    on_battery=False,
    available_bytes=1 << 30,
    unreadable={"fan": "there is none"},
)

RUN = Run(
    created="2026-11-22T08:31:00.123456+00:00",
    version="0.2.0",
    revision="c0fb491",
    host={"model": "Raspberry Pi 5 Model B Rev 1.0", "cores": 4, "memory_bytes": 8_452_784_128},
    versions={"python": "3.11.7", "numpy": "2.4.0"},
    installed_bytes={"litert": 51_000_000},
    data_sha256="d1fd84a877f3b78fa9a171b3de73f93e7b6f69ed94bada3feae9d96821401f5c",
    own_data=OwnData("mine.npz", MANIFEST.sha256),
    settings=Settings(
        protocol="quick",
        processes=1,
        together=8,
        warmup_calls=200,
        turn_seconds=0.05,
        min_samples=3,
        min_seconds=1.0,
        max_samples=100_000,
        paced_hz=30.0,
        paced_samples=3,
        distinct_images=256,
        stage_samples=3,
        throughput_batch=256,
        throughput_seconds=0.25,
        energy_seconds=30.0,
        limit_seconds=120.0,
        seed=0,
        pin=(0, 3),
        sustain_seconds=600.0,
        sustain_hz=30.0,
    ),
    rounds=1,
    meter=EnergyMeter("Raspberry Pi PMIC", "the rails of the board", ""),
    rows=(
        Row(
            case=_MODEL,
            measurements=(_MEASUREMENT,),
            cold=ColdStart(123_456_789.0, 98_765_432.0, 1_234_567.0, 23_456.0, 223_480_244.0),
            back_to_back=_LATENCY,
            paced=_LATENCY,
            service=_LATENCY,
            throughput=Throughput(256, 250_000.5),
            calls_per_second=230_769.2,
            stages=StageTimes(4200.0, 4200.0, 4200.0),
            accuracy=Accuracy(
                images=4,
                correct=3,
                interval=Interval(0.3, 0.95),
                confusion=((2, 0), (1, 1)),
                calibration_error=0.125,
                against=AgainstReference(
                    reference="default-float32.tflite",
                    runtime="litert",
                    agreement=0.75,
                    lost=1,
                    gained=0,
                    p_value=1.0,
                    max_abs_difference=0.0625,
                ),
            ),
            energy=Energy(energy_j=12.5, idle_w=0.25, duration_seconds=30.0, calls=1000),
            readings=(_READING,),
            rules=(
                RuleCheck(
                    "mobile-like",
                    "min-samples",
                    met=False,
                    values={"samples": 3, "samples_needed": 1024},
                ),
                RuleCheck("edge-like", "early-stopping-p90", met=True, values={"bound_ns": 4300.0}),
            ),
            remarks=(Remark("samples-thinned", {"calls": 3, "kept_every": 2}),),
            reasons=(
                Reason("throttled", "INVALID", ("cold",), _THROTTLED),
                Reason(
                    "too-few-samples",
                    "SUSPECT",
                    ("p50", "p90"),
                    {"regime": "back-to-back", "samples": 3, "samples_needed": 64},
                ),
            ),
            not_checked=(NotChecked("sensor-absent", {"what": "throttling"}),),
            verdicts={
                "ratio": "VALID",
                "p50": "SUSPECT",
                "p90": "SUSPECT",
                "paced-p50": "VALID",
                "cold": "INVALID",
                "memory": "VALID",
                "accuracy": "VALID",
            },
            sustained=Sustained(
                rate_hz=30.0,
                windows=(
                    LoadWindow(
                        2.5,
                        duration_seconds=1.0,
                        calls=30,
                        p50_ns=4200.0,
                        p90_ns=4400.0,
                        lost_share=0.0,
                        others_share=0.125,
                    ),
                    LoadWindow(33.5, duration_seconds=1.0, calls=30, p50_ns=5250.0, p90_ns=6000.0),
                ),
                turn_windows=(1, 1),
                p50=Course(
                    levels=(
                        SpeedLevel(2.5, 3.5, 0.0, 1, 4200.0, Interval(4100.0, 4300.0)),
                        SpeedLevel(33.5, 34.5, 1.0, 1, 5250.0, Interval(5150.0, 5350.0)),
                    ),
                    first_ns=4200.0,
                    first_interval_ns=Interval(4100.0, 4300.0),
                    ratio=1.25,
                    ratio_interval=Interval(1.2, 1.3),
                ),
                readings=(replace(_READING, at_seconds=3.0), replace(_READING, at_seconds=34.0)),
            ),
        ),
        Row(
            case=replace(_MODEL, device="webgpu", batch=64, fast_math=True, environment="old"),
            measurements=(
                replace(
                    _BARE,
                    readback=Readback(calls=15, changed=0, wait_ns=12.5),
                    placement=Placement(
                        Account(
                            "profile",
                            Unit("llvmpipe", "Mesa 25", "Vulkan 1.4.305", 1 << 30),
                            operators=7,
                            on_device=6,
                            elsewhere=("cast_0 (Cast) on CPUExecutionProvider",),
                            precision="float32",
                        ),
                        StrictOpening("nodes are left", None),
                        KernelWitness("drm", engine_ns=5_000, memory_bytes=None),
                        CpuTwin("", 256, 0.996, 3e-7, identical=False, time_ratio=40.5),
                    ),
                    copies=Copies(host_ns=200.0, device_ns=150.0),
                    kernel_cache=KernelCache(before_bytes=0, after_bytes=4096),
                ),
            ),
            cold=ColdStart(1.0, 2.0, 3.0, 4.0, 10.0),
            cold_empty=ColdStart(1.0, 2.0, 3.0, 40.0, 46.0),
            reasons=(
                Reason(
                    "not-on-device",
                    "INVALID",
                    ("p50", "cold"),
                    {
                        "device": "webgpu",
                        "on_device": 6,
                        "operators": 7,
                        "elsewhere": "cast_0 (Cast) on CPUExecutionProvider",
                    },
                ),
            ),
            verdicts={"cold": "INVALID"},
        ),
        Row(
            case=_HARNESS,
            measurements=(_BARE,),
            failure=Failure(
                "WorkerCrashedError",
                "The measuring process was killed by SIGKILL.",
                "The system may be out of memory; close other programs and try again.",
            ),
        ),
    ),
    skipped=(
        Skipped(
            "artifacts/default.keras",
            None,
            "no-runtime",
            {"format": "keras", "runtimes": "null, litert"},
        ),
        Skipped("artifacts/default-int8.tflite", "openvino", "slow-import"),
    ),
    wall_seconds=61.5,
    gpu_meter=EnergyMeter("", "", "NVML: there is no driver"),
    environments={"webgpu": OtherEnvironment("3.12.1", {"onnxruntime-webgpu": "1.27.0"})},
    host_name="raspberrypi.local",
)


@pytest.mark.parametrize(
    ("name", "version", "record"), [("manifest", 1, MANIFEST), ("run", 5, RUN)]
)
def test_a_published_file_is_read_and_written_as_ever(
    name: str, version: int, record: Manifest | Run
) -> None:
    text = (_HERE / f"{name}_v{version}.json").read_bytes()
    assert decode_document(type(record), text, version) == record
    assert encode_json(record).encode() == text


@pytest.mark.parametrize("version", [2, 3, 4, 5])
def test_published_samples_are_unpacked_as_ever(version: int) -> None:
    measured, *_, harness = read_run(_HERE / f"run_v{version}.json").rows
    assert measured.measurements[0].back_to_back.sample_ns.unpack().tolist() == [4100, 4300, 4200]
    assert harness.measurements[0].back_to_back.sample_ns.unpack().tolist() == []


@pytest.mark.parametrize("version", [2, 3, 4])
def test_a_run_of_an_older_schema_becomes_one_of_the_fifth(version: int) -> None:
    converted = read_run(_HERE / f"run_v{version}.json")
    assert encode_json(converted) == (_HERE / f"run_v{version}_as_v5.json").read_text()
    assert read_run(_HERE / f"run_v{version}_as_v5.json") == converted


@pytest.mark.parametrize("version", [2, 3, 4, 5])
def test_the_page_of_a_run_is_as_ever(version: int) -> None:
    page = markdown_report(read_run(_HERE / f"run_v{version}.json"))
    assert page == (_HERE / f"run_v{version}.md").read_text(encoding="utf-8")


def test_runs_of_two_schemas_are_compared() -> None:
    found = compare(read_run(_HERE / "run_v2.json"), read_run(_HERE / "run_v5.json"))
    drawn = markdown_table(comparison_table(found)) + "\n"
    assert drawn == (_HERE / "compare_v2_v5.md").read_text(encoding="utf-8")


def test_a_run_of_the_first_schema_is_refused_with_what_to_do() -> None:
    with pytest.raises(ResultSchemaError, match="older schema version 1") as caught:
        read_run(_HERE / "run_v1.json")
    assert "fmnist-edge bench --json" in caught.value.hint
