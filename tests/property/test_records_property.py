"""Records survive JSON unchanged, and no JSON whatsoever gets past the decoder by mistake."""

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fmnist_edge.artifact import Manifest
from fmnist_edge.bench.wire import Command, Job, Reply, encode_line
from fmnist_edge.records import (
    Record,
    RecordError,
    decode,
    decode_document,
    decode_json,
    encode_json,
    replace,
)
from fmnist_edge.result import Run
from tests.strategies import (
    jobs,
    json_values,
    manifests,
    records,
    runs,
)

_messages = jobs | records(Command) | records(Reply)
_documents = manifests | runs | _messages
# No field of any record takes one of these.
_misfits = st.sampled_from([[[]], [{"?": []}], {"?": [[]]}])


def _objects(record: object, data: Any) -> Iterator[tuple[Any, dict[str, Any]]]:  # noqa: ANN401
    """Each record within a record, together with its JSON object."""
    if isinstance(record, Record):
        yield record, data
        # A field that is left out has its default, in which there is no record.
        for name in data.keys() & set(record.__struct_fields__):
            yield from _objects(getattr(record, name), data[name])
    elif isinstance(record, tuple):
        for item, value in zip(record, data, strict=True):
            yield from _objects(item, value)


def _pick(draw: st.DataObject, document: object) -> tuple[Any, Any, dict[str, Any]]:
    """A whole document as JSON; a record somewhere in it; and that record's JSON object."""
    whole = json.loads(encode_json(document))
    record, part = draw.draw(st.sampled_from(list(_objects(document, whole))))
    return whole, record, part


@given(_documents)
def test_a_record_comes_back_from_json_as_it_was(document: object) -> None:
    text = encode_json(document)
    again = decode_json(type(document), text)
    assert again == document
    assert encode_json(again) == text


@given(manifests | runs)
def test_a_document_comes_back_from_json_as_it_was(document: Manifest | Run) -> None:
    version = document.schema_version
    assert decode_document(type(document), encode_json(document), version) == document


@given(_messages)
def test_a_message_is_one_line_and_arrives_as_it_was_sent(message: object) -> None:
    line = encode_line(message)
    assert line.splitlines() == [line[:-1]]
    assert decode_json(type(message), line) == message


@given(_documents, st.data())
def test_a_dropped_field_is_missed_by_name_unless_it_has_a_default(
    document: object, data: st.DataObject
) -> None:
    whole, record, part = _pick(data, document)
    field = data.draw(st.sampled_from(msgspec.structs.fields(record)))
    part.pop(field.name, None)  # a field at its default may have been left out already
    if field.required:
        with pytest.raises(RecordError, match=f"missing required field `{field.name}`"):
            decode(type(document), whole)
        return
    made = field.default_factory
    default = field.default if made is msgspec.NODEFAULT else made()
    assert decode(type(record), part) == replace(record, **{field.name: default})


@given(_documents, st.data())
def test_an_unknown_field_is_named(document: object, data: st.DataObject) -> None:
    whole, _, part = _pick(data, document)
    part["colour"] = "red"
    with pytest.raises(RecordError, match="unknown field `colour`"):
        decode(type(document), whole)


@given(_documents, _misfits, st.data())
def test_a_field_of_another_type_is_named(
    document: object, misfit: object, data: st.DataObject
) -> None:
    whole, record, part = _pick(data, document)
    name = data.draw(st.sampled_from(record.__struct_fields__))
    part[name] = misfit
    with pytest.raises(RecordError, match=rf"\b{name}\b"):
        decode(type(document), whole)


@given(_documents, json_values, st.data())
def test_any_json_in_place_of_a_field_is_refused_or_becomes_a_proper_record(
    document: object, value: object, data: st.DataObject
) -> None:
    whole, record, part = _pick(data, document)
    part[data.draw(st.sampled_from(record.__struct_fields__))] = value
    _refuse_or_keep(type(document), json.dumps(whole))


@given(
    st.sampled_from([Manifest, Run, Job, Command]),
    json_values.map(json.dumps) | st.binary(max_size=40),
)
def test_anything_else_is_refused(kind: type, text: str | bytes) -> None:
    with pytest.raises(RecordError):
        decode_json(kind, text)


def _refuse_or_keep(kind: type, text: str) -> None:
    try:
        record: object = decode_json(kind, text)
    except RecordError:
        return
    assert decode_json(kind, encode_json(record)) == record
