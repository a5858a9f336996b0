"""A measuring protocol is found by name, keeps its promises, and can end."""

from math import ceil
from typing import Any

import pytest

from fmnist_edge.bench import protocols
from fmnist_edge.bench.protocols import DEFAULT, PROTOCOLS, SHORT
from fmnist_edge.errors import UsageError

# From the order statistics of a binomial distribution: fewer samples tell nothing of a p90.
_FOR_A_90TH_PERCENTILE = 64


def test_every_protocol_is_found_by_its_name() -> None:
    names = ["standard", "quick", "tiny-like", "mobile-like", "edge-like", "smoke"]
    assert list(PROTOCOLS) == names
    for name in PROTOCOLS:
        assert protocols.get(name).protocol == name
    assert DEFAULT == "standard"
    assert {"quick", "smoke"} == SHORT


def test_an_unknown_protocol_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="There is no protocol called 'slow'") as caught:
        protocols.get("slow")
    assert caught.value.hint.startswith("Known are: standard, quick, tiny-like")


@pytest.mark.parametrize(
    ("name", "value"),
    [("processes", 9), ("paced_hz", 5.0), ("seed", 0), ("pin", (0, 1)), ("energy_seconds", 3.0)],
)
def test_the_user_may_want_a_protocol_otherwise(name: str, value: Any) -> None:  # noqa: ANN401
    changed = protocols.get("quick", **{name: value})
    assert getattr(changed, name) == value
    assert changed.protocol == "quick"


def test_what_the_user_says_nothing_about_stays_the_protocols_own() -> None:
    assert protocols.get("quick", processes=None, pin=None, seed=None) == PROTOCOLS["quick"]


@pytest.mark.parametrize("name", PROTOCOLS)
def test_every_protocol_ends_well_before_its_limit(name: str) -> None:
    settings = PROTOCOLS[name]
    assert 0 < settings.min_samples <= settings.max_samples
    assert 0 < settings.turn_seconds <= 1.0
    assert settings.throughput_seconds < settings.limit_seconds / 10
    assert settings.processes >= 1
    assert settings.together >= 1


@pytest.mark.parametrize(
    ("name", "samples", "seconds"),
    [
        ("standard", _FOR_A_90TH_PERCENTILE, 2.5),
        ("quick", _FOR_A_90TH_PERCENTILE, 1.0),
        ("mobile-like", 1024, 60.0),
        ("edge-like", 1024, 600.0),
    ],
)
def test_a_protocol_takes_the_samples_and_the_time_that_its_name_stands_for(
    name: str, samples: int, seconds: float
) -> None:
    settings = PROTOCOLS[name]
    assert settings.processes * settings.min_samples >= samples
    assert settings.processes * settings.min_seconds >= seconds - 1e-9


def test_the_tiny_protocol_has_five_windows_of_ten_seconds() -> None:
    settings = PROTOCOLS["tiny-like"]
    assert settings.processes == 5
    assert settings.min_seconds >= 10.0


@pytest.mark.parametrize("name", sorted(PROTOCOLS.keys() - SHORT))
def test_a_protocol_that_takes_its_time_tells_of_the_paced_tail_too(name: str) -> None:
    settings = PROTOCOLS[name]
    assert settings.processes * settings.paced_samples >= _FOR_A_90TH_PERCENTILE


@pytest.mark.parametrize("name", PROTOCOLS)
def test_turns_are_long_enough_for_the_samples_of_the_protocol(name: str) -> None:
    settings = PROTOCOLS[name]
    turns = ceil(settings.min_seconds / settings.turn_seconds)
    # Of a call that takes 5 ms; slower ones make turns longer.
    assert turns * settings.turn_seconds / 0.005 >= settings.min_samples or name == "smoke"
