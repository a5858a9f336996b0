"""A preset survives the way to text and back; any text makes a preset, or is refused."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fmnist_edge.errors import PresetError
from fmnist_edge.records import encode
from fmnist_edge.training.preset import (
    Architecture,
    Augmentation,
    Convolution,
    Distillation,
    FineTuning,
    Optimizer,
    Preset,
    Regularization,
    Schedule,
)
from fmnist_edge.training.toml_preset import parse_preset, preset_from

SHARES = st.floats(0, 0.99)
RATES = st.floats(1e-6, 1)
CONVOLUTIONS = st.builds(Convolution, st.integers(1, 5), st.integers(1, 3), st.integers(1, 8))


def _possible(**fields: Any) -> Architecture | None:  # noqa: ANN401 - of many types
    try:
        return Architecture(**fields)
    except ValueError:
        return None


ARCHITECTURES = st.builds(
    _possible,
    pool=st.sampled_from((1, 2, 4, 7, 14, 28)),
    convolutions=st.lists(CONVOLUTIONS, max_size=3).map(tuple),
    hidden=st.lists(st.integers(1, 64), max_size=3).map(tuple),
    normalize=st.booleans(),
    standardize=st.booleans(),
    bias=st.booleans(),
).filter(lambda found: found is not None)
PRESETS = st.builds(
    Preset,
    name=st.just("any"),
    summary=st.text(),
    architecture=ARCHITECTURES,
    regularization=st.builds(Regularization, SHARES, st.floats(0, 1), SHARES),
    optimizer=st.builds(Optimizer, st.just("adamw"), RATES, SHARES),
    schedule=st.builds(
        Schedule,
        st.integers(1, 99),
        st.integers(1, 999),
        st.sampled_from(("none", "cosine")),
        SHARES,
        SHARES,
        st.integers(0, 9),
    ),
    augmentation=st.builds(Augmentation, st.booleans(), st.integers(0, 27), SHARES, SHARES),
    distillation=st.none() | st.builds(Distillation, st.text(), RATES, RATES),
    fine_tuning=st.none() | st.builds(FineTuning, st.integers(1, 9), RATES),
    method=st.sampled_from(("gradients", "class-frequencies")),
    embed_metadata=st.booleans(),
    deploy=st.booleans(),
)


@given(PRESETS)
def test_a_preset_comes_back_as_it_was(preset: Preset) -> None:
    data = encode(preset)
    assert isinstance(data, dict)
    del data["name"]
    back = preset_from(data, "any", "any")
    assert back == preset
    assert back.fingerprint == preset.fingerprint


@given(PRESETS)
def test_every_layer_of_the_deployed_network_is_counted(preset: Preset) -> None:
    network = preset.architecture
    assert network.widths[0] == (28 // network.pool) ** 2
    assert network.widths[-1] == 10
    assert network.unrolled.parameters == network.parameters


@given(st.binary(max_size=80) | st.text(max_size=80).map(str.encode))
def test_any_text_is_a_preset_or_is_refused(payload: bytes) -> None:
    with suppress(PresetError):
        assert parse_preset(payload, "any", "any").name == "any"


@given(st.sampled_from(("epochs", "batch_size", "warmup")), st.integers(0, 9))
def test_a_slip_of_the_finger_is_answered_with_what_was_meant(key: str, place: int) -> None:
    slip = key[: place % len(key)] + key[place % len(key) + 1 :]
    with pytest.raises(PresetError) as caught:
        preset_from({"schedule": {slip: 1}}, "any", "any")
    assert f"schedule.{key}" in caught.value.hint
