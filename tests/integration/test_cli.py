"""The command line as a person or a script meets it."""

import json
import re
from pathlib import Path

import pytest

from fmnist_edge import __version__
from fmnist_edge.artifact import manifest_path, read_manifest
from fmnist_edge.dataset import DATASET_SHA256
from fmnist_edge.devices import DEVICES
from fmnist_edge.files import sha256_of
from fmnist_edge.recipes import RECIPES
from fmnist_edge.records import replace
from fmnist_edge.training.preset_names import PRESET_NAMES
from tests.commands import CommandLine, Finished, copy_artifact
from tests.examples import npz_model

COMMANDS = [
    *("data", "study", "train", "evaluate", "export", "predict", "bundle", "devices", "doctor"),
    *("bench", "report", "compare", "diverge", "environment", "wheelhouse"),
]
HEAVY = {
    "ai_edge_litert",
    "h5py",
    "keras",
    "matplotlib",
    "numpy",
    "onnx",
    "onnxruntime",
    "pooch",
    "rich",
    "tensorflow",
    "tf2onnx",
}
# Runs the command line on its own arguments, then tells which packages that imported.
IMPORTED = """
import sys
from fmnist_edge_cli.main import main
try:
    main()
except SystemExit:
    print("imported:", *sys.modules)
"""


@pytest.fixture
def newcomer(inside: CommandLine, tmp_path: Path) -> CommandLine:
    """Somebody who has made nothing yet."""
    home = tmp_path / "home"
    home.mkdir()
    return replace(inside, home=home)


# Help


def test_without_a_command_the_help_is_shown(cli: CommandLine) -> None:
    alone, asked = cli(), cli("--help")
    assert asked.returncode == 0
    assert (alone.stdout + alone.stderr).strip() == asked.stdout.strip()


def test_the_help_lists_the_commands_in_the_order_of_a_day(cli: CommandLine) -> None:
    listed = re.findall(r"^  (\w+)  ", cli("--help").stdout.partition("Commands:")[2], re.MULTILINE)
    assert listed == COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_examples_that_start_with_its_own_name(
    cli: CommandLine, command: str
) -> None:
    shown = cli(command, "--help")
    assert shown.returncode == 0
    _, found, rest = shown.stdout.partition("  Examples:\n")
    assert found
    examples = rest.partition("\n\n")[0].splitlines()
    assert examples
    assert all(line.strip().startswith(f"fmnist-edge {command}") for line in examples)


def test_the_help_of_choices_comes_from_the_tables(cli: CommandLine) -> None:
    formats = dict.fromkeys(recipe.format.value for recipe in RECIPES.values())
    precisions = dict.fromkeys(recipe.precision.value for recipe in RECIPES.values())
    shown = "".join(cli("export", "--help").stdout.split())  # long lists are broken anywhere
    assert f"[{'|'.join(('all', *formats))}]" in shown
    assert f"[{'|'.join(precisions)}]" in shown


def test_the_version_is_the_packages(cli: CommandLine) -> None:
    assert cli("--version").stdout == f"fmnist-edge {__version__}\n"


@pytest.mark.parametrize("arguments", [["--help"], *([each, "--help"] for each in COMMANDS)])
def test_help_imports_nothing_heavy(cli: CommandLine, arguments: list[str]) -> None:
    shown = cli.python("-c", IMPORTED, *arguments)
    assert "Options:" in shown.stdout
    imported = shown.stdout.rpartition("imported:")[2].split()
    assert HEAVY.isdisjoint(name.partition(".")[0] for name in imported)


def test_the_list_of_commands_imports_none_of_them(cli: CommandLine) -> None:
    shown = cli.python("-c", IMPORTED, "--help")
    imported = set(shown.stdout.rpartition("imported:")[2].split())
    own = {name for name in imported if name.startswith("fmnist_edge")}
    assert own == {
        *("fmnist_edge", "fmnist_edge.errors"),
        *("fmnist_edge_cli", "fmnist_edge_cli.commands", "fmnist_edge_cli.main"),
    }
    assert {"msgspec", "importlib.metadata"}.isdisjoint(imported)


def test_shells_are_offered_commands_and_choices(cli: CommandLine) -> None:
    script = cli.execute(["env", "_FMNIST_EDGE_COMPLETE=source_bash", cli.entry_point])
    assert "complete -o default -F" in script.stdout
    for words, offered in (
        ("fmnist-edge ", COMMANDS),
        ("fmnist-edge train --preset ", list(PRESET_NAMES)),
        ("fmnist-edge devices ", list(DEVICES)),
    ):
        asking = ["_FMNIST_EDGE_COMPLETE=complete_bash", f"COMP_WORDS={words}"]
        place = f"COMP_CWORD={len(words.split())}"
        answer = cli.execute(["env", *asking, place, cli.entry_point])
        assert answer.stdout.split() == offered


# Mistakes


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["train", "--nonsense"],
        ["train", "--preset", "nonsense"],
        ["train", "--epochs", "0"],
        ["train", "--batch-size", "-1"],
        ["train", "--seed", "-1"],
        ["train", "--out", "model.tflite"],
        ["export", "--format", "keras"],
        ["export", "--precision", "nonsense"],
        ["export", "x.keras", "--format", "npz", "--precision", "int8"],
        ["export", "x.keras", "--batch", "0"],
        ["export", "x.keras", "--batch", "many"],
        ["export", "x.keras", "--opset", "0"],
        ["export", "x.keras", "--verify", "nonsense"],
        ["export", "x.keras", "--max-drop", "-1"],
        ["bench", "--protocol", "nonsense", "."],
        ["bench", "--threads", "0"],
        ["bench", "--limit", "0"],
        ["report"],
    ],
    ids=" ".join,
)
def test_an_impossible_request_ends_with_2_and_a_sentence(
    newcomer: CommandLine, arguments: list[str]
) -> None:
    done = newcomer(*arguments)
    assert (done.returncode, done.stdout, done.speaks_plainly) == (2, "", True)
    assert list(newcomer.home.iterdir()) == []


def test_an_unknown_runtime_is_named_with_those_that_are_known(
    inside: CommandLine, exported: Path
) -> None:
    done = inside("bench", exported, "--runtime", "nonsense")
    assert (done.returncode, done.speaks_plainly) == (2, True)
    assert "litert, onnxruntime" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["bench", "nowhere.onnx"], "There is no nowhere.onnx."),
        (["bench"], "There are no model files in artifacts."),
        (["bench", "."], "There are no model files in "),
        (["export", "nowhere.keras"], "Cannot read nowhere.keras: No such file"),
        (["export"], "There is no trained model in artifacts."),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_is_not_there_ends_with_20_and_a_next_step(
    newcomer: CommandLine, arguments: list[str], sentence: str
) -> None:
    done = newcomer(*arguments)
    assert (done.returncode, done.stdout, done.speaks_plainly) == (20, "", True)
    error, hint = done.stderr.splitlines()
    assert sentence in error
    assert hint


@pytest.mark.parametrize("command", [["data", "--offline"], ["train"], ["export"], ["bench"]])
def test_without_data_every_command_ends_with_10_and_what_to_do(
    newcomer: CommandLine, exported: Path, tmp_path: Path, command: list[str]
) -> None:
    copy_artifact(exported / "default.keras", tmp_path)
    extra = [tmp_path / "default.keras"] if command[0] in {"export", "bench"} else []
    out = [] if command[0] in {"data", "bench"} else ["--out", tmp_path / "new.keras"]
    done = replace(newcomer, data=newcomer.home)(*command, *extra, *out)
    assert (done.returncode, done.speaks_plainly) == (10, True)
    assert "all four files of Fashion-MNIST" in done.stderr
    assert "TensorFlow" not in done.stderr
    assert not (tmp_path / "new.keras").exists()


@pytest.mark.parametrize(
    ("content", "code", "sentence"),
    [
        (b"", 80, "is no result of fmnist-edge, or is damaged: it is not JSON"),
        (
            b"{}",
            80,
            "is no result of fmnist-edge, or is damaged: it: object missing required field `kind`",
        ),
        (b'{"kind": "fmnist-edge run", "schema_version": 99}', 81, "newer schema version 99"),
    ],
    ids=["empty", "other JSON", "newer"],
)
def test_a_report_on_what_is_no_result_ends_with_a_sentence(
    inside: CommandLine, tmp_path: Path, content: bytes, code: int, sentence: str
) -> None:
    (tmp_path / "result.json").write_bytes(content)
    done = inside("report", tmp_path / "result.json", "--out", tmp_path / "page.md")
    assert (done.returncode, done.speaks_plainly) == (code, True)
    assert sentence in done.stderr
    assert not (tmp_path / "page.md").exists()


def _prepare(folder: Path) -> None:
    """Files that commands refuse, each for a reason of its own."""
    damaged = folder / "damaged.npz"
    damaged.write_bytes(npz_model(3))
    manifest_path(damaged).write_text("{")
    (folder / "text.npz").write_text("I am no model.\n")
    (folder / "there.keras").write_bytes(b"")
    (folder / "bad.toml").write_text("[schedule]\nepoch = 3\n")
    (folder / "newer.json").write_text('{"kind": "fmnist-edge run", "schema_version": 99}')


@pytest.mark.parametrize(
    ("code", "arguments"),
    [
        (2, ["train", "--epochs", "0"]),
        (10, ["data", "--offline", "--data-dir", "."]),
        (20, ["evaluate", "nowhere.npz"]),
        (21, ["evaluate", "damaged.npz"]),
        (23, ["train", "--out", "there.keras"]),
        (24, ["evaluate", "text.npz"]),
        (41, ["train", "--resume"]),
        (42, ["train", "--preset", "bad.toml"]),
        (60, ["train", "--out", "bad.toml/model.keras"]),
        (80, ["report", "text.npz"]),
        (81, ["report", "newer.json"]),
    ],
)
def test_the_exit_code_of_a_refusal_is_that_of_the_process(
    cli: CommandLine, tmp_path: Path, code: int, arguments: list[str]
) -> None:
    _prepare(tmp_path)
    before = sorted(tmp_path.iterdir())
    done = cli(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.speaks_plainly) == (code, "", True), done.stderr
    assert sorted(tmp_path.iterdir()) == before


# Answers


def test_data_answers_with_folder_and_identity(cli: CommandLine) -> None:
    assert json.loads(cli("data", "--json", "-").stdout) == {
        "path": str(cli.data),
        "source": "data-dir",
        "sha256": DATASET_SHA256,
    }
    assert str(cli.data) in cli("data").stdout


def test_train_answers_with_the_manifest(training: Finished, trained: Path) -> None:
    assert json.loads(training.stdout) == json.loads(manifest_path(trained).read_text())


def test_the_manifest_of_a_model_tells_how_it_was_trained(trained: Path) -> None:
    manifest = read_manifest(trained)
    assert manifest is not None
    assert manifest.sha256 == sha256_of(trained.read_bytes())
    assert manifest.parent_sha256 is None
    told = manifest.training
    assert told is not None
    assert (told.preset, told.seed, told.epochs) == ("study", 0, 4)
    assert told.data_sha256 == DATASET_SHA256
    assert set(told.history) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert {len(values) for values in told.history.values()} == {4}
    assert told.validation_accuracy == pytest.approx(max(told.history["val_accuracy"]), abs=1e-4)
    assert told.best_epoch == 1 + told.history["val_accuracy"].index(
        max(told.history["val_accuracy"])
    )
    assert told.test_accuracy > 0.84


def test_progress_is_no_part_of_the_answer(training: Finished, exporting: Finished) -> None:
    assert "Train study, seed 0: 100 %" in training.stderr
    assert "Export default.keras: 100 % (saved-model-float32)" in exporting.stderr
    for done in (training, exporting):
        assert "Traceback" not in done.stderr
        assert "Warning" not in done.stderr


def test_training_and_exporting_leave_nothing_in_the_home_folder(
    spotless: CommandLine, trained: Path, exported: Path
) -> None:
    assert trained.exists()
    assert exported.exists()
    assert list(spotless.home.iterdir()) == []


# What the user has already


def test_train_does_not_replace_a_model_unless_told_to(
    cli: CommandLine, exported: Path, tmp_path: Path
) -> None:
    model = copy_artifact(exported / "default.keras", tmp_path)
    before = model.read_bytes(), manifest_path(model).read_bytes()
    refused = cli("train", "--out", model)
    assert (refused.returncode, refused.stdout, refused.speaks_plainly) == (23, "", True)
    assert "--force" in refused.stderr
    assert (model.read_bytes(), manifest_path(model).read_bytes()) == before


def test_a_manifest_alone_is_not_replaced_either(
    cli: CommandLine, trained: Path, tmp_path: Path
) -> None:
    model = copy_artifact(trained, tmp_path)
    model.unlink()
    assert cli("train", "--out", model).returncode == 23


def test_export_does_not_replace_files_unless_told_to(
    cli: CommandLine, exported: Path, tmp_path: Path
) -> None:
    model = copy_artifact(exported / "default.keras", tmp_path)
    file = copy_artifact(exported / "default-float32.npz", tmp_path)
    before = manifest_path(file).read_bytes()
    refused = cli("export", model)
    assert (refused.returncode, refused.stdout, refused.speaks_plainly) == (23, "", True)
    assert "default-float32.npz is there already" in refused.stderr
    assert manifest_path(file).read_bytes() == before
    assert not (tmp_path / "default-float32.tflite").exists()
    assert "TensorFlow" not in refused.stderr


def test_export_without_a_model_takes_the_newest(
    cli: CommandLine, trained: Path, tmp_path: Path
) -> None:
    manifest = json.loads(manifest_path(trained).read_text())
    for name, created in (("a", "2026-01-01"), ("b", "2026-03-01"), ("c", "2026-02-01")):
        path = tmp_path / "models" / f"{name}.keras"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(trained.read_bytes())
        text = json.dumps(manifest | {"file": path.name, "created": f"{created}T00:00:00+00:00"})
        manifest_path(path).write_text(text)
    chosen = ["--artifacts", tmp_path, "--format", "npz", "--out", tmp_path / "out"]
    done = cli("export", *chosen, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert [path.name for path in (tmp_path / "out").glob("*.npz")] == ["b-float32.npz"]
