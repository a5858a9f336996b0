"""What an install for a device takes: bytes on the disk, time of `--help`, memory of a process.

python benchmarks/device_install.py FASHION_MNIST_FOLDER PYTHON...
"""

import json
import platform
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from fmnist_edge.clock import NS_PER_SECOND, timed
from fmnist_edge.records import encode
from fmnist_edge.result import read_run

_ROOT = Path(__file__).parents[1]
_RESULT = Path(__file__).parent / "results/epyc-2-cores/device-install.json"
_STARTS = 20
_MODEL = _ROOT / "artifacts/reference/study-int8.tflite"


def main() -> None:
    data, *pythons = sys.argv[1:]
    told = [_measured(python, data) for python in pythons]
    found = {"machine": platform.machine(), "installs": told}
    _RESULT.write_text(json.dumps(found, indent=2) + "\n")
    print(json.dumps(found, indent=2))


def _measured(python: str, data: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        own = folder / "venv/bin/python"
        subprocess.run([python, "-m", "venv", "--without-pip", folder / "venv"], check=True)
        pip = [python, "-m", "pip", "--python", own, "install", "-q"]
        wanted = ["-c", _ROOT / "constraints/device.txt", f"{_ROOT}[device]"]
        subprocess.run([*pip, "--disable-pip-version-check", *wanted], check=True)
        return {"python": _says(own, "import platform; print(platform.python_version())")} | {
            **_sizes(folder / "venv"),
            "help_ms_median_of_20_starts": _help_ms(own.with_name("fmnist-edge")),
            "worker_memory": _memory(own.with_name("fmnist-edge"), data, folder / "run.json"),
        }


def _says(python: Path, program: str) -> str:
    done = subprocess.run([python, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _sizes(folder: Path) -> dict[str, int]:
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    compiled = sum(path.stat().st_size for path in files if path.suffix == ".pyc")
    total = sum(path.stat().st_size for path in files)
    packages = sum(path.name == "METADATA" for path in files)
    return {"packages": packages, "bytes": total, "bytes_without_pyc": total - compiled}


def _help_ms(command: Path) -> float:
    def start() -> None:
        subprocess.run([command, "--help"], capture_output=True, check=True)

    taken = [timed(start)[1] for _ in range(_STARTS)]
    return round(statistics.median(taken) / NS_PER_SECOND * 1000, 1)


def _memory(command: Path, data: str, result: Path) -> list[Any]:
    wanted = ["--protocol", "smoke", "--runtime", "litert", "--data-dir", data, "--json", result]
    subprocess.run([command, "bench", _MODEL, *wanted], capture_output=True, check=True)
    rows = [row for row in read_run(result).rows if row.case.runtime == "litert"]
    return [encode(each.memory) for row in rows for each in row.measurements]


if __name__ == "__main__":
    main()
