"""What README and docs say is true."""

import base64
import json
import pkgutil
import re
import subprocess
import sys
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from packaging.requirements import Requirement

from benchmarks.render_tables import TABLE, rendered
from fmnist_edge import errors
from fmnist_edge.dataset import LABELS, Split
from fmnist_edge.devices import DEVICES
from fmnist_edge.recipes import CALIBRATION_SAMPLES, RECIPES
from fmnist_edge.report import sentences
from fmnist_edge.result import codes, read_run
from fmnist_edge.runtimes import RUNTIMES
from fmnist_edge.training import presets
from fmnist_edge.training.preset_names import PRESET_NAMES
from tests.commands import CommandLine

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for folder in (".", "docs", "artifacts", "artifacts/reference", "benchmarks")
    for path in ROOT.glob(f"{folder}/*.md")
)
RESULTS = sorted(ROOT.glob("benchmarks/results/*/*.json"))
LINK = re.compile(r"\]\((?!https?://|mailto:)(?P<target>[^)#]*)(?:#[^)]*)?\)")


def _text(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES)
def test_links_to_files_lead_somewhere(page: str) -> None:
    for target in LINK.findall(_text(page)):
        assert not target or (ROOT / page).parent.joinpath(target).exists(), target


@pytest.mark.parametrize("page", PAGES)
def test_tables_are_those_of_the_result_files(page: str) -> None:
    assert _text(page) == rendered(_text(page))


def _tables(page: str) -> dict[str, Path]:
    """The result files behind a page's tables, by kind."""
    return {found["kind"]: ROOT / found["file"] for found in TABLE.finditer(_text(page))}


def test_the_run_in_the_readme_is_whole() -> None:
    run = read_run(_tables("README.md")["screen"])
    assert len(run.rows) >= 6
    assert all(row.failure is None for row in run.rows)


def test_the_page_about_formats_has_a_row_for_every_recipe() -> None:
    page = "docs/formats.md"
    tables = [(found["kind"], ROOT / found["file"]) for found in TABLE.finditer(_text(page))]
    exported = [
        each for kind, path in tables if kind == "exports" for each in json.loads(path.read_bytes())
    ]
    assert sorted(each["recipe"] for each in exported) == sorted(RECIPES)
    assert {each["parity"]["images"] for each in exported} == {10_000}
    runs = [read_run(path) for kind, path in tables if kind == "full"]
    measured = {row.case.subject.sha256 for run in runs for row in run.rows}
    assert {each["sha256"] for each in exported} <= measured


def test_the_calibration_in_use_is_among_those_that_were_tried() -> None:
    tried = json.loads(_tables("docs/formats.md")["calibration"].read_bytes())["trials"]
    own = [each for each in tried if each["images"] == CALIBRATION_SAMPLES]
    assert {each["recipe"] for each in own if each["method"] == "minmax"} == {
        *("tflite-int8", "onnx-int8")
    }


def test_our_int8_files_are_no_slower_than_other_conversions() -> None:
    ratios = json.loads(_tables("docs/formats.md")["conversions"].read_bytes())["ratios"]
    for ours, *others in ratios.values():
        assert ours["ratio"] == 1
        assert others
        # The interval of what is as fast reaches down to one.
        assert all(each["high"] >= 1 for each in others)


def _samples(measurement: Mapping[str, Any]) -> NDArray[np.uint64]:
    """The samples of one process in ascending order, from its histogram."""
    packed = zlib.decompress(base64.b64decode(measurement["histogram"]["data"]))
    nanoseconds, calls = np.frombuffer(packed, "<u8").reshape(2, -1)
    return np.repeat(nanoseconds, calls.astype(np.int64))


def _process_medians(row: Mapping[str, Any]) -> NDArray[np.int64]:
    return np.array([int(np.median(_samples(each))) for each in row["measurements"]])


def test_the_comparison_with_other_conversions_follows_from_its_samples() -> None:
    found = json.loads(_tables("docs/formats.md")["conversions"].read_bytes())
    for kind, ratios in found["ratios"].items():
        rows = found["runs"][kind]["rows"]
        ours = _process_medians(rows[0])
        for row, ratio in zip(rows, ratios, strict=True):
            theirs = _process_medians(row)
            assert row["case"]["subject"]["path"] == ratio["file"]
            assert row["accuracy"]["correct"] / row["accuracy"]["images"] == ratio["accuracy"]
            every = np.concatenate([_samples(each) for each in row["measurements"]])
            assert int(np.median(every)) == ratio["p50_ns"]
            assert np.median(theirs) / np.median(ours) == pytest.approx(ratio["ratio"])
            draw = np.random.default_rng(0)
            medians = [
                np.median(draw.choice(each, (10_000, len(each))), axis=1) for each in (theirs, ours)
            ]
            interval = np.percentile(medians[0] / medians[1], [2.5, 97.5])
            assert interval == pytest.approx([ratio["low"], ratio["high"]], rel=0.02)


def test_the_latencies_of_the_ways_to_int8_follow_from_their_samples() -> None:
    found = json.loads(_tables("docs/formats.md")["variants"].read_bytes())
    runtimes = {".onnx": "onnxruntime", ".xml": "openvino"}
    medians = {
        row["case"]["subject"]["path"]: int(
            np.median(np.concatenate([_samples(each) for each in row["measurements"]]))
        )
        for row in found["run"]["rows"]
        if row["case"]["runtime"] == runtimes[Path(row["case"]["subject"]["path"]).suffix]
    }
    assert medians == {each["name"]: each["p50_ns"] for each in found["variants"]}


def test_each_result_file_is_listed_with_its_page_and_with_what_made_it() -> None:
    rows = re.findall(
        r"^\| `(\S+\.json)` \|.*\| (.*) \| (.*) \|$", _text("benchmarks/README.md"), re.MULTILINE
    )
    assert sorted(file for file, _, _ in rows) == sorted(path.name for path in RESULTS)
    for file, made_by, pages in rows:
        # A script that is here, one that a commit holds, or a command.
        assert re.search(
            r"\]\(\w+\.py\)|`\w+\.py`.*, commit [0-9a-f]{7}|`(make|fmnist-edge) ", made_by
        )
        for page in LINK.findall(pages):
            assert file in (ROOT / "benchmarks" / page).read_text(encoding="utf-8")


def test_the_committed_run_loses_at_most_half_a_point_to_int8() -> None:
    rows = read_run(_tables("README.md")["screen"]).rows
    reached = {row.case.subject.name: row.accuracy for row in rows}
    for suffix in ("tflite", "onnx"):
        float32, int8 = reached[f"default-float32.{suffix}"], reached[f"default-int8.{suffix}"]
        assert float32 is not None
        assert int8 is not None
        assert float32.top1 - int8.top1 <= 0.005


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.name)
def test_result_files_tell_names_and_no_places_of_a_machine(path: Path) -> None:
    assert not [text for text in _texts(json.loads(path.read_bytes())) if text.startswith("/")]


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for inner in value.values() if isinstance(value, dict) else ():
        yield from _texts(inner)
    for inner in value if isinstance(value, list) else ():
        yield from _texts(inner)


CARD = "artifacts/reference/README.md"
# The example of the card on each image of a file, one by one.
EXAMPLE = """
import sys
import numpy as np
{start}
given = np.load(sys.argv[1])
right = 0
for image, label in zip(given["images"], given["labels"]):
    pixels = image[None]
    {call}
    right += scores.argmax() == label
print(scores.shape, scores.dtype, right / len(given["labels"]))
"""


def test_the_example_of_the_model_card_reaches_the_accuracy_that_the_card_gives(
    unseen: Split, tmp_path: Path
) -> None:
    [lines] = re.findall(r"```python\n(.*?)```", _text(CARD), re.DOTALL)
    start, call = lines.strip().rsplit("\n", 1)
    [model] = re.findall(r'Interpreter\("(.*?)"\)', start)
    index = [line[4:] for line in _text(CARD).splitlines() if line.startswith("  - {")]
    [entry] = [each for each in map(json.loads, index) if each["name"] == model]
    np.savez(tmp_path / "test.npz", images=unseen.images, labels=unseen.labels)
    done = subprocess.run(
        [sys.executable, "-c", EXAMPLE.format(start=start, call=call), tmp_path / "test.npz"],
        cwd=(ROOT / CARD).parent,
        capture_output=True,
        check=False,
        text=True,
    )
    told, _, accuracy = done.stdout.strip().rpartition(" ")
    assert told == f"(1, {len(LABELS)}) int8", done.stderr
    [metric] = entry["results"][0]["metrics"]
    assert float(accuracy) == pytest.approx(metric["value"], abs=5e-4)


def test_the_model_card_names_the_labels_and_the_presets_that_had_a_teacher() -> None:
    text = " ".join(_text(CARD).split())
    assert f"in this order: {', '.join(LABELS)}." in text
    taught = [f"`{name}`" for name in PRESET_NAMES if presets.get(name).distillation]
    assert f"{', '.join(taught[:-1])} and {taught[-1]} learned from a convolutional teacher" in text


def test_the_exit_codes_in_the_docs_are_those_of_the_errors() -> None:
    listed = re.findall(r"^\| ([\d, ]+) \|", _text("docs/architecture.md"), re.MULTILINE)
    codes = {int(code) for cell in listed for code in cell.split(",")}
    classes = [each for name, each in vars(errors).items() if name.endswith("Error")]
    base = errors.FmnistEdgeError.exit_code
    own = {each.exit_code for each in classes} - {base}
    assert codes == own | {0, errors.INTERRUPTED_EXIT_CODE}


def test_the_runtimes_in_the_docs_are_those_of_the_table() -> None:
    [row] = re.findall(r"^\| runtime \|.*`(.*)` \|$", _text("docs/architecture.md"), re.MULTILINE)
    assert row.split() == list(RUNTIMES)


DEVICES_PAGE = "docs/accelerators.md"


def test_the_devices_in_the_docs_are_those_of_the_runtimes() -> None:
    [table] = re.findall(
        r"^\| device \| what it is \| runtimes \|\n.*\n((?:\|.*\n)+)",
        _text(DEVICES_PAGE),
        re.MULTILINE,
    )
    expected = []
    for name, device in DEVICES.items():
        runs = [f"`{each}`" for each, runtime in RUNTIMES.items() if name in runtime.DEVICES]
        expected.append(f"| `{name}` | {device.title} | {', '.join(runs) or '-'} |")
    assert table.splitlines() == expected[1:], "every runtime runs on the first device, the CPU"


def test_the_packages_that_a_device_needs_are_in_the_docs() -> None:
    named = set(re.findall(r"[\w-]+", _text(DEVICES_PAGE)))
    provisions = [each for runtime in RUNTIMES.values() for each in runtime.DEVICES.values()]
    packages = {Requirement(each).name for of in provisions for each in of.packages}
    assert packages <= named


def test_each_reason_against_a_figure_is_in_the_docs() -> None:
    pages = (_text("docs/measurement.md"), _text(DEVICES_PAGE))
    listed = {
        code for page in pages for code in re.findall(r"^\| `([a-z0-9-]+)` \|", page, re.MULTILINE)
    }
    assert set(sentences.REASONS) <= listed


def test_the_install_for_a_device_is_as_small_as_the_readme_says() -> None:
    page = _text("README.md")
    [target] = re.findall(r"\[measured\]\((.*device-install\.json)\)", page)
    first, *_ = json.loads(_text(target))["installs"]
    assert first["python"].startswith("3.11.")
    size = round(first["bytes_without_pyc"] / 1e6)
    saved = round((first["bytes"] - first["bytes_without_pyc"]) / 1e6)
    assert f"{first['packages']} packages, {size} MB on x86-64 (Python 3.11" in page
    assert f"saves {saved} MB" in page
    assert max(each["steady_bytes"] for each in first["worker_memory"]) <= 50e6
    assert size <= 150


def test_every_command_of_the_readme_exists(cli: CommandLine) -> None:
    named = set(re.findall(r"fmnist-edge ([a-z]+)\b", _text("README.md"))) - {"maintainers"}
    listed = cli("--help").stdout.partition("Commands:")[2].partition("\n\n")[0]
    known = set(re.findall(r"^  ([a-z]+) ", listed, re.MULTILINE))
    assert named & known == known
    assert named <= known | {"takes"}


def test_the_readme_reads_no_result_that_it_has_not_written_before() -> None:
    [steps] = re.findall(r"## Step by step\n\n```sh\n(.*?)```", _text("README.md"), re.DOTALL)
    written: set[str] = set()
    for line in steps.splitlines():
        reads = set(re.findall(r"(?<!--json )\b[\w-]+\.json\b", line))
        assert reads <= written, line
        written |= set(re.findall(r"--json ([\w-]+\.json)", line))
    assert len(written) == 2


def test_what_the_readme_calls_stable_is_there() -> None:
    [row] = re.findall(r"^\| Python: (.*) \| yes \|$", _text("README.md"), re.MULTILINE)
    names = re.findall(r"`([\w.]+)`", row)
    assert names
    for module, _, name in (each.rpartition(".") for each in names):
        assert name in vars(pkgutil.resolve_name(module))


def test_each_finding_of_the_doctor_is_in_the_docs_and_no_other() -> None:
    listed = re.findall(r"^\| `([a-z0-9-]+)` \|", _text("docs/doctor.md"), re.MULTILINE)
    assert sorted(listed) == sorted(codes.FINDINGS)
