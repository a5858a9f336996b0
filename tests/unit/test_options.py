"""Numbers on the command line are what they look like, or there is a sentence."""

from typing import get_args, get_type_hints

import pytest
from typer import BadParameter

from fmnist_edge.errors import UsageError
from fmnist_edge_cli import bench
from fmnist_edge_cli.commands import COMMANDS, load
from fmnist_edge_cli.main import main
from fmnist_edge_cli.options import numbers, seconds


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (["1"], (1,)),
        (["1,2,4"], (1, 2, 4)),
        (["2", "1"], (2, 1)),
        (["4,2", "2,1"], (4, 2, 1)),
        ([" 1 , 2 "], (1, 2)),
        (["007"], (7,)),
    ],
)
def test_numbers_come_in_the_order_in_which_they_are_given_and_each_once(
    given: list[str], found: tuple[int, ...]
) -> None:
    assert numbers("--threads", given, least=1) == found


@pytest.mark.parametrize(
    "given",
    [
        "",
        "0",
        "x",
        "1,",
        ",1",
        "1,,2",
        "-1",
        "+1",
        "1.0",
        "1e3",
        "0x1",
        "1_0",
        "1 2",
        "²",
        "٣",
        "1;2",
    ],
)
def test_anything_else_is_refused_in_words(given: str) -> None:
    with pytest.raises(UsageError) as caught:
        numbers("--threads", [given], least=1)
    assert caught.value.message == (
        f"--threads takes whole numbers from 1 to 9999, separated by commas, not {given!r}."
    )
    assert caught.value.hint == "For example: --threads 1,2"


def test_counting_may_begin_at_zero() -> None:
    assert numbers("--pin", ["0,3"], least=0) == (0, 3)


@pytest.mark.parametrize("given", ["10000", "9" * 20, "9" * 5_000])
def test_a_number_beyond_all_reason_is_refused_in_short(given: str) -> None:
    with pytest.raises(UsageError, match="--threads takes whole numbers") as caught:
        numbers("--threads", [given], least=1)
    assert len(caught.value.message) < 120


def _float_options() -> list[tuple[str, str]]:
    """Command and option of every float on the command line."""
    commands = {name: load(name).callback for name in COMMANDS}
    hints = {name: get_type_hints(run) for name, run in commands.items() if run is not None}
    return [
        (command, f"--{option.replace('_', '-')}")
        for command, kinds in hints.items()
        for option, kind in kinds.items()
        if float in {kind, *get_args(kind)}
    ]


def test_the_float_options_are_known() -> None:
    assert _float_options() == [
        ("export", "--max-drop"),
        ("devices", "--limit"),
        ("doctor", "--limit"),
        ("bench", "--rate"),
        ("bench", "--energy"),
        ("bench", "--sustain"),
        ("bench", "--limit"),
        ("bench", "--reconnect"),
        ("compare", "--fail-above"),
    ]


@pytest.mark.parametrize("given", ["nan", "-nan", "inf", "-inf", "1e999"])
@pytest.mark.parametrize(("command", "option"), _float_options())
def test_a_float_that_is_not_finite_ends_with_2_and_names_the_option(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
    option: str,
    given: str,
) -> None:
    files = ["old.json", "new.json"] if command == "compare" else []
    monkeypatch.setattr("sys.argv", ["fmnist-edge", command, *files, f"{option}={given}"])
    with pytest.raises(SystemExit) as ended:
        main()
    answer = capsys.readouterr()
    assert (ended.value.code, answer.out) == (2, "")
    (sentence,) = (line for line in answer.err.splitlines() if line.startswith("Error: "))
    assert sentence.startswith(f"Error: Invalid value for '{option}': ")


def test_the_names_of_runtimes_and_protocols_are_completed() -> None:
    assert {"numpy", "litert", "onnxruntime"} <= set(bench._runtimes())
    assert {"standard", "quick", "smoke"} <= set(bench._protocols())


@pytest.mark.parametrize(
    "command", ["data", "study", "train", "evaluate", "export", "bench", "compare"]
)
def test_every_command_that_tells_how_it_goes_can_be_silenced(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["fmnist-edge", command, "--help"])
    with pytest.raises(SystemExit):
        main()
    assert "-q, --quiet" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("text", "length"),
    [("90", 90), ("90s", 90), ("10m", 600), ("1h", 3_600), ("1.5m", 90), ("600.0", 600)],
)
def test_a_length_of_time_is_read(text: str, length: float) -> None:
    assert seconds(text) == length


@pytest.mark.parametrize("text", ["", "m", "1hm", "9s", "25h", "-10m", "10 m", "1e3", "nan", "٩٠"])
def test_what_is_no_length_of_time_is_refused(text: str) -> None:
    with pytest.raises(BadParameter, match="no length of time from 10s to 24h, such as 90s"):
        seconds(text)
