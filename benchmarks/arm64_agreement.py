"""Does 64-bit Arm answer as this machine does? Every file on every processor, on all test images.

    python -m benchmarks.arm64_agreement FOLDER RESULT.json

FOLDER holds models, each with its manifest. Each is run by LiteRT, ONNX Runtime or NumPy with
`fmnist-edge predict`, here and on 64-bit Arm in software (`tests/arm64.py`): with the features of
Cortex-A72 (Raspberry Pi 4) and of Cortex-A76 (Raspberry Pi 5). The result is written after each
file.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Literal

import numpy as np

from fmnist_edge.artifact import find_artifacts, open_artifact
from fmnist_edge.dataset import locate, usual_places
from fmnist_edge.files import write_atomically
from fmnist_edge.host.facts import facts
from fmnist_edge.records import Record, encode_json
from fmnist_edge.result import Value
from fmnist_edge.score_file import ScoreFile, read_score_file
from tests import arm64
from tests.commands import CommandLine

RUNTIMES: Final[Mapping[str, str]] = {
    ".tflite": "litert",
    ".onnx": "onnxruntime",
    ".npz": "numpy",
}
# What the scores of real numbers are usually within, and what all are: 3.8e-6 is the largest
# difference of the float files that were measured. Runtimes add in other orders there, and their
# exponentials are others.
USUAL_DIFFERENCE: Final = 2e-6
LARGEST_DIFFERENCE: Final = 5e-6
_FEW_SHARE: Final = 0.001


class Agreement(Record):
    """The answers of one file on two machines.

    Args:
        file: Name of the model file.
        sha256: Of the model file.
        runtime: What ran it on both.
        cpu: The processor of the other machine, as QEMU calls it.
        images: The number of images.
        labels_different: Images with another label there.
        scores: The number of scores.
        scores_different: How many of them are not the same, bit by bit.
        scores_apart: How many of them are more than 2e-6 apart.
        largest_difference: The largest difference of two scores.
        step: The step in which the file's scores are rounded; None where they are not.
    """

    file: str
    sha256: str
    runtime: str
    cpu: str
    images: int
    labels_different: int
    scores: int
    scores_different: int
    scores_apart: int
    largest_difference: float
    step: float | None

    @property
    def largest_steps(self) -> int | None:
        """The largest difference in steps; None where scores are not rounded."""
        return None if self.step is None else round(self.largest_difference / self.step)

    @property
    def within(self) -> bool:
        """Whether the difference is no more than what rounding explains.

        Rounded scores may be a step apart. Of those of real numbers, one in a thousand may be more
        than 2e-6 apart, and none more than 5e-6.
        """
        if self.largest_steps is not None:
            return self.largest_steps <= 1
        few = self.scores_apart <= _FEW_SHARE * self.scores
        return few and self.largest_difference <= LARGEST_DIFFERENCE


class Agreements(Record):
    """The content of arm64-agreement.json.

    Args:
        host: Facts about this machine.
        emulator: QEMU and its version.
        agreements: One for each file and processor.
    """

    host: Mapping[str, Value]
    emulator: str
    agreements: tuple[Agreement, ...]
    kind: Literal["fmnist-edge agreement"] = "fmnist-edge agreement"


def predict(cli: CommandLine, model: Path, out: Path) -> ScoreFile:
    """Return the scores of all test images, as `fmnist-edge predict` writes them."""
    given = ("--artifact", model, "--runtime", RUNTIMES[model.suffix], "--out", out)
    done = cli("predict", *given, "--show", 0, "--quiet", "--force")
    assert done.returncode == 0, done.stderr
    return read_score_file(out)


def agreement(model: Path, cpu: str, here: ScoreFile, there: ScoreFile) -> Agreement:
    """Compare the scores of a file on two machines."""
    artifact = open_artifact(model)
    assert here.facts.images_sha256 == there.facts.images_sha256
    assert here.facts.case.subject.sha256 == there.facts.case.subject.sha256
    manifest = artifact.manifest
    rounded = manifest.output.quantization if manifest else None
    differences = np.abs(here.scores.astype(np.float64) - there.scores)
    return Agreement(
        file=model.name,
        sha256=artifact.sha256,
        runtime=here.facts.case.runtime,
        cpu=cpu,
        images=len(here.scores),
        labels_different=int((here.labels != there.labels).sum()),
        scores=here.scores.size,
        scores_different=int((here.scores != there.scores).sum()),
        scores_apart=int((differences > USUAL_DIFFERENCE).sum()),
        largest_difference=float(differences.max()),
        step=rounded.scale if rounded else None,
    )


def main(folder: Path, result: Path) -> None:
    home = Path(tempfile.mkdtemp())
    cli = CommandLine(home, locate(None, places=usual_places()).path)
    packages = arm64.unpack(arm64.gather(cli, os.environ), Path(tempfile.mkdtemp()))
    devices = {
        cpu: arm64.device(cli, cpu, packages, Path(tempfile.mkdtemp())) for cpu in arm64.CPUS
    }
    version = subprocess.run(
        [arm64.EMULATOR, "--version"], capture_output=True, check=True, text=True
    ).stdout.splitlines()[0]
    found: list[Agreement] = []
    models = [each for each in find_artifacts(folder) if each.suffix in RUNTIMES]
    for model in models:
        here = predict(cli, model, home / "here.npz")
        for cpu, device in devices.items():
            found.append(agreement(model, cpu, here, predict(device, model, home / "there.npz")))
            print(found[-1], flush=True)
        told = Agreements(facts(), version, tuple(found))
        write_atomically(result, encode_json(told).encode())


def _arguments(given: Sequence[str]) -> tuple[Path, Path]:
    folder, result = given
    return Path(folder).absolute(), Path(result)


if __name__ == "__main__":
    main(*_arguments(sys.argv[1:]))
