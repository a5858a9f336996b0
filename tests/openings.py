"""Opens models as it is told, in a process of its own, and tells what came of each.

`python -m tests.openings` reads a list of `Wish` as JSON; it answers with a list of `Outcome`. What
a library leaves in a process, such as a driver, does not reach the process of the tests.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fmnist_edge import runtimes
from fmnist_edge.artifact import open_artifact
from fmnist_edge.errors import FmnistEdgeError
from fmnist_edge.records import encode
from fmnist_edge.session import Accelerated, Opening, Session, SessionOptions, synthetic_inputs

if TYPE_CHECKING:
    from tests.commands import CommandLine  # not in the environments of other runtimes

ROOT = Path(__file__).parents[1]
_IMAGES = 8


@dataclass(frozen=True)
class Wish:
    """A model that is to be opened.

    Args:
        runtime: Name of the runtime.
        path: The model.
        device: The device.
        opening: A value of `Opening`.
        batch: Images per call.
        fast_math: Whether shorter types are allowed.
        calls: How many calls are made after the ones whose answers are told.
    """

    runtime: str
    path: Path
    device: str
    opening: str = Opening.USUAL.value
    batch: int = 1
    fast_math: bool = False
    calls: int = 0


@dataclass(frozen=True)
class Outcome:
    """What came of it.

    Args:
        error: Name of the error's class; empty where there was none.
        message: The error's.
        hint: The error's.
        answers: What `decode` gave for the same inputs in each outcome.
        used: What the session uses.
        account: What the runtime tells.
        growth_bytes: By how much the process grew during the calls.
    """

    error: str = ""
    message: str = ""
    hint: str = ""
    answers: Sequence[Sequence[float]] = ()
    used: Mapping[str, str] = field(default_factory=dict)
    account: Mapping[str, Any] = field(default_factory=dict)
    growth_bytes: int = 0

    @property
    def scores(self) -> NDArray[np.float64]:
        return np.array(self.answers)


def open_all(
    cli: "CommandLine", *wishes: Wish, python: Path = Path(sys.executable)
) -> list[Outcome]:
    """Open all of them, one after the other, in one process."""
    given = json.dumps([asdict(wish) for wish in wishes], default=str)
    done = cli.execute((python, "-m", "tests.openings"), cwd=ROOT, given=given)
    assert done.returncode == 0, done.stderr
    return [Outcome(**told) for told in json.loads(done.stdout)]


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def _outcome(wish: Wish) -> Outcome:
    options = SessionOptions(
        batch=wish.batch,
        device=wish.device,
        fast_math=wish.fast_math,
        opening=Opening(wish.opening),
    )
    try:
        session = runtimes.get(wish.runtime).open(open_artifact(Path(wish.path)), options)
        return _used(session, wish)
    except FmnistEdgeError as error:
        return Outcome(type(error).__name__, error.message, error.hint)


def _used(session: Session, wish: Wish) -> Outcome:
    inputs = synthetic_inputs(session.input, _IMAGES, seed=0)
    tensors = [
        session.prepare(inputs[at : at + wish.batch]) for at in range(0, _IMAGES, wish.batch)
    ]
    answers = [session.decode(session.run(tensor)) for tensor in tensors]
    before = _resident_bytes()
    for call in range(wish.calls):
        session.run(tensors[call % len(tensors)])
    growth = _resident_bytes() - before
    account = encode(session.account()) if isinstance(session, Accelerated) else {}
    used = dict(session.used)
    session.close()
    scores = np.concatenate(answers).reshape(_IMAGES, -1).tolist()
    return Outcome(answers=scores, used=used, account=account, growth_bytes=growth)


if __name__ == "__main__":
    wishes = [Wish(**told) for told in json.load(sys.stdin)]
    json.dump([asdict(_outcome(wish)) for wish in wishes], sys.stdout)
