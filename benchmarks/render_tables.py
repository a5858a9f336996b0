"""Write the tables of the pages anew from the result files that they name.

    python benchmarks/render_tables.py README.md docs/*.md artifacts/reference/README.md

A table stands between `<!-- KIND: FILE -->` and `<!-- end of table -->`; of a run, `screen` is what
the benchmark prints at its end, and `full` is the table of its report. The results in a model
card's front matter stand between `# model-index: FILE` and `# end of model-index`. The tests
compare every page with what this would write, so that no page claims what no result file says.
"""

import json
import re
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from fmnist_edge.artifact import Manifest
from fmnist_edge.divergence import SCHEMA_VERSION, Divergence
from fmnist_edge.files import write_atomically
from fmnist_edge.records import decode, decode_document
from fmnist_edge.report.cells import Table
from fmnist_edge.report.details import native_table
from fmnist_edge.report.divergence import changes_table, headings, layers_table, remarks, summary
from fmnist_edge.report.exports import Made, exports_table
from fmnist_edge.report.markdown import markdown_table
from fmnist_edge.report.numbers import counted
from fmnist_edge.report.placement import device_table
from fmnist_edge.report.screen import first_screen
from fmnist_edge.report.sustained import sustained_table
from fmnist_edge.report.table import benchmark_table
from fmnist_edge.result import read_run

ROOT: Final = Path(__file__).parents[1]
TABLE: Final = re.compile(
    r"<!-- (?P<kind>\w+): (?P<file>\S+) -->\n.*?<!-- end of table -->", re.DOTALL
)
_MODEL_INDEX: Final = re.compile(
    r"^# model-index: (?P<file>\S+)\n.*?^# end of model-index$", re.DOTALL | re.MULTILINE
)


def rendered(page: str) -> str:
    """Return the page with its tables and its model index drawn from their result files.

    Raises:
        KeyError: a table is of no known kind.
        OSError: a result file that is not a run is missing.
        ResultUnreadableError: a run is missing or damaged.
        ResultSchemaError: a run has a schema that is no longer read.
    """
    return _MODEL_INDEX.sub(_render_model_index, TABLE.sub(_render, page))


def _render(found: re.Match[str]) -> str:
    kind, file = found["kind"], found["file"]
    drawn = _KINDS[kind](ROOT / file)
    text = markdown_table(drawn) if isinstance(drawn, Table) else drawn
    return f"<!-- {kind}: {file} -->\n{text}\n<!-- end of table -->"


def _render_model_index(found: re.Match[str]) -> str:
    """Write a line per published file, as a flow mapping, which is valid JSON and valid YAML."""
    reference = json.loads((ROOT / found["file"]).read_bytes())
    lines = [
        f"  - {json.dumps(_indexed(figure))}"
        for figure in reference["figures"]
        if reference["published"][figure["preset"]] == figure["seed"]
    ]
    return "\n".join(
        [f"# model-index: {found['file']}", "model-index:", *lines, "# end of model-index"]
    )


def _indexed(figure: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the entry of a preset's int8 file with its accuracy on the test images, 0..1."""
    return {
        "name": f"{figure['preset']}-int8.tflite",
        "results": [
            {
                "task": {"type": "image-classification"},
                "dataset": {"name": "Fashion-MNIST", "type": "fashion_mnist", "split": "test"},
                "metrics": [{"type": "accuracy", "value": figure["test_accuracy"]}],
            }
        ],
    }


def _screen(path: Path) -> str:
    return f"```text\n{first_screen(read_run(path), 'result.json').text}\n```"


def _full(path: Path) -> Table:
    return benchmark_table(read_run(path))


def _exports(path: Path) -> Table:
    """Draw what `export --json` printed; it gives no seconds, so that column is left out."""
    manifests = [decode(Manifest, each) for each in json.loads(path.read_bytes())]
    whole = exports_table([Made(each.recipe, each, 0.0) for each in manifests])
    return Table(
        ("recipe", *whole.headers[1:-1]),
        tuple(row[:-1] for row in whole.rows),
        whole.numeric[:-1],
    )


# The headers of a table, each with the function that makes the cell of a record.
_Columns = Mapping[str, Callable[[Mapping[str, Any]], str]]

_JUDGED: Final[_Columns] = {
    "change of accuracy": lambda record: f"{record['change']:+.2f}",
    "agreement %": lambda record: f"{100 * record['agreement']:.2f}",
}
_CALIBRATION: Final[_Columns] = {
    "recipe": lambda record: record["recipe"],
    "method": lambda record: record["method"],
    "images": lambda record: f"{record['images']:,}",
    **_JUDGED,
    "largest difference": lambda record: f"{record['largest']:.3f}",
}
_VARIANTS: Final[_Columns] = {
    "variant": lambda record: record["name"],
    **_JUDGED,
    "largest difference": lambda record: f"{record['largest']:.2f}",
    "p50 µs": lambda record: f"{record['p50_ns'] / 1000:.1f}",
}
_CONVERSIONS: Final[_Columns] = {
    "conversion": lambda record: record["file"],
    "accuracy %": lambda record: f"{100 * record['accuracy']:.2f}",
    "p50 µs": lambda record: f"{record['p50_ns'] / 1000:.1f}",
    "times ours": lambda record: f"{record['ratio']:.2f}",
    "95 % interval": lambda record: f"{record['low']:.2f} to {record['high']:.2f}",
}
_COVERAGE: Final[_Columns] = {
    "values": lambda record: str(record["values"]),
    "drawn from": lambda record: record["drawn_from"],
    "bootstrap percentiles": lambda record: _whole(record["bootstrap"]),
    "expanded percentiles (Hesterberg 2015)": lambda record: _whole(record["expanded"]),
    "Student's t": lambda record: _whole(record["student"]),
}
_LOADGEN: Final[_Columns] = {
    "batch": lambda record: str(record["batch"]),
    "same calls: our p50 µs": lambda record: f"{record['our_p50'] / 1000:.1f}",
    "LoadGen's p50 µs": lambda record: f"{record['loadgen_p50'] / 1000:.1f}",
    "longer by": lambda record: f"{100 * (record['loadgen_p50'] / record['our_p50'] - 1):.1f} %",
    "nine of ten calls, by µs": lambda record: (
        f"{record['least_added'] / 1000:.1f} to {record['most_added'] / 1000:.1f}"
    ),
    "in turns: net p50 over ours": lambda record: _with_interval(record["p50"]),
    "net p90 over ours": lambda record: _with_interval(record["p90"]),
}
_REFERENCE: Final[_Columns] = {
    "preset": lambda record: f"`{record['preset']}`",
    "layers": lambda record: "-".join(map(str, record["widths"])),
    "int8 bytes": lambda record: f"{record['file_bytes']:,}",
    "test %": lambda record: _spread(record["test"]),
    "validation %": lambda record: _spread(record["validation"]),
    "float32 test %": lambda record: _spread(record["float_test"]),
    "seeds": lambda record: str(len(record["test"])),
    "trains in s": lambda record: f"{statistics.mean(record['seconds']):.0f}",
}
_PRESETS: Final = ("preset", "layers", "int8 bytes", "test %")
_TRIALS: Final[_Columns] = {
    "question": lambda record: record["question"],
    "layers": lambda record: "-".join(map(str, record["widths"])),
    "epochs": lambda record: str(record["epochs"]),
    "train %": lambda record: f"{100 * record['training_accuracy']:.1f}",
    "validation %": lambda record: f"{100 * record['validation_accuracy']:.2f}",
    "seed": lambda record: str(record["seed"]),
    "s": lambda record: f"{record['seconds']:.0f}",
}
_SEARCH: Final[_Columns] = {
    "parameters": lambda record: str(record["parameters"]),
    "averaged squares": lambda record: f"{record['pool']}x{record['pool']}",
    "hidden": lambda record: ", ".join(map(str, record["hidden"])) or "none",
    "last bias": lambda record: "yes" if record["bias"] else "no",
    "validation % of each seed": lambda record: ", ".join(
        f"{100 * share:.1f}" for share in record["validation_accuracy"]
    ),
    "beats the majority": lambda record: "yes" if record["beats_majority"] else "no",
}
_RACES: Final[_Columns] = {
    "seed": lambda record: str(record["seed"]),
    "the study's way, s": lambda record: f"{record['study_seconds']:.1f}",
    "epochs": lambda record: str(record["study_epochs"]),
    "reached %": lambda record: f"{100 * record['study_accuracy']:.2f}",
    "ours, s": lambda record: f"{record['fast_seconds']:.1f}",
    "reached, %": lambda record: f"{100 * record['fast_accuracy']:.2f}",
    "times as long": lambda record: f"{record['study_seconds'] / record['fast_seconds']:.1f}",
    "`default`, s": lambda record: f"{record['default_seconds']:.0f}",
}
_WORDS: Final = {
    "recipe",
    "method",
    "variant",
    "conversion",
    "drawn from",
    "preset",
    "layers",
    "question",
    "hidden",
    "last bias",
    "beats the majority",
}


def _spread(shares: Sequence[float]) -> str:
    mean = f"{100 * statistics.mean(shares):.2f}"
    return f"{mean} ± {100 * statistics.stdev(shares):.2f}" if len(shares) > 1 else mean


def _whole(share: float) -> str:
    return f"{100 * share:.0f} %"


def _with_interval(times: Mapping[str, Any]) -> str:
    known = times["interval"]
    return f"{times['ratio']:.2f} ({known['low']:.2f} to {known['high']:.2f})"


def _calibration(path: Path) -> Table:
    return _table(_CALIBRATION, json.loads(path.read_bytes())["trials"])


def _variants(path: Path) -> Table:
    return _table(_VARIANTS, json.loads(path.read_bytes())["variants"])


def _conversions(path: Path) -> Table:
    families = json.loads(path.read_bytes())["ratios"].values()
    return _table(_CONVERSIONS, [record for family in families for record in family])


def _coverage(path: Path) -> Table:
    return _table(_COVERAGE, json.loads(path.read_bytes())["coverage"])


def _reference(path: Path) -> Table:
    """Draw a row per preset, with means over its seeds."""
    return _table(_REFERENCE, _by_preset(path))


def _presets(path: Path) -> Table:
    """Draw a row per preset with the columns that a first reader needs."""
    return _table({name: _REFERENCE[name] for name in _PRESETS}, _by_preset(path))


def _by_preset(path: Path) -> Sequence[Mapping[str, Any]]:
    figures = json.loads(path.read_bytes())["figures"]
    names = dict.fromkeys(each["preset"] for each in figures)
    return [_gathered([each for each in figures if each["preset"] == name]) for name in names]


def _gathered(figures: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    published = max(figures, key=lambda each: (each["validation_accuracy"], -each["seed"]))
    return {
        "preset": figures[0]["preset"],
        "widths": figures[0]["widths"],
        "file_bytes": published["file_bytes"],
        "test": [each["test_accuracy"] for each in figures],
        "validation": [each["validation_accuracy"] for each in figures],
        "float_test": [each["float_test_accuracy"] for each in figures],
        "seconds": [each["training_seconds"] for each in figures],
    }


def _trials(path: Path) -> Table:
    return _table(_TRIALS, json.loads(path.read_bytes())["outcomes"])


def _search(path: Path) -> Table:
    return _table(_SEARCH, json.loads(path.read_bytes())["tried"])


def _races(path: Path) -> Table:
    return _table(_RACES, json.loads(path.read_bytes())["races"])


def _loadgen(path: Path) -> Table:
    """Draw a row per batch size: the calls that both timed, then the calls that each made."""
    found = json.loads(path.read_bytes())
    both = zip(found["same_calls"], found["own_calls"], strict=True)
    return _table(_LOADGEN, [{**same, **own} for same, own in both])


def _table(columns: _Columns, records: Sequence[Mapping[str, Any]]) -> Table:
    return Table(
        headers=tuple(columns),
        rows=tuple(tuple(cell(record) for cell in columns.values()) for record in records),
        numeric=tuple(header not in _WORDS for header in columns),
    )


def _divergence(path: Path) -> str:
    """Write what was compared, the summary, and a row per layer where layers were read."""
    found = _read_divergence(path)
    lines = [
        *(f"- {each}" for each in headings(found)),
        "",
        " ".join([summary(found), *remarks(found)]),
    ]
    if found.layers:
        lines += ["", markdown_table(layers_table(found.layers))]
    return "\n".join(lines)


def _read_divergence(path: Path) -> Divergence:
    return decode_document(Divergence, path.read_bytes(), SCHEMA_VERSION)


def _agreement(path: Path) -> Table:
    """Draw a row per file, with a figure for each processor."""
    by_file: dict[str, list[Mapping[str, Any]]] = {}
    for each in json.loads(path.read_bytes())["agreements"]:
        by_file.setdefault(each["file"], []).append(each)
    cpus = [each["cpu"] for each in next(iter(by_file.values()))]
    headers = (
        *("file", "runtime", "labels that differ"),
        *(f"scores apart, {cpu}" for cpu in cpus),
        *(f"largest difference, {cpu}" for cpu in cpus),
    )
    rows = [
        (
            file,
            found[0]["runtime"],
            str(sum(each["labels_different"] for each in found)),
            *(str(each["scores_apart"]) for each in found),
            *map(_largest_difference, found),
        )
        for file, found in by_file.items()
    ]
    return Table(headers, tuple(rows), (False, False, *[True] * (len(headers) - 2)))


def _largest_difference(record: Mapping[str, Any]) -> str:
    difference, step = record["largest_difference"], record["step"]
    if step is not None:
        return counted(round(difference / step), "step")
    return f"{difference:.1e}" if difference else "0"


_KINDS: Final[Mapping[str, Callable[[Path], Table | str]]] = {
    "agreement": _agreement,
    "screen": _screen,
    "full": _full,
    "devices": lambda path: device_table(read_run(path)),
    "exports": _exports,
    "calibration": _calibration,
    "conversions": _conversions,
    "coverage": _coverage,
    "loadgen": _loadgen,
    "variants": _variants,
    "reference": _reference,
    "presets": _presets,
    "trials": _trials,
    "search": _search,
    "races": _races,
    "native": lambda path: native_table(read_run(path)),
    "sustained": lambda path: sustained_table(read_run(path)),
    "divergence": _divergence,
    "changed": lambda path: changes_table(_read_divergence(path)),
}


def main(pages: Sequence[str]) -> None:
    for page in map(Path, pages):
        write_atomically(page, rendered(page.read_text(encoding="utf-8")).encode())


if __name__ == "__main__":
    main(sys.argv[1:])
