"""What the turns of one process add up to."""

from collections.abc import Sequence
from math import ceil
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fmnist_edge.bench import latency
from fmnist_edge.clock import NS_PER_SECOND
from fmnist_edge.result import BackToBack, Paced, Samples, Settings
from fmnist_edge.session import SelfTiming, Session

__all__ = ["Tally"]

# A sample shorter than this many readings of the clock is mostly clock.
_CLOCKS_PER_SAMPLE: Final = 10
# Calls before each turn: other processes have had the caches in between.
_REFRESH_CALLS: Final = 16
_REFRESH_SECONDS: Final = 0.02
_LONG_CALL_NS: Final = 1_000_000  # of which the caches are a small part


class Tally:
    """Turn after turn of one session, and all that was measured in them.

    Args:
        session: An opened model.
        tensors: Its inputs, prepared; the calls go round them, from turn to turn.
        settings: The protocol.
    """

    def __init__(
        self, session: Session, tensors: Sequence[NDArray[Any]], settings: Settings
    ) -> None:
        self.run: Final = session.run
        self.tensors: Final = tensors
        self.witnesses: Final[list[tuple[int, NDArray[Any]]]] = []
        self.call_ns = 0.0
        self._session: Final = session
        self._settings: Final = settings
        self._clock_ns: Final = latency.clock_cost()
        self._next = 0
        self._calls_per_sample = 1
        self._kept_every = 1
        self._calls = self._busy_ns = 0
        self._warmups = np.empty(0, np.uint64)
        self._samples: Final[list[NDArray[np.uint64]]] = []
        self._response: Final[list[NDArray[np.uint64]]] = []
        self._service: Final[list[NDArray[np.uint64]]] = []

    def warm_up(self, seconds: float) -> None:
        """Make the first calls, and learn from them how long a call takes."""
        calls = max(1, self._settings.warmup_calls)
        self._warmups = latency.warm_up(self.run, self.tensors, calls, seconds)
        late = self._warmups[len(self._warmups) // 2 :]
        # A reading of the clock is part of each, and all there is to a call that does nothing.
        self.call_ns = max(1.0, float(np.median(late)) - self._clock_ns)
        self._calls_per_sample = self._calls_for_the_clock()
        expected = NS_PER_SECOND * self._settings.min_seconds / self._sample_ns
        self._kept_every = max(1, ceil(expected / max(1, self._settings.max_samples)))

    def _calls_for_the_clock(self) -> int:
        short = self.call_ns < _CLOCKS_PER_SAMPLE * self._clock_ns
        if not short or isinstance(self._session, SelfTiming):
            return 1
        # Measured in bulk: single calls of that length cannot be told from the clock.
        turn = latency.back_to_back(
            self.run, self.tensors, first=0, seconds=0.0, at_least=3, calls_per_sample=1000
        )
        self.call_ns = max(1.0, float(turn.samples.min()) / 1000)
        return max(1, ceil(_CLOCKS_PER_SAMPLE * self._clock_ns / self.call_ns))

    @property
    def _sample_ns(self) -> float:
        return self.call_ns * self._calls_per_sample

    def back_to_back(self, seconds: float, at_least: int) -> None:
        """One turn of calls, one after the other."""
        if self.call_ns < _LONG_CALL_NS:
            latency.refresh(self.run, self.tensors, _REFRESH_CALLS, _REFRESH_SECONDS)
        turn = self._own_turn(seconds, at_least)
        # Copied, or else the part would keep the whole turn in memory.
        self._samples.append(turn.samples[:: self._kept_every].copy())
        self._thin()
        self._calls += turn.calls
        self._busy_ns += turn.busy_ns
        self._witness(turn.last, turn.output)

    def _thin(self) -> None:
        """Keep to the limit where calls turn out faster than the warm-up let expect."""
        # Each turn keeps its first sample, whatever the limit.
        while sum(map(len, self._samples)) > max(self._settings.max_samples, len(self._samples)):
            self._samples[:] = [samples[::2].copy() for samples in self._samples]
            self._kept_every *= 2

    def _own_turn(self, seconds: float, at_least: int) -> latency.Turn:
        if isinstance(self._session, SelfTiming):
            # It knows of time only, and slow calls take more of it.
            enough = max(seconds, at_least * self.call_ns / NS_PER_SECOND)
            return latency.timed_by_itself(
                self._session, self.tensors, first=self._next, seconds=enough
            )
        return latency.back_to_back(
            self.run,
            self.tensors,
            first=self._next,
            seconds=seconds,
            at_least=at_least,
            calls_per_sample=self._calls_per_sample,
        )

    def paced(self, calls: int) -> None:
        """One turn of calls at fixed times; none for a session that times itself.

        Python would make these calls, and their times would not be those of native code.
        """
        if isinstance(self._session, SelfTiming):
            return
        turn = latency.paced(
            self.run, self.tensors, first=self._next, hz=self._settings.paced_hz, calls=calls
        )
        self._response.append(turn.response)
        self._service.append(turn.service)
        self._witness(turn.last, turn.output)

    def _witness(self, last: int, output: NDArray[Any]) -> None:
        self.witnesses.append((last, output))
        self._next = (last + 1) % len(self.tensors)

    def record_back_to_back(self) -> BackToBack:
        """All turns of calls one after the other."""
        return BackToBack(
            warmups=Samples.pack(self._warmups),
            samples=Samples.pack(_joined(self._samples)),
            calls_per_sample=self._calls_per_sample,
            kept_every=self._kept_every,
            calls=self._calls,
            busy_ns=self._busy_ns,
            turns=tuple(map(len, self._samples)),
            clock_ns=self._clock_ns,
        )

    def record_paced(self) -> Paced | None:
        """All turns of calls at fixed times; None where there was none."""
        if not self._response:
            return None
        return Paced(
            self._settings.paced_hz,
            Samples.pack(_joined(self._response)),
            Samples.pack(_joined(self._service)),
        )


def _joined(parts: Sequence[NDArray[np.uint64]]) -> NDArray[np.uint64]:
    return np.concatenate(parts) if parts else np.empty(0, np.uint64)
