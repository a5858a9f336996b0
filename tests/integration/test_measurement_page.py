"""What the page about measuring says in sentences is what the result files say."""

from pathlib import Path

from fmnist_edge.result import Row, read_run

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/measurement.md"


def _labels(row: Row) -> str:
    return next(each.predictions.labels for each in row.measurements if each.predictions)


def test_openvino_labels_the_int8_file_as_often_like_litert_as_the_page_says() -> None:
    [path] = ROOT.glob("benchmarks/results/*/formats.json")
    rows = {
        row.case.runtime: row
        for row in read_run(path).rows
        if row.case.subject.name == "default-int8.tflite"
    }
    ours, other = (_labels(rows[name]) for name in ("litert", "openvino"))
    alike = sum(one == another for one, another in zip(ours, other, strict=True)) / len(ours)
    reached = [row.accuracy.top1 for row in rows.values() if row.accuracy]
    text = " ".join(PAGE.read_text(encoding="utf-8").split())
    assert (
        f"OpenVINO labels {100 * alike:.1f} % of the test images as LiteRT does, and their "
        f"accuracies differ by {100 * (max(reached) - min(reached)):.2f} points"
    ) in text
