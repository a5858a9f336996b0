"""The measuring protocols by name."""

from types import MappingProxyType
from typing import Final

from fmnist_edge.errors import UsageError
from fmnist_edge.result import Settings

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


def get(name: str) -> Settings:
    """The protocol called `name`.

    Raises:
        UsageError: there is none.
    """
    try:
        return PROTOCOLS[name]
    except KeyError as error:
        raise UsageError(
            f"There is no protocol called {name!r}.", hint=f"Known are: {', '.join(PROTOCOLS)}."
        ) from error
