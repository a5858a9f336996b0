"""The table of commands says what the commands themselves say."""

import pytest
from typer.core import TyperCommand

from fmnist_edge_cli.commands import COMMANDS, load


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_repeats_the_first_sentence_of_the_docstring(name: str) -> None:
    far = 1_000
    listed = TyperCommand(name, help=COMMANDS[name].help)
    assert load(name).get_short_help_str(far) == COMMANDS[name].help
    assert listed.get_short_help_str(far) == COMMANDS[name].help


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_has_the_name_under_which_it_is_asked_for(name: str) -> None:
    assert load(name).name == name
