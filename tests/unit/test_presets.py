"""A preset is found by name, and takes the user's numbers where they make sense."""

import pytest

from fmnist_edge.errors import UsageError
from fmnist_edge.training import presets
from fmnist_edge.training.fit import override
from fmnist_edge.training.presets import PRESETS


def test_every_preset_is_found_by_its_name() -> None:
    assert list(PRESETS) == ["default", "small"]
    for name in PRESETS:
        assert presets.get(name).name == name


def test_an_unknown_preset_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="There is no preset called 'huge'") as caught:
        presets.get("huge")
    assert caught.value.hint == "Known are: default, small."


def test_the_users_numbers_replace_those_of_the_preset() -> None:
    changed = override(PRESETS["default"], epochs=1, batch_size=32)
    assert (changed.epochs, changed.batch_size) == (1, 32)
    assert changed.hidden == PRESETS["default"].hidden


def test_without_wishes_the_preset_stays_as_it_is() -> None:
    assert override(PRESETS["small"], epochs=None, batch_size=None) == PRESETS["small"]


def test_an_impossible_number_is_refused() -> None:
    with pytest.raises(UsageError, match="The epochs must be at least 1, not 0"):
        override(PRESETS["small"], epochs=0, batch_size=None)
    with pytest.raises(UsageError, match="The batch size must be at least 1, not -1"):
        override(PRESETS["small"], epochs=None, batch_size=-1)
