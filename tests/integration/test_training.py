"""Training as a user does it: real data, real learning, and nothing lost on the way."""

import json
import os
import signal
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from fmnist_edge.artifact import open_artifact
from fmnist_edge.training.preset_names import PRESET_NAMES, STUDY
from tests import trainings
from tests.commands import CommandLine, Finished, finish, wait_until

# Convolutions, normalization, averages, augmentation and fine-tuning: all that a preset may have.
STUDENT = """
[architecture]
pool = 2
convolutions = [{ kernel = 3, stride = 2, channels = 8, padding = 1 }]
hidden = [32]
normalize = true
standardize = true
[regularization]
dropout = 0.05
[optimizer]
name = "adamw"
learning_rate = 5e-3
weight_decay = 0.01
[schedule]
epochs = 3
batch_size = 500
decay = "cosine"
averaging = 0.98
[augmentation]
flip = true
[fine_tuning]
epochs = 1
learning_rate = 1e-3
"""
# A student that costs next to nothing.
LIGHT = """
[architecture]
pool = 4
hidden = [16]
[schedule]
batch_size = 1000
[augmentation]
flip = true
"""
ONE_THREAD = ("--threads", 1)
WILD = """
[architecture]
hidden = [8]
[optimizer]
learning_rate = 1e38
[schedule]
batch_size = 5000
"""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A preset of the user's own."""
    path = tmp_path_factory.mktemp("presets") / "own.toml"
    path.write_text(STUDENT)
    return path


@pytest.fixture(scope="module")
def whole(cli: CommandLine, own: Path, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """That preset, trained without interruption, with all that can be asked for."""
    folder = tmp_path_factory.mktemp("whole")
    drawn = ("--plots", "curves", "--tensorboard", "logs")
    done = cli("train", "--preset", own, *ONE_THREAD, "--out", "own.keras", *drawn, cwd=folder)
    assert done.returncode == 0, done.stderr
    return done


def test_a_preset_from_a_file_learns_fashion(whole: Finished) -> None:
    manifest = open_artifact(whole.folder / "own.keras").manifest
    assert manifest is not None
    training = manifest.training
    assert training is not None
    assert training.preset == "own"
    assert training.epochs == 4
    assert training.test_accuracy > 0.84
    assert f"{training.test_accuracy:.2%} on the 10,000 test images" in whole.stdout
    assert "Trained for 4 epochs" in whole.stdout
    assert not (whole.folder / "own.checkpoint").exists()
    # TensorFlow's own messages stay away, with TensorBoard too.
    first, *lines = whole.stderr.splitlines()
    assert first == "Starting TensorFlow ..."
    assert all(line.startswith("Train own, seed 0") for line in lines), whole.stderr


def test_learning_curves_are_drawn_and_logged(whole: Finished) -> None:
    curves = whole.folder / "curves" / "own-learning-curves"
    assert curves.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
    assert ET.parse(curves.with_suffix(".svg")).getroot().tag.endswith("svg")  # noqa: S314 - our own
    history = json.loads(curves.with_suffix(".json").read_text())["history"]
    assert [len(values) for values in history.values()] == [4] * 4
    (log,) = (whole.folder / "logs").iterdir()
    assert b"accuracy/validation" in log.read_bytes()


def test_however_often_it_is_interrupted_it_ends_as_the_same_model(
    cli: CommandLine, own: Path, whole: Finished, tmp_path: Path
) -> None:
    command = ("train", "--preset", own, *ONE_THREAD, "--out", "own.keras")
    kept = tmp_path / "own.checkpoint"
    assert _stop(cli, command, tmp_path, kept.name, signal.SIGINT).returncode == 130
    forgetful = cli(*command, cwd=tmp_path)
    assert (forgetful.returncode, forgetful.speaks_plainly) == (23, True)
    assert "--resume" in forgetful.stderr
    other = cli(*command, "--seed", 1, "--resume", cwd=tmp_path)
    assert (other.returncode, other.speaks_plainly) == (41, True)
    assert "of seed 0, not 1" in other.stderr
    assert _stop(cli, (*command, "--resume"), tmp_path, kept.name, signal.SIGKILL).returncode == -9
    assert kept.exists()
    assert not (tmp_path / "own.keras").exists()
    done = cli(*command, "--resume", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert not kept.exists()
    again, first = (open_artifact(folder / "own.keras") for folder in (tmp_path, whole.folder))
    assert again.manifest is not None
    assert first.manifest is not None
    assert again.manifest.training == first.manifest.training
    assert _weights(cli, again.path) == _weights(cli, first.path)


def _stop(
    cli: CommandLine,
    command: Sequence[object],
    folder: Path,
    checkpoint: str,
    with_signal: signal.Signals,
) -> Finished:
    """End a training after it has written its checkpoint once more."""
    kept = folder / checkpoint

    def written() -> int:
        return kept.stat().st_mtime_ns if kept.exists() else 0

    before = written()
    with cli.running(*command, cwd=folder) as process:
        wait_until(lambda: written() != before, process)
        os.killpg(process.pid, with_signal)
        return finish(process, folder)


def test_a_teacher_is_trained_once_and_asked_once(
    cli: CommandLine, own: Path, tmp_path: Path
) -> None:
    (tmp_path / "taught.toml").write_text(
        LIGHT + f'[distillation]\nteacher = "{own}"\ntemperature = 3.0\n'
    )
    command = ("train", "--preset", "taught.toml", "--epochs", 1, "--out", "taught.keras")
    first = cli(*command, cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    teachers = tmp_path / "teachers"
    assert "learns from a teacher" in first.stderr
    assert {path.suffix for path in teachers.iterdir()} == {".keras", ".json", ".npz"}
    before = {path: path.stat().st_mtime_ns for path in teachers.iterdir()}
    again = cli(*command, "--force", cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert "trained first" not in again.stderr
    assert {path: path.stat().st_mtime_ns for path in teachers.iterdir()} == before


def test_a_training_continues_with_its_interrupted_teacher(
    cli: CommandLine, own: Path, tmp_path: Path
) -> None:
    (tmp_path / "taught.toml").write_text(STUDENT + f'[distillation]\nteacher = "{own}"\n')
    command = ("train", "--preset", "taught.toml", "--epochs", 1, "--out", "taught.keras")
    kept = "teachers/own.checkpoint"
    says = f"whose interrupted training continues from {kept}"
    stopped = _stop(cli, command, tmp_path, kept, signal.SIGINT)
    assert stopped.was_interrupted
    assert "continue with --resume" in stopped.stderr
    plain = _stop(cli, command, tmp_path, kept, signal.SIGINT)
    assert plain.was_interrupted
    assert says in plain.stderr
    resumed = cli(*command, "--resume", cwd=tmp_path)
    assert resumed.returncode == 0, resumed.stderr
    assert says in resumed.stderr
    assert {path.suffix for path in tmp_path.iterdir()} == {"", ".toml", ".keras", ".json"}
    assert not (tmp_path / kept).exists()


def test_the_study_is_trained_in_one_command(cli: CommandLine, tmp_path: Path) -> None:
    done = cli("study", "--epochs", 2, "--json", "-", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    models = {model["preset"]: model for model in json.loads(done.stdout)}
    assert tuple(models) == STUDY
    reached = [model["test_accuracy"] for model in models.values()]
    assert reached[0] == 0.1
    assert reached == sorted(reached)
    assert reached[1] > 0.15
    assert reached[2] > 0.84
    assert reached[3] > 0.86
    assert models["smallest"]["interval"][0] > reached[0]
    # What is there already is shown again, and not trained again.
    again = cli("study", cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert "Starting TensorFlow" not in again.stderr
    assert "Always predicting the most frequent class gets 10.0% right." in again.stdout
    other = cli("study", "--seed", 1, cwd=tmp_path)
    assert (other.returncode, other.speaks_plainly) == (23, True)


# Accuracy on test after so few epochs, without a teacher: the smallest preset with a pool, and the
# smallest that shifts images. The preset `own` above has convolutions; what the larger presets
# reach, their published files prove (test_reference.py).
FLOORS = {"nano": 0.81, "small": 0.84}
EPOCHS = {"nano": 4, "small": 3}


def test_the_frontier_learns(cli: CommandLine, tmp_path: Path) -> None:
    wanted = [f"{name}={epochs}" for name, epochs in EPOCHS.items()]
    done = cli.python(trainings.__file__, cli.data, tmp_path, *wanted)
    assert done.returncode == 0, done.stderr
    reached = json.loads(done.stdout)
    assert set(reached) == set(FLOORS)
    assert all(reached[name] > floor for name, floor in FLOORS.items()), reached


def test_a_preset_is_trained_without_its_teacher_where_that_is_wanted(
    cli: CommandLine, tmp_path: Path
) -> None:
    given = ("--preset", "nano", "--epochs", 1, "--no-teacher", "--json", "-")
    done = cli("train", *given, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["training"]["test_accuracy"] > 0.7
    assert "teacher" not in done.stderr


def test_a_loss_that_is_no_number_ends_it_and_keeps_what_was_good(
    cli: CommandLine, tmp_path: Path
) -> None:
    (tmp_path / "wild.toml").write_text(WILD)
    done = cli("train", "--preset", "wild.toml", "--out", "wild.keras", cwd=tmp_path)
    assert (done.returncode, done.speaks_plainly) == (40, True)
    assert "The loss is " in done.stderr
    assert "step" in done.stderr
    assert "learning rate" in done.stderr
    assert {path.name for path in tmp_path.iterdir()} <= {"wild.toml", "wild.checkpoint"}


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("--preset", "none.toml"), 42, "none.toml cannot be read"),
        (("--preset", "bad.toml"), 42, "Do you mean schedule.epochs?"),
        (("--resume",), 41, "There is nothing to resume"),
        (("--out", "bad.toml/model.keras"), 60, "part of its path is a file"),
        (("--plots", "bad.toml"), 60, "Cannot write"),
        (("--tensorboard", "bad.toml"), 60, "Cannot write bad.toml"),
    ],
)
def test_bad_input_is_refused_before_any_work(
    inside: CommandLine, tmp_path: Path, arguments: Sequence[object], code: int, says: str
) -> None:
    (tmp_path / "bad.toml").write_text("[schedule]\nepoch = 3\n")
    done = inside("train", *arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.speaks_plainly) == (code, "", True)
    assert says in done.stderr
    assert "Starting TensorFlow" not in done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"bad.toml"}


def test_a_damaged_checkpoint_is_refused_and_left_alone(
    inside: CommandLine, own: Path, tmp_path: Path
) -> None:
    kept = tmp_path / "own.checkpoint"
    kept.write_bytes(b"half a checkpoint")
    done = inside("train", "--preset", own, "--out", "own.keras", "--resume", cwd=tmp_path)
    assert (done.returncode, done.speaks_plainly) == (41, True)
    assert "cannot be read" in done.stderr
    assert kept.read_bytes() == b"half a checkpoint"


def test_a_full_disk_ends_it_with_the_epoch_before_kept(
    cli: CommandLine, own: Path, tmp_path: Path
) -> None:
    # Of the main training a checkpoint has 0.3 MB, of fine-tuning 1.5 MB.
    limited = 'ulimit -f 1000; exec "$@"'
    command = (cli.entry_point, "train", "--preset", own, "--out", "own.keras")
    done = cli.execute(("sh", "-c", limited, "sh", *command), cwd=tmp_path)
    assert (done.returncode, done.speaks_plainly) == (60, True)
    assert "own.checkpoint" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["own.checkpoint"]


def test_the_presets_are_listed(cli: CommandLine) -> None:
    done = cli("train", "--list-presets")
    assert done.returncode == 0, done.stderr
    for name in PRESET_NAMES:
        assert f"\n{name} " in done.stdout
    listed = json.loads(cli("train", "--list-presets", "--json", "-").stdout)
    assert tuple(listed) == PRESET_NAMES
    assert listed["default"]["preset"]["optimizer"]["name"] == "adamw"
    taught = [name for name in PRESET_NAMES if listed[name]["preset"]["distillation"]]
    rows = [line.split() for line in done.stdout.splitlines()]
    assert taught == [row[0] for row in rows if "yes" in row]
    assert "--no-teacher" in done.stdout
    for name in taught:
        own = listed[name]["measured"]["training_seconds"]
        teacher = listed["teacher"]["seconds_with_teacher"]
        assert listed[name]["seconds_with_teacher"] == pytest.approx(own + teacher)


def _weights(cli: CommandLine, path: Path) -> str:
    """The hash of all weights of a `.keras` file, in order."""
    script = (
        "import hashlib, sys, zipfile, io, h5py\n"
        "file = h5py.File(io.BytesIO(zipfile.ZipFile(sys.argv[1]).read('model.weights.h5')))\n"
        "found = []\n"
        "file.visititems(lambda name, item: found.append((name, item[()].tobytes()))"
        " if hasattr(item, 'dtype') else None)\n"
        "print(hashlib.sha256(repr(sorted(found)).encode()).hexdigest(), len(found))\n"
    )
    done = cli.python("-c", script, path)
    assert done.returncode == 0, done.stderr
    assert not done.stdout.strip().endswith(" 0")
    return done.stdout
