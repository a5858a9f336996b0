"""What the tests of one run share: each thing is made once, by the process that needs it first."""

import fcntl
import json
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.commands import Finished


@dataclass(frozen=True)
class Once:
    """Commands that are run once in a run of the tests, however many processes share its folder.

    Args:
        root: The folder of the run.
    """

    root: Path

    def __call__(self, name: str, make: Callable[[Path], Finished]) -> Finished:
        """Run a command, or tell what became of it; other processes wait for its end.

        Args:
            name: Names the command within the run.
            make: Runs it in the empty folder that it is given.
        """
        kept = self.root / f"{name}.json"
        with (self.root / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not kept.exists():
                folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.root))
                kept.write_text(json.dumps(asdict(make(folder)), default=str))
        told = json.loads(kept.read_text())
        return Finished(**told | {"folder": Path(told["folder"])})
