"""`fmnist-edge bundle`, and the commands that use a bundle as it is."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from fmnist_edge.bench.protocols import PROTOCOLS
from fmnist_edge.bundle import SCHEMA_VERSION, BundleIndex
from fmnist_edge.dataset import DATASET_SHA256
from fmnist_edge.evaluation import Evaluation
from fmnist_edge.files import sha256_of
from fmnist_edge.pipeline.bench_request import plan
from fmnist_edge.pipeline.sources import model_files
from fmnist_edge.records import decode_document, replace
from fmnist_edge.result import Run, read_run
from tests.archives import HOSTILE, entries
from tests.commands import CommandLine, Finished, copy_artifact

REFERENCE = Path(__file__).parents[2] / "artifacts/reference"
# LiteRT, on which they are measured below, opens the first one only.
NAMES = ("nano-int8.tflite", "smallest-float32.keras")


@dataclass(frozen=True)
class Traveller:
    """A machine that has the program, and neither the models nor the data set.

    Args:
        cli: The command line.
        home: Its home folder.
    """

    cli: CommandLine
    home: Path

    def __call__(self, *arguments: object) -> Finished:
        """Run a command there."""
        alone = ("env", "-u", "FMNIST_EDGE_DATA_DIR", self.cli.entry_point, *arguments)
        return replace(self.cli, home=self.home).execute(alone)


@pytest.fixture(scope="module")
def here(inside: CommandLine, tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    """The command line in this process, with a home folder that bundles are unpacked in."""
    return replace(inside, home=tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two of the committed models."""
    folder = tmp_path_factory.mktemp("shelf")
    for name in NAMES:
        copy_artifact(REFERENCE / name, folder)
    return folder


@pytest.fixture(scope="module")
def made(cli: CommandLine, shelf: Path, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """The command that packs them, as it went: into `garments.zip`."""
    folder = tmp_path_factory.mktemp("bundle")
    done = cli("bundle", shelf, "-o", "garments.zip", cwd=folder)
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def garments(made: Finished) -> Path:
    """The bundle."""
    return made.folder / "garments.zip"


@pytest.fixture(scope="module")
def traveller(cli: CommandLine, tmp_path_factory: pytest.TempPathFactory) -> Traveller:
    """Somebody who was given the bundle alone."""
    return Traveller(cli, tmp_path_factory.mktemp("traveller"))


def test_it_says_what_is_in_the_bundle_and_what_comes_next(made: Finished, garments: Path) -> None:
    assert all(f"models/{name}" in made.stdout for name in NAMES)
    told = " ".join(made.stdout.split())
    assert f"garments.zip ({garments.stat().st_size / 1e6:.1f} MB, SHA-256 " in told
    assert sha256_of(garments.read_bytes()) in told
    assert "2 models with 0.0 MB and the test images of Fashion-MNIST with 7.9 MB." in told
    assert told.endswith("measure with: fmnist-edge bench garments.zip")


def test_the_same_models_give_the_same_bytes(
    here: CommandLine, shelf: Path, garments: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(shelf, copy)
    (tmp_path / "artifacts").symlink_to(shelf)
    for given in ([shelf], [copy], [], [f"copy/{name}" for name in reversed(NAMES)]):
        done = here("bundle", *given, "-o", "again.zip", "--force", "-q", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert (tmp_path / "again.zip").read_bytes() == garments.read_bytes()
    # A bundle that is unpacked and packed again is the same one.
    assert here("bundle", garments, "-o", "packed.zip", cwd=tmp_path).returncode == 0
    assert (tmp_path / "packed.zip").read_bytes() == garments.read_bytes()


def test_json_is_the_index(here: CommandLine, shelf: Path, tmp_path: Path) -> None:
    done = here("bundle", shelf, "-o", "b.zip", "--no-data", "--json", "-", cwd=tmp_path)
    index = decode_document(BundleIndex, done.stdout, SCHEMA_VERSION)
    assert index.models == tuple(f"models/{name}" for name in NAMES)
    assert index.data_sha256 == ""
    assert len(index.members) == 4


def _measure(run: Finished, file: Path) -> Run:
    assert run.returncode == 0, run.stderr
    return read_run(file)


def test_a_bundle_is_measured_in_place_as_its_folder_is(
    cli: CommandLine, shelf: Path, garments: Path, traveller: Traveller, tmp_path: Path
) -> None:
    options = ("--runtime", "litert", "--protocol", "smoke", "-q", "--json")
    at_home = _measure(cli("bench", shelf, *options, tmp_path / "a.json"), tmp_path / "a.json")
    there = _measure(
        traveller("bench", garments, *options, tmp_path / "b.json"), tmp_path / "b.json"
    )
    again = _measure(
        traveller("bench", "--replay", tmp_path / "b.json", "-q", "--json", tmp_path / "c.json"),
        tmp_path / "c.json",
    )

    def told(run: Run) -> list[tuple[object, ...]]:
        return [
            (row.case.subject.name, row.case.subject.sha256, row.case.runtime, row.accuracy)
            for row in run.rows
        ]

    assert told(at_home) == told(there) == told(again)
    assert at_home.data_sha256 == there.data_sha256 == again.data_sha256 == DATASET_SHA256
    unpacked = traveller.home / ".cache/fmnist-edge/bundles" / sha256_of(garments.read_bytes())
    paths = {row.case.subject.path for row in there.rows if row.case.subject.sha256}
    assert paths == {str(unpacked / "models" / NAMES[0])}
    # Whoever has thrown the folder away is told how to have it again.
    shutil.rmtree(unpacked.parent)
    gone = traveller("bench", "--replay", tmp_path / "b.json")
    assert (gone.returncode, gone.speaks_plainly) == (20, True)
    assert "fmnist-edge bench BUNDLE.zip --dry-run" in gone.stderr


def test_one_model_of_a_bundle_is_evaluated(
    here: CommandLine, traveller: Traveller, shelf: Path, garments: Path
) -> None:
    alone = here("evaluate", shelf / NAMES[0], "--json", "-")
    there = traveller("evaluate", garments / "models" / NAMES[0], "--json", "-")
    found = [decode_document(Evaluation, each.stdout, 1) for each in (alone, there)]
    assert found[0].confusion == found[1].confusion
    assert found[0].data_sha256 == found[1].data_sha256
    several = here("evaluate", garments)
    assert (several.returncode, several.speaks_plainly) == (2, True)
    assert f"for example {garments}/models/{NAMES[0]}" in several.stderr
    none = here("evaluate", garments / "models/nothing.tflite")
    assert (none.returncode, none.speaks_plainly) == (20, True)


def test_predict_answers_with_a_model_of_a_bundle(traveller: Traveller, garments: Path) -> None:
    model = garments / "models" / NAMES[0]
    done = traveller("predict", "--artifact", model, "--json", "-", "-q")
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) == 10_000
    assert 0.85 < sum(each["label"] == each["true_label"] for each in lines) / 10_000 < 0.87


def test_a_bundle_in_a_folder_is_left_alone(
    here: CommandLine, garments: Path, tmp_path: Path
) -> None:
    shutil.copy(garments, tmp_path)
    done = here("bench", tmp_path)
    assert (done.returncode, done.speaks_plainly) == (20, True)
    assert "There are no model files in" in done.stderr


def test_an_existing_file_is_not_replaced(here: CommandLine, shelf: Path, tmp_path: Path) -> None:
    (tmp_path / "b.zip").write_bytes(b"mine")
    done = here("bundle", shelf, "-o", "b.zip", cwd=tmp_path)
    assert (done.returncode, done.speaks_plainly) == (23, True)
    assert (tmp_path / "b.zip").read_bytes() == b"mine"


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_bundle_ends_in_one_sentence(
    here: CommandLine, what: str, tmp_path: Path
) -> None:
    for name in ("home", "here"):
        (tmp_path / name).mkdir()
    file = tmp_path / "here" / "b.zip"
    file.write_bytes(HOSTILE[what][0]())
    victim = replace(here, home=tmp_path / "home")
    before = entries(tmp_path)
    done = victim("bench", "b.zip", cwd=file.parent)
    assert (done.returncode, done.speaks_plainly) == (27, True), done.stderr
    assert done.stderr.startswith("Error: b.zip cannot be used as a bundle: ")
    left = {path: kept for path, kept in entries(tmp_path).items() if kept is not None}
    assert left == {path: kept for path, kept in before.items() if kept is not None}


@pytest.mark.parametrize(
    "command", [("evaluate",), ("predict", "--artifact"), ("bundle", "-o", "c.zip")]
)
def test_every_command_that_takes_models_refuses_a_damaged_bundle(
    here: CommandLine, command: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "b.zip").write_bytes(HOSTILE["changed"][0]())
    done = here(*command, "b.zip", cwd=tmp_path)
    assert (done.returncode, done.speaks_plainly) == (27, True), done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["b.zip"]


def test_the_committed_models_are_measured_as_they_are() -> None:
    chosen = plan(model_files([REFERENCE], REFERENCE.parent), PROTOCOLS["quick"])
    names = {case.subject.name for case in chosen.cases if case.runtime == "litert"}
    assert names == {path.name for path in REFERENCE.glob("*-int8.tflite")}
    assert len(names) == 9
    assert chosen.failed == ()
