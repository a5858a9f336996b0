"""`fmnist-edge doctor` on this machine, by the real command."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from fmnist_edge.pipeline.doctor import diagnose
from fmnist_edge.records import decode_document
from fmnist_edge.result import Diagnosis, codes
from tests.commands import CommandLine
from tests.trees import anyones_folder, as_a_user


def _decoded(text: str) -> Diagnosis:
    return decode_document(Diagnosis, text, 1)


@pytest.fixture(scope="module")
def quick(inside: CommandLine) -> Diagnosis:
    """What is found here without trying devices."""
    done = inside("doctor", "--quick", "-q", "--json", "-")
    found = _decoded(done.stdout)
    assert done.returncode == (0 if found.ready else 95)
    return found


def test_the_json_is_whole_and_tells_of_this_machine(quick: Diagnosis) -> None:
    assert quick.devices is None
    assert "numpy" in quick.installed
    assert quick.userland_bits == 64
    assert len(quick.readings) == 2
    assert quick.noise.duration_seconds >= 2
    assert {each.place for each in quick.disk} == {"artifacts", "cache", "temporary"}
    assert "devices-not-tried" in {each.code for each in quick.findings}
    for each in quick.findings:
        assert set(each.values) == set(codes.FINDINGS[each.code])


def test_the_screen_begins_with_the_verdict_and_fits_on_a_page(inside: CommandLine) -> None:
    done = inside("doctor", "--quick", "-q")
    first, *rest = done.stdout.splitlines()
    assert first.startswith(("Ready to measure", "Not ready to measure"))
    assert (done.returncode == 0) == first.startswith("Ready")
    assert len(rest) < 40
    topics = [line.split()[0] for line in rest if line and line[0].isalpha()]
    assert topics[:7] == ["Machine", "Runtimes", "Sensors", "Clock", "Power", "Noise", "Disk"]


def test_a_user_without_rights_is_answered() -> None:
    with anyones_folder() as folder, as_a_user():
        found = diagnose(folder / "artifacts", quick=True)
    artifacts = found.disk[0]
    # The folder can be entered, and not be written to by others.
    assert artifacts.free_bytes
    assert len(found.readings) == 2
    assert found.noise.wakeups > 0


@pytest.mark.clocked
def test_a_program_that_competes_is_seen(cli: CommandLine, tmp_path: Path) -> None:
    spin = "import os\nfor _ in range(os.cpu_count()): os.fork()\nwhile os.getppid() != 1: pass"
    # In the session of the tests: a kernel may give each session an equal share of the CPUs.
    with subprocess.Popen([sys.executable, "-c", spin], process_group=0) as busy:
        try:
            done = cli("doctor", "--quick", "-q", "--json", "-", cwd=tmp_path)
        finally:
            subprocess.run(["/bin/kill", "-9", "--", f"-{busy.pid}"], check=True)
    found = _decoded(done.stdout)
    seen = {each.code for each in found.findings}
    assert {"waited-for-cpu", "other-programs", "busy-programs"} <= seen
    assert found.noise.others_share is not None
    assert found.noise.others_share > 0.3
    assert found.noise.gaps > 0
    assert json.loads(done.stdout)["kind"] == "fmnist-edge diagnosis"
