"""What comes in between is measured right: by clocks whose interruptions are known."""

from collections.abc import Callable, Mapping

import pytest

from fmnist_edge.clock import NS_PER_SECOND
from fmnist_edge.host.cpu_use import CpuSnapshot
from fmnist_edge.host.noise import GAP_NS, Heard, listen, nearest_rank, read_steps, wake_ups
from fmnist_edge.result import CpuUse

_READ = 100
_MS = 1_000_000


class _Machine:
    """A made-up machine: its clock moves by reading it and by sleeping.

    Args:
        gaps: How much longer a reading takes, by its number (the first one is 1).
        late: How late each sleep ends; the last one goes on.
        busy: CPU time of others, as a share of one CPU.
        stolen: Time of a hypervisor, likewise.
    """

    def __init__(
        self,
        gaps: Mapping[int, int] | None = None,
        late: tuple[int, ...] = (0,),
        busy: float = 0.0,
        stolen: float = 0.0,
    ) -> None:
        self.at = 0
        self.own = 0
        self._reads = 0
        self._gaps = gaps or {}
        self._late = list(late)
        self._shares = (busy, stolen)

    def clock(self) -> int:
        self._reads += 1
        self.at += _READ + self._gaps.get(self._reads, 0)
        self.own += _READ
        return self.at

    def pause(self, seconds: float) -> None:
        late = self._late.pop(0) if len(self._late) > 1 else self._late[0]
        self.at += round(seconds * NS_PER_SECOND) + late

    def counters(self) -> CpuSnapshot:
        busy, stolen = (round(share * self.at) for share in self._shares)
        return CpuSnapshot(self.at, self.own, self.own + busy, stolen, preemptions=0, cpus=2)

    def heard(self, look: Callable[[], None] = lambda: None, seconds: float = 0.02) -> Heard:
        return listen(
            look, clock=self.clock, pause=self.pause, counters=self.counters, seconds=seconds
        )


def _clock(times: list[int]) -> Callable[[], int]:
    return iter(times).__next__


def test_the_steps_of_a_clock_are_told_from_its_readings() -> None:
    steps = read_steps(_clock([1_000, 1_100, 1_150, 1_150, 31_150, 90_000, 101_000]), 100_000)
    assert steps.wall_ns == 100_000
    assert (steps.shortest_ns, steps.longest_ns) == (50, 58_850)
    assert steps.gaps_ns == (30_000, 58_850)


def test_a_step_at_the_limit_is_no_interruption_and_one_beyond_it_is() -> None:
    assert read_steps(_clock([0, GAP_NS, 2 * GAP_NS]), 2 * GAP_NS).gaps_ns == ()
    assert read_steps(_clock([0, GAP_NS + 1]), GAP_NS).gaps_ns == (GAP_NS + 1,)


def test_a_coarse_clock_is_read_until_it_moves() -> None:
    steps = read_steps(_clock([0] * 50 + [10 * _MS]), 5 * _MS)
    assert (steps.shortest_ns, steps.longest_ns) == (10 * _MS, 10 * _MS)


def test_a_wake_up_is_late_by_what_goes_beyond_the_sleep() -> None:
    machine = _Machine(late=(50_000, 0, 3 * _MS))
    late = wake_ups(machine.clock, machine.pause, 6 * _MS)
    # Each sleep is read once before it and once after it.
    assert late == [50_000 + _READ, _READ, 3 * _MS + _READ]


def test_a_sleep_that_ends_early_is_not_late() -> None:
    machine = _Machine(late=(-5_000,))
    assert set(wake_ups(machine.clock, machine.pause, 3 * _MS)) == {0}


def test_there_is_one_sleep_at_least() -> None:
    assert len(wake_ups(_clock([0, 50 * _MS, 51 * _MS, 52 * _MS]), lambda _: None, 1)) == 1


@pytest.mark.parametrize(
    ("share", "value"), [(0.5, 30), (0.9, 50), (0.6, 30), (0.61, 40), (1.0, 50), (0.01, 10)]
)
def test_a_percentile_is_the_nearest_value_by_rank(share: float, value: int) -> None:
    assert nearest_rank([10, 20, 30, 40, 50], share) == value


def test_a_quiet_machine() -> None:
    noise = _Machine().heard().noise
    assert (noise.gaps, noise.lost_share, noise.longest_gap_ns) == (0, 0.0, _READ)
    assert (noise.clock_resolution_ns, noise.gap_limit_ns) == (_READ, GAP_NS)
    assert (noise.others_share, noise.stolen_share, noise.cpus) == (0.0, 0.0, 2)
    assert (noise.wakeup_p50_ns, noise.wakeup_p90_ns, noise.wakeup_max_ns) == (_READ,) * 3
    assert noise.wakeups == 20
    # The last sleep begins within the time and ends after it.
    assert noise.duration_seconds == pytest.approx(0.04, rel=0.05)


def test_interruptions_are_counted_and_add_up() -> None:
    noise = _Machine(gaps={10: 5 * _MS, 50: 30_000, 60: GAP_NS - _READ}).heard(seconds=0.04).noise
    assert noise.gaps == 2
    assert noise.longest_gap_ns == 5 * _MS + _READ
    computing = 40 * _MS
    assert noise.lost_share == pytest.approx((5 * _MS + 30_000 + 2 * _READ) / computing, rel=1e-4)


def test_wake_ups_are_told_by_their_percentiles() -> None:
    late = tuple(1_000 * number for number in range(20))
    noise = _Machine(late=late).heard(seconds=0.0201).noise
    assert noise.wakeups == 20
    assert noise.wakeup_p50_ns == 9_000 + _READ
    assert noise.wakeup_p90_ns == 17_000 + _READ
    assert noise.wakeup_max_ns == 19_000 + _READ


def test_the_time_of_others_is_a_share_of_what_all_cpus_could_give() -> None:
    noise = _Machine(busy=0.5, stolen=0.25).heard().noise
    assert noise.others_share == pytest.approx(0.25, rel=0.01)
    assert noise.stolen_share == pytest.approx(0.125, rel=0.01)


def test_what_the_system_does_not_tell_is_not_known() -> None:
    machine = _Machine()

    def counters() -> CpuSnapshot:
        return CpuSnapshot(machine.at, machine.own, None, None, preemptions=0, cpus=0)

    noise = listen(clock=machine.clock, pause=machine.pause, counters=counters, seconds=0.01).noise
    assert (noise.others_share, noise.stolen_share, noise.cpus) == (None, None, None)


def test_the_sensors_are_read_twice_at_work_and_their_time_does_not_count() -> None:
    machine = _Machine()
    moments: list[int] = []

    def look() -> None:
        moments.append(machine.at)
        machine.at += 100 * _MS

    heard = machine.heard(look)
    assert len(moments) == 2
    assert heard.busy.wall_ns == pytest.approx(20 * _MS, rel=0.01)
    assert heard.noise.longest_gap_ns == _READ
    assert moments[0] == pytest.approx(10 * _MS, rel=0.01)


def test_this_machine_is_measured_for_as_long_as_the_checks_need() -> None:
    heard = listen()
    for use in (heard.busy, heard.resting):
        assert isinstance(use, CpuUse)
        assert use.wall_ns >= NS_PER_SECOND
        assert use.own_ns is not None
    assert heard.noise.clock_resolution_ns < GAP_NS
    assert heard.noise.wakeups > 10
    assert 0 <= heard.noise.lost_share < 1
