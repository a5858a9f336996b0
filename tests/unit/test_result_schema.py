"""The published JSON Schema is that of the records, and real results are valid under it."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from fmnist_edge.records import encode_json
from fmnist_edge.result.json_schema import json_schema, schema_text
from tests.examples import row, run

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT / "docs/result.schema.json"


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(PUBLISHED.read_text())
    return loaded


def test_the_published_schema_is_that_of_the_records() -> None:
    assert PUBLISHED.read_text() == schema_text(), (
        "write it anew: python -m fmnist_edge.result.json_schema docs/result.schema.json"
    )


def test_every_field_of_every_record_is_described() -> None:
    for name, definition in json_schema()["$defs"].items():
        assert definition.get("description") or "enum" in definition, name
        fields = definition.get("properties", {})
        assert [field for field, told in fields.items() if "description" not in told] == [], name


def test_a_result_is_valid_and_one_with_another_field_is_not(schema: dict[str, Any]) -> None:
    result = json.loads(encode_json(run(row())))
    validator = jsonschema.Draft202012Validator(schema)
    validator.check_schema(schema)
    validator.validate(result)
    for wrong in ({"colour": 1}, {"wall_seconds": "long"}, {"schema_version": 2}):
        assert not validator.is_valid(result | wrong)
