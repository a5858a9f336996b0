"""What LiteRT writes to stderr about a GPU and the operators that its delegate takes."""

import re
from dataclasses import dataclass
from typing import Final

from fmnist_edge.devices import Unit

_ADAPTER: Final = re.compile(r"Selected adapter: (?P<name>.+?), arch=.*\bbackend=(?P<api>\w+)")
_REFUSALS: Final = re.compile(
    r"^ERROR: Following operations are not supported by GPU delegate:\n(?P<each>(?:.+\n)*?)"
    r"(?P<on_gpu>No|\d+) operations will run on the GPU",
    re.MULTILINE,
)
_NO_GPU: Final = re.compile(r"Failed to initialize WebGPU environment: (?:[A-Z_]+: )?(?P<why>.+)")
_WARNING: Final = re.compile(r"^Warning: (?P<what>.+)", re.MULTILINE)
_ONLY_A_LIMIT: Final = "artificially reduced"
_FIXED_SIZES: Final = "delegate that only supports static-sized tensors"


@dataclass(frozen=True)
class Log:
    """What was written while a model was compiled.

    Args:
        unit: The GPU; None where none was named.
        no_gpu: Why there is none; empty where one was found.
        refused: The operators that the GPU cannot run, each as its kind and the reason.
        on_gpu: The number of operators on the GPU, where the log divides them.
        wants_fixed_sizes: Whether the model was refused for a size that it leaves open.
    """

    unit: Unit | None
    no_gpu: str
    refused: tuple[tuple[str, str], ...]
    on_gpu: int
    wants_fixed_sizes: bool


def read_log(text: str) -> Log:
    """Read what LiteRT 2.3 writes; what is not found there stays empty."""
    adapter = _ADAPTER.search(text)
    refusals = _REFUSALS.search(text)
    return Log(
        unit=Unit(name=adapter["name"], api=adapter["api"]) if adapter else None,
        no_gpu=_no_gpu(text),
        refused=tuple(_refused(refusals["each"])) if refusals else (),
        on_gpu=int(refusals["on_gpu"]) if refusals and refusals["on_gpu"] != "No" else 0,
        wants_fixed_sizes=_FIXED_SIZES in text,
    )


def last_line(error: Exception) -> str:
    """Return the cause that an exception of LiteRT ends with, in one line, without a full stop."""
    return str(error).strip().rpartition("\n")[2].lstrip("└ ").rstrip(".")


def _refused(lines: str) -> list[tuple[str, str]]:
    parts = [line.partition(": ") for line in lines.splitlines()]
    return [(kind, reason.rstrip(".")) for kind, _, reason in parts]


def _no_gpu(text: str) -> str:
    found = _NO_GPU.search(text)
    if found is None:
        return ""
    # Dawn, which looks for the GPU, warns of the cause before LiteRT gives up.
    warnings = [each["what"] for each in _WARNING.finditer(text, 0, found.start())]
    causes = [what for what in warnings if _ONLY_A_LIMIT not in what]
    return f"{found['why']} ({causes[-1].rstrip('.')})" if causes else found["why"]
