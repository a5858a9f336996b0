"""Records to JSON and back, and the sentences for JSON that is something else."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal

import pytest

from fmnist_edge.records import (
    Record,
    RecordError,
    SchemaError,
    decode,
    decode_document,
    decode_json,
    encode,
    encode_bytes,
    encode_json,
)


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Wheel(Record):
    radius: float
    spokes: int = 20

    def __post_init__(self) -> None:
        if self.radius < 0:
            raise ValueError(f"a radius of {self.radius}")


class Gear(Record):
    number: Literal[1, 2]


class Bike(Record):
    name: str
    colour: Colour
    wheels: tuple[Wheel, ...]
    parts: Mapping[str, int]
    bell: Wheel | None
    electric: bool
    kind: Literal["bike"] = "bike"
    schema_version: int = 2


_BIKE = Bike("Ünal", Colour.RED, (Wheel(1.5), Wheel(2.0, 3)), {"chain": 1}, None, electric=False)
_JSON = """\
{
  "name": "\\u00dcnal",
  "colour": "red",
  "wheels": [
    {
      "radius": 1.5,
      "spokes": 20
    },
    {
      "radius": 2.0,
      "spokes": 3
    }
  ],
  "parts": {
    "chain": 1
  },
  "bell": null,
  "electric": false,
  "kind": "bike",
  "schema_version": 2
}
"""


def _bike(**changes: object) -> dict[str, object]:
    data = encode(_BIKE)
    assert isinstance(data, dict)
    return {**data, **changes}


def test_a_record_becomes_indented_json() -> None:
    assert encode_json(_BIKE) == _JSON
    assert encode_bytes(_BIKE) == _JSON.encode()


def test_json_becomes_a_record() -> None:
    assert decode_json(Bike, _JSON) == _BIKE
    assert decode_json(Bike, _JSON.encode()) == _BIKE


def test_an_enumeration_comes_back_as_its_member() -> None:
    assert decode(Bike, _bike(colour="blue")).colour is Colour.BLUE


def test_a_whole_number_is_good_enough_for_a_real_one() -> None:
    wheel = decode(Wheel, {"radius": 2})
    assert wheel == Wheel(2.0, 20)
    assert type(wheel.radius) is float


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"name": 1}, "name: expected `str`, got `int`"),
        ({"electric": 0}, "electric: expected `bool`, got `int`"),
        ({"schema_version": True}, "schema_version: expected `int`, got `bool`"),
        ({"colour": "green"}, "colour: invalid enum value 'green'"),
        ({"kind": "car"}, "kind: invalid enum value 'car'"),
        ({"wheels": {}}, "wheels: expected `array`, got `object`"),
        ({"wheels": [{"radius": 1}, 3]}, r"wheels\[1\]: expected `object`, got `int`"),
        (
            {"wheels": [{"radius": 1, "spokes": 1.0}]},
            r"wheels\[0\].spokes: expected `int`, got `float`",
        ),
        ({"wheels": [{"radius": True}]}, r"wheels\[0\].radius: expected `float`, got `bool`"),
        ({"wheels": [{"spokes": 1}]}, r"wheels\[0\]: object missing required field `radius`"),
        ({"wheels": [{"radius": -1}]}, r"wheels\[0\]: a radius of -1\.0"),
        ({"parts": []}, "parts: expected `object`, got `array`"),
        ({"parts": {"chain": "1"}}, r"parts\[...\]: expected `int`, got `str`"),
        ({"bell": {"radius": None}}, "bell.radius: expected `float`, got `null`"),
        ({"saddle": 1}, "it: object contains unknown field `saddle`"),
    ],
)
def test_a_wrong_field_is_named(changes: dict[str, object], problem: str) -> None:
    with pytest.raises(RecordError, match=f"^{problem}$"):
        decode(Bike, _bike(**changes))


@pytest.mark.parametrize(
    ("number", "problem"),
    [
        ("NaN", "it is not JSON"),
        ("-Infinity", "it is not JSON"),
        ("1e999", "radius: number out of range"),
        ("1" + "0" * 400, "radius: number out of range"),
    ],
)
def test_a_number_beyond_all_bounds_is_refused(number: str, problem: str) -> None:
    with pytest.raises(RecordError, match=f"^{problem}"):
        decode_json(Wheel, f'{{"radius": {number}}}')


@pytest.mark.parametrize("text", ["", "{", '{"radius": 1} {}', "nul", b"\xff\xfe", "\ufeff{}"])
def test_text_that_is_no_json_is_refused(text: str | bytes) -> None:
    with pytest.raises(RecordError, match=r"^it is not JSON"):
        decode_json(Wheel, text)


@pytest.mark.parametrize("text", ["{", _JSON[:100], _JSON[:20], _JSON[:-2], _JSON[:-3] + "\n\n"])
def test_text_that_was_cut_off_is_told_from_other_text(text: str) -> None:
    with pytest.raises(RecordError, match=r"^it is not JSON \(it ends in the middle\)$"):
        decode_json(Bike, text)


@pytest.mark.parametrize("text", ["[" * 100_000, "9" * 10_000, "null", "[]", '"bike"', "3"])
def test_json_that_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(RecordError, match=r"^it: (expected `object`, got|number out of range)"):
        decode_json(Wheel, text)


@pytest.mark.parametrize("text", ["(no)", '{"name": "x"} {}', "{'a': 1}", "[1,]"])
def test_text_that_is_something_else_was_not_cut_off(text: str) -> None:
    with pytest.raises(RecordError) as caught:
        decode_json(Bike, text)
    assert "middle" not in str(caught.value)


def test_what_stands_in_place_of_a_choice_is_quoted_in_short() -> None:
    with pytest.raises(RecordError) as caught:
        decode(Bike, _bike(colour="x" * 10_000))
    assert len(str(caught.value)) < 150


@pytest.mark.parametrize("number", [True, 1.0, "1", 3])
def test_a_choice_is_of_the_very_type(number: object) -> None:
    assert decode(Gear, {"number": 1}) == Gear(1)
    with pytest.raises(RecordError, match="number: "):
        decode(Gear, {"number": number})


def test_a_number_that_json_cannot_say_is_not_written() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        encode_json(Wheel(float("nan")))


def test_what_is_no_part_of_a_record_is_not_written() -> None:
    with pytest.raises(TypeError, match="type object is unsupported"):
        encode(object())


@pytest.mark.parametrize(("version", "age"), [(3, "newer"), (1, "older")])
def test_another_schema_version_is_named_whatever_else_is_in_the_document(
    version: int, age: str
) -> None:
    data = {"kind": "bike", "schema_version": version, "flux_capacitor": 88}
    with pytest.raises(SchemaError, match=f"the {age} schema version {version};") as caught:
        decode_document(Bike, encode_json(data), 2)
    assert str(caught.value).endswith("; version 2 is read")
    assert caught.value.is_newer == (age == "newer")


def test_the_version_of_another_kind_of_document_is_not_looked_at() -> None:
    with pytest.raises(RecordError, match=r"^its kind is 'car', not 'bike'$") as caught:
        decode_document(Bike, encode_json(_bike(kind="car", schema_version=9)), 2)
    assert not isinstance(caught.value, SchemaError)


@pytest.mark.parametrize("name", ["kind", "schema_version"])
def test_a_document_must_say_what_it_is(name: str) -> None:
    data = _bike()
    del data[name]
    with pytest.raises(RecordError, match=f"^it: object missing required field `{name}`$"):
        decode_document(Bike, encode_json(data), 2)


@pytest.mark.parametrize("text", ["null", "[]", '"bike"', "3"])
def test_a_document_is_a_json_object(text: str) -> None:
    with pytest.raises(RecordError, match=r"^it: expected `object`, got `"):
        decode_document(Bike, text, 2)
