"""Rules about the source that neither ruff nor import-linter can see."""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES = sorted(
    path
    for top in (ROOT / "fmnist_edge", ROOT / "cli" / "fmnist_edge_cli")
    for path in top.rglob("*.py")
)
# What not every install has; whoever needs one of them asks `optional.require` for it.
OPTIONAL = {
    *("ai_edge_litert", "h5py", "keras", "matplotlib", "onnx", "onnxruntime", "openvino"),
    *("ncnn", "pandas", "pooch", "requests", "scipy", "sklearn", "tensorflow", "tf2onnx", "tqdm"),
}


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _imports(path: Path) -> set[str]:
    """The top-level packages that a file imports by a statement, anywhere in it."""
    statements = [each for each in ast.walk(_tree(path)) if isinstance(each, ast.Import)]
    names = [alias.name for each in statements for alias in each.names]
    froms = [each for each in ast.walk(_tree(path)) if isinstance(each, ast.ImportFrom)]
    names += [each.module for each in froms if each.module]
    return {name.partition(".")[0] for name in names}


def _all(path: Path) -> list[str]:
    """What the file lists in `__all__`."""
    for node in _tree(path).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            listed: list[str] = ast.literal_eval(node.value)
            return listed
    return []


def _mentioning(*words: str) -> set[str]:
    """The files in whose code (comments and texts aside) one of these names stands."""
    found = set()
    for path in SOURCES:
        for node in ast.walk(_tree(path)):
            names = (
                *([node.id] if isinstance(node, ast.Name) else []),
                *([node.attr] if isinstance(node, ast.Attribute) else []),
                *([node.name] if isinstance(node, ast.alias) else []),
            )
            if any(name.rpartition(".")[2] in words for name in names):
                found.add(_name(path))
    return found


def test_there_are_sources_to_look_at() -> None:
    assert len(SOURCES) > 50
    assert "fmnist_edge/worker.py" in map(_name, SOURCES)


def test_one_file_reads_a_clock_for_intervals() -> None:
    clocks = ["perf_counter", "perf_counter_ns", "monotonic", "monotonic_ns", "process_time"]
    assert _mentioning(*clocks) == {"fmnist_edge/clock.py", "fmnist_edge/bench/latency.py"}


def test_one_file_imports_by_name() -> None:
    assert _mentioning("import_module", "__import__") == {"fmnist_edge/optional.py"}


def test_nothing_is_unpickled_evaluated_or_run_by_a_shell() -> None:
    assert _mentioning("pickle", "eval", "exec", "marshal", "shelve", "popen") == set()


def test_files_that_print_are_those_of_the_command_line() -> None:
    assert _mentioning("print", "pprint") <= {"cli/fmnist_edge_cli/render.py"}


def test_no_file_imports_an_optional_package_by_a_statement() -> None:
    found = {_name(path): _imports(path) & OPTIONAL for path in SOURCES}
    assert {name: packages for name, packages in found.items() if packages} == {}


def test_every_file_says_what_it_is_about() -> None:
    assert [_name(path) for path in SOURCES if not ast.get_docstring(_tree(path))] == []


def test_only_the_face_of_a_package_lists_names_for_others() -> None:
    found = {_name(path) for path in SOURCES if _all(path) and path.name != "__init__.py"}
    assert found == set()
