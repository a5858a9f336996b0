"""Presets are data: found by name, read from TOML, and refused where they make no sense."""

from itertools import pairwise
from pathlib import Path

import pytest

from fmnist_edge.errors import PresetError, UsageError
from fmnist_edge.records import replace
from fmnist_edge.training import presets
from fmnist_edge.training.fit import override
from fmnist_edge.training.preset import Architecture, Convolution, FineTuning
from fmnist_edge.training.preset_names import PRESET_NAMES, STUDY
from fmnist_edge.training.toml_preset import parse_preset, read_preset

DEFAULT = presets.get("default")


def test_every_preset_is_found_by_its_name() -> None:
    assert tuple(presets.built_in()) == PRESET_NAMES
    for name in PRESET_NAMES:
        assert presets.get(name).name == name
        assert presets.get(name).summary


def test_the_study_goes_from_the_baseline_to_the_default() -> None:
    assert STUDY == ("majority", "smallest", "study", "default")


def test_an_unknown_preset_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="There is no preset called 'huge'") as caught:
        presets.get("huge")
    assert caught.value.hint.startswith("Known are: majority, smallest, study, default")


def test_every_teacher_is_a_preset_that_is_not_deployed() -> None:
    taught = [each for each in presets.built_in().values() if each.distillation]
    assert taught
    for each in taught:
        assert each.distillation is not None
        assert not presets.get(each.distillation.teacher).deploy


def test_the_users_numbers_replace_those_of_the_preset() -> None:
    changed = override(DEFAULT, epochs=1, batch_size=32)
    assert (changed.schedule.epochs, changed.schedule.batch_size) == (1, 32)
    assert changed.architecture == DEFAULT.architecture


def test_without_wishes_the_preset_stays_as_it_is() -> None:
    assert override(DEFAULT, epochs=None, batch_size=None) == DEFAULT


def test_an_impossible_number_is_refused() -> None:
    with pytest.raises(UsageError, match="The epochs must be at least 1, not 0"):
        override(DEFAULT, epochs=0, batch_size=None)
    with pytest.raises(UsageError, match="The batch size must be at least 1, not -1"):
        override(DEFAULT, epochs=None, batch_size=-1)


def test_a_preset_of_the_users_own_is_called_like_its_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        "[architecture]\nhidden = [8]\n[fine_tuning]\nepochs = 2\nlearning_rate = 1e-4\n"
    )
    mine = presets.get(str(path))
    assert mine.name == "mine"
    assert mine.architecture.hidden == (8,)
    assert mine.fine_tuning == FineTuning(2, 1e-4)
    assert mine.epochs == mine.schedule.epochs + 2


@pytest.mark.parametrize(
    ("text", "says", "hint"),
    [
        (
            "[architecture]\nhiden = [8]",
            "mine says architecture.hiden",
            "mean architecture.hidden?",
        ),
        ("[schedul]\nepochs = 8", "mine says schedul,", "Do you mean schedule?"),
        ("xyzzy = 1", "mine says xyzzy,", "Known are: summary, architecture"),
        (
            "[architecture]\nconvolutions = [{ kernel = 3, strides = 2, channels = 4 }]",
            "mine says architecture.convolutions.strides",
            "mean architecture.convolutions.stride?",
        ),
        ("[distillation]\ntemprature = 2", "distillation.temprature", "distillation.temperature?"),
    ],
)
def test_an_unknown_key_is_answered_with_the_nearest(text: str, says: str, hint: str) -> None:
    with pytest.raises(PresetError) as caught:
        parse_preset(text.encode(), "mine", "mine")
    assert says in caught.value.message
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("not toml", "mine is not TOML"),
        ('name = "other"', "mine has the key name"),
        ("[architecture]\npool = 3", "pool must be a divisor of 28"),
        ("[architecture]\nhidden = [0]", "a hidden layer must have at least 1 unit"),
        ("[architecture]\nhidden = 8", "architecture.hidden: expected `array`"),
        ("architecture = 8", "architecture: expected `object`"),
        ("[schedule]\nepochs = 0", "epochs must be at least 1"),
        ("[schedule]\nepochs = 1.5", "schedule.epochs: expected `int`, got `float`"),
        ('[schedule]\ndecay = "linear"', "schedule.decay: invalid enum value 'linear'"),
        ("[optimizer]\nlearning_rate = 0", "learning_rate must be above 0"),
        ("[optimizer]\nlearning_rate = inf", "mine says optimizer.learning_rate is inf"),
        ("[optimizer]\nweight_decay = 0.1", "weight_decay needs the optimizer adamw"),
        ("[regularization]\ndropout = 1.0", "dropout must be at least 0 and below 1"),
        ("[augmentation]\nshift = 28", "shift must be from 0 to 27 pixels"),
        (
            "[architecture]\nconvolutions = [{ kernel = 29, stride = 1, channels = 1 }]",
            "the kernel of a convolution is larger than its input",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(text: str, says: str) -> None:
    with pytest.raises(PresetError) as caught:
        parse_preset(text.encode(), "mine", "mine")
    assert says in caught.value.message
    assert caught.value.hint


def test_a_file_that_is_not_there_or_is_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PresetError, match="cannot be read: No such file"):
        read_preset(tmp_path / "none.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(PresetError, match="is not TOML"):
        read_preset(tmp_path / "bytes.toml")


def test_the_deployed_network_counts_what_is_unrolled() -> None:
    network = Architecture(
        convolutions=(Convolution(5, 3, 16, 1), Convolution(3, 2, 48)), hidden=(128,)
    )
    assert network.widths == (784, 9 * 9 * 16, 4 * 4 * 48, 128, 10)
    assert network.parameters == sum(a * b + b for a, b in pairwise(network.widths))
    assert network.unrolled.widths == network.widths
    assert network.unrolled.convolutions == ()


def test_a_teacher_counts_its_shared_weights_once() -> None:
    network = Architecture(convolutions=(Convolution(5, 2, 4, 2),), hidden=(8,))
    teacher = replace(DEFAULT, architecture=network, deploy=False)
    flat = 14 * 14 * 4
    assert teacher.parameters == (25 * 4 + 4) + (flat * 8 + 8) + (8 * 10 + 10)


def test_the_fingerprint_is_of_the_recipe_alone() -> None:
    assert replace(DEFAULT, name="x", summary="y").fingerprint == DEFAULT.fingerprint
    other = override(DEFAULT, epochs=DEFAULT.schedule.epochs + 1, batch_size=None)
    assert other.fingerprint != DEFAULT.fingerprint
