"""The rules of docs/architecture.md that no linter knows."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted(
    path.relative_to(ROOT).as_posix()
    for folder in ("fmnist_edge", "cli")
    for path in (ROOT / folder).rglob("*.py")
)
HEAVY = {
    "ai_edge_litert",
    "keras",
    "matplotlib",
    "onnx",
    "onnxruntime",
    "openvino",
    "pooch",
    "requests",
    "tensorflow",
    "tf2onnx",
}


def _tree(source: str) -> ast.Module:
    return ast.parse((ROOT / source).read_text(encoding="utf-8"))


def _imported(tree: ast.Module) -> set[str]:
    """Top-level packages that import statements anywhere in a module name."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            found.add((node.module or "").partition(".")[0])
    return found


def _mentions(tree: ast.Module, names: set[str]) -> bool:
    return any(
        (isinstance(node, ast.Attribute) and node.attr in names)
        or (isinstance(node, ast.Name) and node.id in names)
        or (isinstance(node, ast.alias) and node.name in names)
        for node in ast.walk(tree)
    )


@pytest.mark.parametrize("source", SOURCES)
def test_no_module_imports_a_heavy_package_by_a_statement(source: str) -> None:
    assert not _imported(_tree(source)) & HEAVY


def test_only_latency_has_a_clock() -> None:
    clocks = {"perf_counter", "perf_counter_ns", "monotonic", "monotonic_ns", "process_time"}
    assert [s for s in SOURCES if _mentions(_tree(s), clocks)] == ["fmnist_edge/bench/latency.py"]


def test_only_optional_imports_dynamically() -> None:
    dynamic = {"import_module", "__import__"}
    assert [s for s in SOURCES if _mentions(_tree(s), dynamic)] == ["fmnist_edge/optional.py"]


def test_only_render_writes_to_the_standard_streams() -> None:
    def writes(node: ast.AST) -> bool:
        stream = isinstance(node, ast.Attribute) and node.attr in {"stdout", "stderr"}
        return (isinstance(node, ast.Name) and node.id == "print") or (
            stream and isinstance(node.value, ast.Name) and node.value.id == "sys"
        )

    assert {s for s in SOURCES if any(writes(node) for node in ast.walk(_tree(s)))} == {
        "cli/fmnist_edge_cli/main.py",  # the traceback of a bug
        "cli/fmnist_edge_cli/render.py",
        "fmnist_edge/native_output.py",  # takes them away
    }


def test_only_the_edges_of_processes_catch_everything() -> None:
    def catches_all(node: ast.AST) -> bool:
        return isinstance(node, ast.ExceptHandler) and (
            node.type is None or (isinstance(node.type, ast.Name) and node.type.id == "Exception")
        )

    found = {s for s in SOURCES if any(catches_all(node) for node in ast.walk(_tree(s)))}
    assert found == {
        "cli/fmnist_edge_cli/main.py",
        "fmnist_edge/native_output.py",  # adds a note and raises again
        "fmnist_edge/worker.py",
    }


@pytest.mark.parametrize("source", SOURCES)
def test_files_stay_small(source: str) -> None:
    assert (ROOT / source).read_text(encoding="utf-8").count("\n") <= 300


@pytest.mark.parametrize("source", [s for s in SOURCES if not s.endswith("__init__.py")])
def test_every_module_says_what_is_public(source: str) -> None:
    assigned = {
        target.id
        for node in _tree(source).body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    assert "__all__" in assigned
