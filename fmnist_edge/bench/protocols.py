"""The measuring protocols by name."""

from dataclasses import replace
from types import MappingProxyType
from typing import Final

from fmnist_edge.result import Settings
from fmnist_edge.tables import look_up

__all__ = ["PROTOCOLS", "get"]

PROTOCOLS: Final = MappingProxyType(
    {
        settings.protocol: settings
        for settings in (
            # At least 64 samples and a second: the least for which a 90th percentile says anything.
            # Three processes, because the same case runs at different speeds in different ones.
            Settings(
                protocol="quick",
                processes=3,
                warmup_calls=200,
                min_samples=64,
                min_seconds=1.0,
                max_samples=100_000,
                distinct_images=256,
                throughput_batch=256,
                throughput_seconds=0.25,
                limit_seconds=120.0,
                seed=0,
            ),
            # For trying things out: it ends soon, and that is all that can be said for it.
            Settings(
                protocol="smoke",
                processes=1,
                warmup_calls=20,
                min_samples=64,
                min_seconds=0.05,
                max_samples=2_000,
                distinct_images=64,
                throughput_batch=256,
                throughput_seconds=0.05,
                limit_seconds=120.0,
                seed=0,
            ),
        )
    }
)


def get(name: str, *, processes: int | None = None, limit_seconds: float | None = None) -> Settings:
    """The protocol called `name`, with what the user wants otherwise.

    Args:
        name: Of the protocol.
        processes: Processes per case; None for the protocol's own.
        limit_seconds: When a process counts as hung; None for the protocol's own.

    Raises:
        UsageError: there is no such protocol.
    """
    settings = look_up(PROTOCOLS, name, "protocol")
    return replace(
        settings,
        processes=processes or settings.processes,
        limit_seconds=limit_seconds or settings.limit_seconds,
    )
