"""Tables as lines of text that line up and fit."""

import pytest

from fmnist_edge.report.cells import Table
from fmnist_edge.report.layout import draw, shortened


def _table(*rows: tuple[str, ...], spare: tuple[str, ...] = ()) -> Table:
    headers = ("model", "accuracy %", "p50 µs", "RSS MB")
    return Table(headers, rows, (False, True, True, True), spare)


def test_digits_line_up_with_marks_and_words_behind_them() -> None:
    drawn = draw(_table(("a", "90.19? tie", "7.20?", "64"), ("b", "9.00", "123", "-")))
    assert "\n".join((*drawn.header, *drawn.rows)) == (
        """\
                     p50  RSS
model  accuracy %     µs   MB
a      90.19? tie  7.20?   64
b       9.00        123     -"""
    )
    assert drawn.rule == "─" * len("model  accuracy %     µs   MB")


def test_a_table_that_fits_is_whole() -> None:
    table = _table(("a-model", "1", "2", "3"), spare=("p50 µs",))
    assert draw(table, 100) == draw(table)
    assert draw(table).left_out == ()


def test_names_are_shortened_before_columns_are_left_out() -> None:
    table = _table(("a-rather-long-name-of-a.tflite", "1", "2", "3"), spare=("p50 µs", "RSS MB"))
    drawn = draw(table, 40)
    assert (drawn.left_out, "…" in drawn.rows[0]) == ((), True)
    narrow = draw(table, 34)
    assert narrow.left_out == ("p50 µs",)
    assert max(map(len, (*narrow.header, *narrow.rows, narrow.rule))) <= 34
    # What is not spare stays; names pay for it.
    narrowest = draw(table, 20)
    assert narrowest.left_out == ("p50 µs", "RSS MB")
    assert "accuracy" in narrowest.header[0]


def test_a_name_is_one_line() -> None:
    assert len(draw(_table(("a\nb\tc", "1", "2", "3"))).rows) == 1
    assert "\n" not in draw(_table(("a\nb\tc", "1", "2", "3"))).rows[0]


def test_a_table_without_rows_or_columns_is_drawn() -> None:
    assert draw(_table()).rows == ()
    assert draw(Table((), (), ())).header == ()


@pytest.mark.parametrize(
    ("names", "short"),
    [
        (("default-float32.tflite", "a.onnx"), ("defau…tflite", "a.onnx")),
        # The middle alone tells these apart, then the beginning, then the end.
        (("one/default-int8.tflite", "one/default-int4.tflite"), ("…int8.tflite", "…int4.tflite")),
        (("one-more/model.tflite", "one-less/model.tflite"), ("one-m…tflite", "one-l…tflite")),
    ],
)
def test_shortened_names_stay_different(names: tuple[str, ...], short: tuple[str, ...]) -> None:
    assert tuple(shortened(names, 12)) == short
