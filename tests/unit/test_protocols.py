"""A measuring protocol is found by name, and can end."""

import pytest

from fmnist_edge.bench import protocols
from fmnist_edge.bench.protocols import PROTOCOLS
from fmnist_edge.errors import UsageError


def test_every_protocol_is_found_by_its_name() -> None:
    assert list(PROTOCOLS) == ["quick", "smoke"]
    for name in PROTOCOLS:
        assert protocols.get(name).protocol == name


def test_an_unknown_protocol_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="There is no protocol called 'slow'") as caught:
        protocols.get("slow")
    assert caught.value.hint == "Known are: quick, smoke."


@pytest.mark.parametrize("name", PROTOCOLS)
def test_every_protocol_ends_well_before_its_limit(name: str) -> None:
    settings = PROTOCOLS[name]
    assert 0 < settings.min_samples <= settings.max_samples
    assert settings.min_seconds + settings.throughput_seconds < settings.limit_seconds / 10
