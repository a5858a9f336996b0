"""The measuring protocols, by name."""

from types import MappingProxyType
from typing import Any, Final

from fmnist_edge.records import replace
from fmnist_edge.result import Settings
from fmnist_edge.tables import look_up

# The values of all protocols that do not say otherwise.
_USUAL: Final = Settings(
    protocol="standard",
    # Five, because the same case runs at different speeds in different processes.
    processes=5,
    together=16,
    warmup_calls=50,
    # Shorter than the time for which a shared machine keeps one speed.
    turn_seconds=0.02,
    min_samples=14,
    min_seconds=0.5,
    max_samples=10_000,
    paced_hz=30.0,
    # The bound of a 90th percentile leaves out the three slowest of 5 x 24 calls. From the 64 that
    # it takes at least, it is the slowest one.
    paced_samples=24,
    distinct_images=256,
    stage_samples=100,
    throughput_batch=256,
    throughput_seconds=0.15,
    energy_seconds=0.0,
    limit_seconds=120.0,
    seed=0,
)
PROTOCOLS: Final = MappingProxyType(
    {
        settings.protocol: settings
        for settings in (
            # Enough for a 90th percentile in each regime, which takes 64 samples.
            _USUAL,
            # At least 64 samples and a second of calls; too few paced ones for a percentile.
            replace(
                _USUAL,
                protocol="quick",
                processes=2,
                min_samples=32,
                min_seconds=0.5,
                paced_samples=8,
                throughput_seconds=0.1,
            ),
            # After MLPerf Tiny: five windows of at least ten seconds each.
            replace(_USUAL, protocol="tiny-like", min_seconds=10.0, turn_seconds=0.25),
            # After MLPerf Mobile: at least 1,024 samples and a minute.
            replace(
                _USUAL,
                protocol="mobile-like",
                min_seconds=12.0,
                min_samples=205,
                turn_seconds=0.25,
                paced_samples=205,
            ),
            # After MLPerf Inference at the edge: at least ten minutes.
            replace(
                _USUAL,
                protocol="edge-like",
                min_seconds=120.0,
                min_samples=205,
                turn_seconds=1.0,
                paced_samples=720,
            ),
            # A quick trial whose figures say little.
            replace(
                _USUAL,
                protocol="smoke",
                processes=1,
                warmup_calls=10,
                min_samples=64,
                min_seconds=0.05,
                paced_samples=2,
                distinct_images=64,
                stage_samples=5,
                throughput_seconds=0.05,
            ),
        )
    }
)
DEFAULT: Final = _USUAL.protocol
# Short protocols leave out runtimes that take seconds to import.
SHORT: Final = frozenset({"quick", "smoke"})


def get(name: str, **changes: Any) -> Settings:  # noqa: ANN401 - any setting
    """Return the protocol called `name`, with the settings that the user changes.

    Args:
        name: Name of the protocol.
        changes: Settings to replace; those that are None stay as the protocol has them.

    Raises:
        UsageError: There is no such protocol.
    """
    settings = look_up(PROTOCOLS, name, "protocol")
    wanted = {key: value for key, value in changes.items() if value is not None}
    return replace(settings, **wanted)
