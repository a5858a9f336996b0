"""Numbers on the command line are what they look like, or there is a sentence."""

import pytest

from fmnist_edge.errors import UsageError
from fmnist_edge_cli.options import numbers


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
