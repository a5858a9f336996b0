"""What a reader of a row should know before comparing it with another."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from fmnist_edge.artifact import Precision
from fmnist_edge.bench.wording import counted, duration, percent
from fmnist_edge.clock import NS_PER_SECOND
from fmnist_edge.result import Row

__all__ = ["remarks"]

_NUMPY: Final = "numpy"
_MOSTLY: Final = 0.5
_MUCH_LATER: Final = 2.0
_FLOAT32: Final = frozenset({"f32", "fp32", "float32", "float"})


def remarks(row: Row, everything: Sequence[Row]) -> tuple[str, ...]:
    """Sentences about a measured row.

    Args:
        row: With its latencies, stages and throughput.
        everything: All rows of the run, the floor's among them.
    """
    own = [text for remark in _REMARKS for text in remark(row)]
    if row.case.subject.is_floor:
        return tuple(own)
    return (*_dispatch(row), *_slower_than_numpy(row, everything), *own, *_paced(row))


def _dispatch(row: Row) -> Iterator[str]:
    """How much of a call the arithmetic explains, as far as a large batch shows its cost."""
    if row.throughput is not None and row.dispatch is not None and row.dispatch > _MOSTLY:
        per_image = NS_PER_SECOND / row.throughput.images_per_second
        yield (
            f"Mostly dispatch: {percent(row.dispatch)} of a call is not arithmetic but the call "
            f"itself and reading the weights; an image costs {duration(per_image)} in a batch of "
            f"{row.throughput.batch}."
        )


def _slower_than_numpy(row: Row, everything: Sequence[Row]) -> Iterator[str]:
    for each in everything:
        is_yardstick = (
            each.case.subject.is_floor and each.case.runtime == _NUMPY and each.back_to_back
        )
        if not is_yardstick or row.back_to_back is None or each.back_to_back is None:
            continue
        if each.case.batch == row.case.batch and row.back_to_back.p50 > each.back_to_back.p50:
            network = each.case.subject.path.strip("()").partition(" ")[0]
            yield (
                f"Slower than plain NumPy on a {network} network "
                f"({duration(each.back_to_back.p50)})."
            )


def _batched(row: Row) -> Iterator[str]:
    calls = max(each.back_to_back.calls_per_sample for each in row.measurements)
    if calls > 1:
        yield (
            f"Each sample is the mean of {calls:,} calls, because one is too short for the clock; "
            "slow calls hide in it."
        )


def _thinned(row: Row) -> Iterator[str]:
    every = max(each.back_to_back.kept_every for each in row.measurements)
    if every > 1:
        made = sum(each.back_to_back.calls for each in row.measurements)
        yield f"Of {counted(made, 'call')}, one sample in {every:,} was kept."


def _synthetic(row: Row) -> Iterator[str]:
    if any(each.inputs.source == "synthetic" for each in row.measurements):
        yield "The inputs are noise, not images, so nothing is said about accuracy."


def _paced(row: Row) -> Iterator[str]:
    rate = next((each.paced.rate_hz for each in row.measurements if each.paced), None)
    if rate is None or row.paced is None or row.service is None or row.back_to_back is None:
        return
    if row.paced.p50 > NS_PER_SECOND / rate:
        yield (
            f"Cannot keep up with {rate:,g} calls per second: a call takes "
            f"{duration(row.service.p50)}, and half of the answers come later than "
            f"{duration(row.paced.p50)} after they were due."
        )
    elif row.paced.p50 > _MUCH_LATER * row.back_to_back.p50 > 0:
        yield (
            f"Called {rate:,g} times per second, an answer takes {duration(row.paced.p50)}: "
            f"{row.paced.p50 / row.back_to_back.p50:,.1f} times as long as back to back. The call "
            f"itself takes {duration(row.service.p50)} of it."
        )


def _precision(row: Row) -> Iterator[str]:
    used = sorted({each.used.get("precision", "") for each in row.measurements} - {""})
    other = [name for name in used if name.lower() not in _FLOAT32]
    if other and row.case.subject.precision is Precision.FLOAT32:
        yield f"The file is float32, but the runtime computes in {' and '.join(other)}."


_REMARKS: Final[tuple[Callable[[Row], Iterator[str]], ...]] = (
    _batched,
    _thinned,
    _synthetic,
    _precision,
)
