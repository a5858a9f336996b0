"""A run as a page that can be read without the program."""

from fmnist_edge.records import replace
from fmnist_edge.report.cells import Table
from fmnist_edge.report.health import health
from fmnist_edge.report.markdown import markdown_report, markdown_reports, markdown_table
from fmnist_edge.report.page import names_of
from fmnist_edge.result import (
    Accelerator,
    NotChecked,
    OwnData,
    Reason,
    Remark,
    Row,
    RuleCheck,
    Skipped,
)
from tests import examples, reports
from tests.examples import FAILURE, READING, accuracy, case, row, run


def _headings(page: str) -> list[str]:
    return [line.lstrip("# ") for line in page.splitlines() if line.startswith("#")]


def test_numbers_are_aligned_to_the_right() -> None:
    table = Table(("model", "p50"), (("a", "1"), ("b", "2")), numeric=(False, True))
    assert markdown_table(table) == "| model | p50 |\n| :-- | --: |\n| a | 1 |\n| b | 2 |"


def test_a_name_does_not_break_the_table() -> None:
    table = Table(("model",), (("a|b\nc",),), numeric=(False,))
    assert markdown_table(table).splitlines()[2:] == [r"| a\|b c |"]


def test_a_page_of_several_runs_has_a_part_for_each_headed_by_its_host() -> None:
    here, afar = run(row()), replace(run(row()), host_name="box")
    assert markdown_reports([here]) == markdown_report(here)
    page = markdown_reports([here, afar])
    parts = [line for line in page.splitlines() if line.startswith(("# ", "## "))]
    assert parts == ["# Fashion-MNIST, 2 results", "## This machine", "## box"]
    others = [line for line in page.splitlines() if line.startswith("###")]
    assert len(others) == 2 * (len(_headings(markdown_report(here))) - 1)


def test_two_results_of_one_host_are_told_apart_by_their_dates() -> None:
    twice = [replace(run(row()), host_name="box", created=day) for day in ("1 May", "2 May")]
    assert names_of(twice) == ("box, 1 May", "box, 2 May")


def test_a_page_has_only_the_sections_it_needs() -> None:
    assert _headings(markdown_report(run(row()))) == [
        "Fashion-MNIST on this machine",
        "May the figures be believed?",
        "How it was measured",
        "Latency in full, µs",
        "From nothing to the first answer",
        "From image to label",
        "Memory and disk",
        "Machine",
        "The machine while it was measured",
        "Versions",
    ]
    assert _headings(markdown_report(run())) == [
        "Fashion-MNIST on this machine",
        "How it was measured",
        "Machine",
        "The machine while it was measured",
        "Versions",
    ]


def test_a_page_tells_what_failed_what_was_left_out_and_what_is_doubtful() -> None:
    failed = Row(case("b.npz"), failure=FAILURE)
    rule = RuleCheck("quick", "min-samples", met=False, values={"samples": 3, "samples_needed": 64})
    plain = row(
        rules=(rule,),
        remarks=(Remark("synthetic-inputs"),),
        not_checked=(NotChecked("governor-unknown"),),
        accuracy=accuracy(),
    )
    told = reports.doubted(plain, Reason("on-battery", "INVALID", ("p50", "p90")))
    skipped = Skipped("a.tflite", "litert", "not-installed", {"extra": "litert"})
    page = markdown_report(replace(run(told, failed), skipped=(skipped,)))
    assert (
        "\n| model.npz on numpy | INVALID | p50 and p90 | The machine ran on its battery; many "
        "machines run slower then. | Plug it in and measure again. |\n"
    ) in page
    assert (
        "\n| model.npz on numpy | not checked | - | The system does not tell its CPU frequency "
        "governor. | - |\n"
    ) in page
    assert "\n| b.npz on numpy | failed | - | It fell. | Pick it up. |\n" in page
    assert "\n\nA number with ? is SUSPECT (in doubt), one with ! is INVALID" in page
    assert "\n## Remarks\n\n- model.npz on numpy: The inputs are noise, not images" in page
    assert "\n## Failed\n\n- b.npz on numpy: It fell. Pick it up.\n" in page
    assert "\n## Not measured\n\n- a.tflite on litert: litert is not installed. Install" in page
    assert (
        "\n- quick: at least 64 samples: not met by 1 row: model.npz on numpy (3 samples).\n"
    ) in page
    assert "\n## Recall of each class, %\n\n| model | runtime | class 0 | class 1 |\n" in page


def test_a_page_tells_machine_and_versions() -> None:
    host = {"model": "a toaster", "memory_bytes": 8 << 30, "max_frequency_mhz": 2400.0}
    page = markdown_report(replace(run(row()), host=host))
    assert (
        "## Machine\n\n- model: a toaster\n- memory: 8.0 GiB\n- max frequency: 2400 MHz\n" in page
    )
    assert page.endswith("## Versions\n\n- fmnist-edge: 0.1.0\n- python: 3.11.0\n")


def test_a_page_tells_the_protocol_that_was_really_used() -> None:
    page = markdown_report(replace(run(row()), revision="c0fb491"))
    for fact in (
        "fmnist-edge 0.1.0 (revision c0fb491), protocol `test`, in 12 s",
        "the test images of Fashion-MNIST (sha256 111111111111)",
        "measured in 3 fresh processes, each",
        "Up to 4 processes of different rows lived at the same time and took turns",
        "1 call to warm up",
        "with 1 image per call on 1 thread, at",
        "at least 0 s and 4 samples per process (at most 8 are kept), over 5 different images",
        "2 calls per process at 1000 per second",
        "at 2 images per call",
    ):
        assert fact in page
    assert "`null`" not in page
    assert "held to" not in page


def test_what_the_protocol_left_out_is_not_described() -> None:
    quiet = replace(examples.SETTINGS, paced_samples=0, energy_seconds=5.0, pin=(1, 3))
    page = markdown_report(replace(run(row(), *reports.baseline(1.0)), settings=quiet))
    assert "*Paced*" not in page
    assert "Energy was measured on its own, for 5 s per row." in page
    assert "held to the CPUs 1 and 3" in page
    assert "`null` does nothing" in page


def test_batches_and_threads_are_those_of_the_rows() -> None:
    eight = replace(case(threads=4), batch=8)
    page = markdown_report(run(row(eight), row(replace(eight, threads=2))))
    assert "with 8 images per call on 2 or 4 threads, at" in page


def test_own_images_are_named() -> None:
    measurement = examples.MEASUREMENT
    fed = replace(measurement, inputs=replace(measurement.inputs, source="file"))
    page = markdown_report(
        replace(run(row(measurements=(fed,))), own_data=OwnData("mine.npz", "2" * 64))
    )
    assert "The models were fed the images of mine.npz." in page


# The machine


def test_the_health_of_the_machine_is_told_as_ranges() -> None:
    later = replace(
        READING,
        at_seconds=9.0,
        temperatures_celsius={"k10temp": 61.0},
        clocks_mhz={"policy0": 1800.0},
        throttled={"throttled": True},
        event_counters={"core throttle": 3},
        load=1.25,
        on_battery=True,
        available_bytes=1 << 29,
    )
    assert health(run(row(readings=(later, READING)))) == {
        "readings": "2 readings over 12 s",
        "temperature of k10temp": "45.5 to 61.0 °C",
        "clock of policy0": "1800 to 2400 MHz",
        "limits in force": "throttled",
        "events counted": "core throttle +3",
        "load": "0.50 to 1.25",
        "power": "battery",
        "memory left at least": "512 MiB",
        "power supply, not readable": "there is none",
    }


def test_accelerators_are_told_beside_the_machine() -> None:
    gpu = Accelerator(
        temperatures_celsius={"GPU": 61.0},
        clock_mhz=1837.0,
        throttled={"hardware slowdown": True},
        watts=70.0,
        unreadable={"energy": "Not Supported"},
    )
    readings = tuple(
        replace(READING, accelerators={"nvidia 0": each})
        for each in (gpu, replace(gpu, throttled={"hardware slowdown": False}, watts=85.5))
    )
    told = health(run(row(readings=readings)))
    assert told["temperature of nvidia 0 GPU"] == "61.0 °C"
    assert told["clock of nvidia 0"] == "1837 MHz"
    assert told["power of nvidia 0"] == "70.0 to 85.5 W"
    assert told["limits in force"] == "nvidia 0 hardware slowdown"
    assert told["nvidia 0 energy, not readable"] == "Not Supported"


def test_a_calm_machine_is_told_from_one_that_tells_nothing() -> None:
    calm = health(run(row()))
    assert calm["limits in force"] == "none seen"
    assert calm["events counted"] == "none"
    assert calm["temperature of k10temp"] == "45.5 °C"
    mute = replace(
        READING,
        temperatures_celsius={},
        clocks_mhz={},
        throttled={},
        event_counters={},
        load=None,
        available_bytes=None,
        unreadable={"temperature": "no sensor"},
    )
    assert health(run(row(readings=(mute,)))) == {
        "readings": "1 reading over 12 s",
        "temperature, not readable": "no sensor",
    }
    assert health(run(row(readings=()))) == {"health": "not recorded"}
