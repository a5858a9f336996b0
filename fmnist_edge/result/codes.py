"""The codes of a result, and the names of the values that come with each.

`bench` writes them and `report` has a sentence for each; tests hold both against these tables. A
name ends in its unit; `*_share` is 0..1, and a name without a unit is a count, a ratio or a text.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

Names = tuple[str, ...]


def _table(**codes: Names) -> Mapping[str, Names]:
    return MappingProxyType({name.replace("_", "-"): names for name, names in codes.items()})


REASONS: Final = _table(
    not_certified=("device", "processes_affected"),
    not_on_device=("device", "on_device", "operators", "elsewhere"),
    strict_refused=("device", "why"),
    strict_differs=("device", "max_abs_difference"),
    no_witness=("device", "processes_affected"),
    differs_from_cpu=("device", "agreement_share", "images"),
    shorter_type=("device", "max_abs_difference"),
    returns_early=("changed", "calls", "wait_ns"),
    outputs_differ=("processes_affected", "processes", "max_abs_difference"),
    not_audited=(),
    answers_cached=("repeat_ratio", "limit_ratio"),
    too_few_processes=("processes", "processes_needed"),
    too_few_samples=("regime", "samples", "samples_needed"),
    process_medians_vary=("regime", "processes", "variation_share", "limit_share"),
    speed_drifts=("processes_affected", "processes", "slower_share"),
    several_speeds=("slower_share",),
    interrupted=("regime", "interruptions", "calls", "interrupted_share"),
    waited_for_cpu=("lost_share", "others_share", "stolen_share", "limit_share"),
    other_programs=("others_share", "stolen_share", "limit_share"),
    ratio_drifts=("processes", "change_share", "limit_share"),
    ratio_undecided=("low_ratio", "high_ratio", "limit_ratio"),
    emulated=("machine", "emulator"),
    throttled=("readings_affected", "readings", "limits"),
    throttle_events=("events",),
    clock_changed=("cpu", "from_mhz", "to_mhz"),
    accelerator_clock_changed=("accelerator", "from_mhz", "to_mhz"),
    on_battery=(),
    memory_pressure=("available_bytes", "total_bytes", "limit_share"),
)
"""Why a figure may not be believed (`Reason`)."""

NOT_CHECKED: Final = _table(
    machine_not_read=(),
    sensor_unreadable=("what", "why"),
    sensor_absent=("what",),
    governor_unknown=(),
    caching_not_tried=(),
    caching_in_one_process=("repeat_ratio",),
    caching_undecided=("repeat_ratio", "min_ratio", "max_ratio", "processes"),
    one_process=(),
    too_few_samples_for_drift=(),
    interruptions_not_counted=(),
    other_programs_not_measured=("regime",),
    throttle_counters_read_once=(),
    memory_total_unknown=(),
)
"""What could not be checked (`NotChecked`)."""

REMARKS: Final = _table(
    ran_on=("operators", "unit"),
    unlike_the_cpu=("max_abs_difference", "time_ratio"),
    timed_unlike_the_cpu=("time_ratio",),
    seen_by_the_kernel=("engine_ns",),
    seen_by_the_driver=("memory_bytes",),
    copies=("copies_share", "host_ns", "device_ns"),
    mostly_dispatch=("dispatch_share", "batch", "image_ns"),
    slower_than_numpy=("network", "numpy_p50_ns"),
    samples_are_means=("calls_per_sample",),
    samples_thinned=("calls", "kept_every"),
    synthetic_inputs=(),
    computes_in=("precision",),
    cannot_keep_up=("rate_hz", "service_p50_ns", "paced_p50_ns"),
    paced_is_slower=("rate_hz", "paced_p50_ns", "times", "service_p50_ns"),
    governor=("governor",),
    warmed_up=("sensor", "from_celsius", "to_celsius"),
    slows_down=("times_ratio", "after_seconds", "first_ns", "lasting_ns"),
    speeds_up=("times_ratio", "after_seconds", "first_ns", "lasting_ns"),
    changed_for_a_while=("levels", "from_ns", "to_ns", "lasting_ns"),
    gets_less_done=("times_ratio", "after_seconds", "first_ns", "lasting_ns"),
    slower_and_warmer=("sensor", "from_celsius", "to_celsius"),
    slower_at_a_lower_clock=("from_mhz", "to_mhz"),
    slower_under_limits=("limits",),
    slower_beside_others=("from_share", "to_share"),
)
"""What a reader should know of a row (`Remark`)."""

RULES: Final = _table(
    min_samples=("samples", "samples_needed"),
    min_seconds=("seconds", "seconds_needed"),
    windows=("processes", "processes_needed"),
    window_seconds=("seconds", "seconds_needed"),
    median_throughput=("calls_per_second",),
    early_stopping_p90=("bound_ns",),
    reference_accuracy=("reference", "share", "share_needed"),
    min_processes=("processes", "processes_needed"),
)
"""What a protocol asks for (`RuleCheck`); a value that could not be found is left out."""

SKIPPED: Final = _table(
    no_runtime=("format", "runtimes"),
    not_installed=("extra",),
    slow_import=(),
    same_file=("path",),
    no_device=("device", "runtimes"),
    other_batches=("batch",),
    other_environment=("device", "environment"),
    no_environment=("environments", "runtimes"),
)
"""Why something was not measured (`Skipped`)."""

FINDINGS: Final = MappingProxyType(
    {
        # What a benchmark would say of every row, found by the same checks.
        **{
            code: REASONS[code]
            for code in (
                *("emulated", "throttled", "throttle-events", "clock-changed", "waited-for-cpu"),
                *("other-programs", "on-battery", "memory-pressure"),
            )
        },
        **{
            code: NOT_CHECKED[code]
            for code in (
                *("sensor-unreadable", "sensor-absent", "governor-unknown"),
                *("other-programs-not-measured", "memory-total-unknown"),
            )
        },
        "governor": REMARKS["governor"],
        **_table(
            no_runtime=("runtimes",),
            only_numpy=("command",),
            runtime_fails=("runtime", "why"),
            devices_not_tried=(),
            userland_32_bit=("architecture", "runtimes"),
            disk_full=("place", "free_bytes", "bytes_needed"),
            disk_not_writable=("place",),
            under_voltage=("when",),
            throttled_since_boot=("limits",),
            throttle_count=("events",),
            busy_programs=("programs",),
            stolen_time=("stolen_share",),
            swap_in_use=("used_bytes",),
            group_missing=("group", "file"),
            energy_closed=("file",),
            no_energy_meter=("why",),
            vcgencmd_missing=(),
            virtual_machine=("virtual",),
        ),
    }
)
"""What `fmnist-edge doctor` finds on a machine (`Finding`)."""
