"""Numbers and lists of names as people write them."""

import pytest

from fmnist_edge.report.numbers import (
    counted,
    duration,
    label,
    listed,
    percentage,
    points,
    probability,
    quantity,
    sentence,
    significant,
    size,
    within,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (-1, "-1.00"),
        (0.000012345, "0.0000123"),
        (0.123456, "0.123"),
        (0.9994, "0.999"),
        (0.9996, "1.00"),
        (1, "1.00"),
        (9.994, "9.99"),
        (9.996, "10.0"),
        (12.34, "12.3"),
        (99.96, "100"),
        (999.4, "999"),
        (999.6, "1000"),
        (1234.5, "1230"),
        (123456789, "123000000"),
    ],
)
def test_numbers_have_three_significant_digits_and_no_exponent(value: float, text: str) -> None:
    assert significant(value) == text


@pytest.mark.parametrize(
    ("value", "half", "text"),
    [
        (262.4, 0.2, "262"),
        (262.4, 2.0, "262"),
        (262.4, 13.0, "262"),
        (262.4, 31.0, "260"),
        (262.4, 200.0, "260"),
        (262.4, 300.0, "300"),
        (9.87, 0.3, "9.87"),
        (9.87, 1.3, "9.9"),
        (1234.5, 0.0, "1230"),
        (0.0, 1.0, "0"),
    ],
)
def test_a_number_has_the_digits_that_its_interval_leaves(
    value: float, half: float, text: str
) -> None:
    assert within(value, half) == text


def test_small_things_are_written_as_people_write_them() -> None:
    assert [points(each) for each in (0.00123, -0.005, 0.0, -0.000001)] == [
        *("+0.12", "-0.50", "+0.00", "+0.00"),
    ]
    assert [probability(each) for each in (0.0001, 0.012, 0.2, 1.0)] == [
        *("p<0.001", "p=0.01", "p=0.2", "p=1"),
    ]
    assert [sentence(each) for each in ("It fell", "It fell. ", "Why?", "")] == [
        *("It fell.", "It fell.", "Why?", ""),
    ]
    assert [listed([*"abcdefg"[:count]]) for count in (0, 1, 2, 3, 5, 7)] == [
        *("", "a", "a and b", "a, b and c", "a, b, c, d and e", "a, b, c, d and 3 more"),
    ]
    assert [counted(*each) for each in ((1, "row"), (2_000, "row"), (1, "process"))] == [
        *("1 row", "2,000 rows", "1 process"),
    ]
    assert counted(0, "process") == "0 processes"


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0.0, "0 ns"),
        (0.5, "0.500 ns"),
        (999, "999 ns"),
        (48_900, "48.9 µs"),
        (7_310_000, "7.31 ms"),
        (12_000_000_000, "12.0 s"),
        (2e12, "2000 s"),
    ],
)
def test_a_duration_has_three_digits_and_the_unit_that_fits(nanoseconds: float, text: str) -> None:
    assert duration(nanoseconds) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0, "0.0 %"),
        (0.0004, "0.040 %"),
        (0.032, "3.2 %"),
        (0.1, "10 %"),
        (0.72, "72 %"),
        (0.998, "99.8 %"),
        (1.62, "162.0 %"),
    ],
)
def test_a_share_is_finer_near_its_ends(share: float, text: str) -> None:
    assert percentage(share) == text


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("image_ns", 7_310, "7.31 µs"),
        ("seconds_needed", 600.0, "600 s"),
        ("seconds", 9.94, "9.9 s"),
        ("limit_share", 0.025, "2.5 %"),
        ("share_needed", 0.98, "98 %"),
        ("repeat_ratio", 1.234, "1.23"),
        ("to_celsius", 61.0, "61 °C"),
        ("from_mhz", 2400.4, "2400 MHz"),
        ("rate_hz", 30.0, "30 Hz"),
        ("available_bytes", 500 << 20, "500 MiB"),
        ("processes", 1_024, "1,024"),
        ("times", 28.84, "28.8"),
        ("governor", "powersave", "powersave"),
        ("memory_bytes", "unknown", "unknown"),
    ],
)
def test_a_value_is_written_with_the_unit_that_its_name_ends_in(
    name: str, value: str | float, text: str
) -> None:
    assert quantity(name, value) == text


def test_the_label_of_a_value_has_no_unit() -> None:
    names = ("max_frequency_mhz", "memory_bytes", "load_at_start", "cpu features", "cores")
    assert [label(name) for name in names] == [
        *("max frequency", "memory", "load at start", "cpu features", "cores"),
    ]
    assert size(8 << 30) == "8.0 GiB"
