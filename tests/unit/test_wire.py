"""What goes through the pipes is one line each, and comes out as it went in."""

import numpy as np
import pytest

from fmnist_edge.bench.wire import Command, Reply, Task, decode_scores, encode_line, encode_scores
from fmnist_edge.records import decode_json
from tests.examples import FAILURE, MEASUREMENT


@pytest.mark.parametrize(
    "record",
    [
        Command(Task.PACED, 0.5, 16),
        Reply(),
        Reply(calls=7),
        Reply(failure=FAILURE),
        Reply(measurement=MEASUREMENT, scores="3:AAAA"),
        Reply(scores="two\nlines\r\u2028"),
    ],
)
def test_a_record_is_a_single_line(record: object) -> None:
    line = encode_line(record)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert len(line.decode().splitlines()) == 1
    assert decode_json(type(record), line) == record


def test_a_number_that_json_cannot_say_is_not_sent() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        encode_line(Command(Task.PACED, float("nan")))


@pytest.mark.parametrize("shape", [(1, 1), (3, 10), (10, 3), (0, 10)])
def test_scores_come_out_as_they_went_in(shape: tuple[int, int]) -> None:
    scores = np.random.RandomState(0).normal(size=shape).astype(np.float32)
    again = decode_scores(encode_scores(scores))
    assert again.dtype == np.float32
    assert again.shape == shape
    np.testing.assert_array_equal(again, scores)


@pytest.mark.parametrize("text", ["", "x:AAAA", "2:AAAA", "3:?", "0:AAAA", ":AAAA"])
def test_text_that_holds_no_scores_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whatever the reason
        decode_scores(text)
