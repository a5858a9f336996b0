"""Write the tables of the pages anew from the result files that they name.

    python benchmarks/render_tables.py README.md docs/formats.md

A table stands between `<!-- KIND: FILE -->` and `<!-- end of table -->`. The tests compare every
page with what this would write, so that no page claims what no result file says.
"""

import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from fmnist_edge.artifact import Manifest
from fmnist_edge.files import write_atomically
from fmnist_edge.records import decode
from fmnist_edge.report.exports import Made, exports_table
from fmnist_edge.report.markdown import markdown_table
from fmnist_edge.report.table import Table, benchmark_table
from fmnist_edge.result import read_run

ROOT: Final = Path(__file__).parents[1]
TABLE: Final = re.compile(
    r"<!-- (?P<kind>\w+): (?P<file>\S+) -->\n.*?<!-- end of table -->", re.DOTALL
)


def rendered(page: str) -> str:
    """The text of a page, with its tables as their result files have them now.

    Raises:
        KeyError: a table is of no known kind.
        OSError: a result file is not there.
    """
    return TABLE.sub(_render, page)


def _render(found: re.Match[str]) -> str:
    kind, file = found["kind"], found["file"]
    table = markdown_table(_KINDS[kind](ROOT / file))
    return f"<!-- {kind}: {file} -->\n{table}\n<!-- end of table -->"


def _runs(path: Path) -> Table:
    return benchmark_table(read_run(path))


def _exports(path: Path) -> Table:
    """What `export --json` printed, without the seconds, which it does not tell."""
    manifests = [decode(Manifest, each) for each in json.loads(path.read_bytes())]
    whole = exports_table([Made(each.recipe, each, 0.0) for each in manifests])
    return Table(
        ("recipe", *whole.headers[1:-1]),
        tuple(row[:-1] for row in whole.rows),
        whole.numeric[:-1],
    )


def _calibration(path: Path) -> Table:
    trials = json.loads(path.read_bytes())["trials"]
    return _table(
        ("recipe", "method", "images", "change of accuracy", "agreement %", "largest difference"),
        2,
        [
            (
                each["recipe"],
                each["method"],
                f"{each['images']:,}",
                f"{each['change']:+.2f}",
                f"{100 * each['agreement']:.2f}",
                f"{each['largest']:.3f}",
            )
            for each in trials
        ],
    )


def _conversions(path: Path) -> Table:
    ratios = json.loads(path.read_bytes())["ratios"]
    return _table(
        ("conversion", "accuracy %", "p50 µs", "times ours", "95 % interval"),
        1,
        [
            (
                each["file"],
                f"{100 * each['accuracy']:.2f}",
                f"{each['p50_ns'] / 1000:.1f}",
                f"{each['ratio']:.2f}",
                f"{each['low']:.2f} to {each['high']:.2f}",
            )
            for family in ratios.values()
            for each in family
        ],
    )


def _variants(path: Path) -> Table:
    variants = json.loads(path.read_bytes())["variants"]
    return _table(
        ("variant", "change of accuracy", "agreement %", "largest difference", "p50 µs"),
        1,
        [
            (
                each["name"],
                f"{each['change']:+.2f}",
                f"{100 * each['agreement']:.2f}",
                f"{each['largest']:.2f}",
                f"{each['p50_ns'] / 1000:.1f}",
            )
            for each in variants
        ],
    )


def _table(headers: Sequence[str], words: int, rows: Sequence[tuple[str, ...]]) -> Table:
    """A table whose first `words` columns hold no numbers."""
    return Table(tuple(headers), tuple(rows), tuple(i >= words for i in range(len(headers))))


_KINDS: Final[Mapping[str, Callable[[Path], Table]]] = {
    "table": _runs,
    "exports": _exports,
    "calibration": _calibration,
    "conversions": _conversions,
    "variants": _variants,
}


def main(pages: Sequence[Any]) -> None:
    for page in map(Path, pages):
        write_atomically(page, rendered(page.read_text(encoding="utf-8")).encode())


if __name__ == "__main__":
    main(sys.argv[1:])
