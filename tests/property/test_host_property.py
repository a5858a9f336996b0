"""Whatever a file or a program says, it is understood or refused with a reason."""

import math
import tempfile
from collections.abc import Callable
from itertools import accumulate
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fmnist_edge.host.busy_programs import parse_stat
from fmnist_edge.host.cpu import features_of
from fmnist_edge.host.energy import WattMeter
from fmnist_edge.host.facts import facts
from fmnist_edge.host.health import Health, parse_available, parse_load
from fmnist_edge.host.noise import GAP_NS, read_steps
from fmnist_edge.host.process import footprint
from fmnist_edge.host.rapl import Rapl
from fmnist_edge.host.raspberry_pi import parse_rails, parse_throttled
from fmnist_edge.host.sensors import clocks_of_cpuinfo, ranges
from fmnist_edge.host.small_files import UnreadableError, parse_float, parse_int
from fmnist_edge.records import decode_json, encode_json
from fmnist_edge.result import Reading
from tests.trees import AMD_DESKTOP, INTEL_LAPTOP, RASPBERRY_PI_5, plant, programs

_PARSERS: list[Callable[[str], object]] = [
    parse_float,
    parse_int,
    clocks_of_cpuinfo,
    features_of,
    parse_available,
    parse_load,
    parse_rails,
    parse_throttled,
    parse_stat,
]
# Texts that begin like the real ones get further into the parsers.
_ODD = st.text(max_size=30) | st.lists(
    st.sampled_from(
        [
            *("throttled=", "0x", "50005", "0", "9" * 30, ".5", "-1", "nan", "inf", "1e9", "\n"),
            *("VDD_CORE_A current(7)=", "VDD_CORE_V volt(15)=", "A", "V", " W", " MHz", ", ", ","),
            *("cpu MHz\t: ", "processor\t: ", "flags\t: aperfmperf", "MemAvailable:", " kB", "²"),
            *('error=1 error_msg="', '"', "[N/A]", "model name\t: ", "CPU part: 0xd0b", "\0", " "),
        ]
    ),
    max_size=8,
).map("".join)
_NAMES = sorted({*RASPBERRY_PI_5, *INTEL_LAPTOP, *list(AMD_DESKTOP)[:20]})


@given(steps=st.lists(st.integers(1, 100_000), min_size=1, max_size=50))
def test_the_gaps_of_a_clock_are_its_long_steps(steps: list[int]) -> None:
    times = list(accumulate(steps, initial=7))
    found = read_steps(iter(times).__next__, sum(steps))
    assert found.wall_ns == sum(steps)
    assert found.gaps_ns == tuple(step for step in steps if step > GAP_NS)
    assert (found.shortest_ns, found.longest_ns) == (min(steps), max(steps))


@pytest.mark.parametrize("parse", _PARSERS)
@given(told=_ODD)
def test_any_text_is_understood_or_refused(parse: Callable[[str], object], told: str) -> None:
    why = "understood"
    try:
        parse(told)
    except UnreadableError as error:
        why = str(error)
    assert why
    assert "\n" not in why
    assert len(why) < 200


@given(tree=st.dictionaries(st.sampled_from(_NAMES), _ODD, max_size=12), said=_ODD)
def test_any_tree_gives_a_reading_and_facts_that_can_be_kept(
    tree: dict[str, str], said: str
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        commands = [("vcgencmd", "get_throttled"), ("lscpu", "--json", f"--sysroot={folder}")]
        run = programs(dict.fromkeys(commands, said))
        root = plant(Path(folder), tree)
        reading = Health(root, run).look(1.0)
        known = facts(root, run)
    assert decode_json(Reading, encode_json(reading).encode()) == reading
    figures = [
        *reading.temperatures_celsius.values(),
        *reading.clocks_mhz.values(),
        reading.load or 0.0,
    ]
    assert all(math.isfinite(figure) for figure in figures)
    assert all(known.values())


@given(told=_ODD)
def test_any_status_gives_a_footprint(told: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        assert footprint(plant(Path(folder), {"status": told}) / "status").cpus


@given(word=st.integers(0, 0xFFFFFFFF), prefix=st.sampled_from(["", "0x", "throttled=0x"]))
def test_a_throttle_word_is_the_same_from_file_and_program(word: int, prefix: str) -> None:
    assert parse_throttled(f"{prefix}{word:x}\n") == word


@given(steps=st.lists(st.integers(0, 999_999), min_size=1, max_size=4), start=st.integers(0, 10**6))
def test_a_counter_that_wraps_anywhere_loses_nothing(steps: list[int], start: int) -> None:
    span = 1_000_000
    zone = "sys/class/powercap/intel-rapl:0"
    now = start % span
    tree = {"name": "package-0", "max_energy_range_uj": str(span), "energy_uj": str(now)}
    with tempfile.TemporaryDirectory() as folder:
        root = plant(Path(folder), {f"{zone}/{name}": text for name, text in tree.items()})
        meter = Rapl(root)
        for step in steps:
            now = (now + step) % span
            plant(root, {f"{zone}/energy_uj": str(now)})
            meter.sample(0.0)
        assert meter.joules() == pytest.approx(sum(steps) * 1e-6)


@given(
    watts=st.floats(0, 1e4),
    gaps=st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=8),
    start=st.floats(0, 1e6),
)
def test_constant_power_gives_watts_times_seconds(
    watts: float, gaps: list[float], start: float
) -> None:
    meter = WattMeter("test", "all", lambda: watts)
    seconds = start
    meter.sample(seconds)
    for gap in gaps:
        seconds += gap
        meter.sample(seconds)
    assert meter.joules() == pytest.approx(watts * (seconds - start), rel=1e-6, abs=1e-6)


@given(numbers=st.lists(st.integers(0, 40)))
def test_ranges_name_every_number_once(numbers: list[int]) -> None:
    named = [
        list(range(int(part.split("-")[0]), int(part.split("-")[-1]) + 1))
        for part in ranges(numbers).split(",")
        if part
    ]
    assert [number for run in named for number in run] == sorted(set(numbers))
