"""The JSON Schema knows the keys that the loader knows, and what they are for."""

from collections.abc import Iterator
from typing import Any

from turnkeeper.forms.json_schema import json_schema
from turnkeeper.forms.keys import (
    CHOICE_KEYS,
    DELIVER_KEYS,
    FIELD_KEYS,
    FORM_KEYS,
    RESUME_KEYS,
    STALE_KEYS,
)
from turnkeeper.forms.model import Choice, Deliver, Field, Form, Resume, Stale

SCHEMA: Any = json_schema()


def objects(schema: Any = SCHEMA) -> Iterator[Any]:
    """Every object schema with properties, wherever it stands."""
    if isinstance(schema, dict):
        if "properties" in schema:
            yield schema
        schema = list(schema.values())
    if isinstance(schema, list):
        for part in schema:
            yield from objects(part)


def test_the_schema_has_the_keys_of_the_loader_and_of_the_model() -> None:
    tables = (FORM_KEYS, FIELD_KEYS, CHOICE_KEYS, STALE_KEYS, RESUME_KEYS, DELIVER_KEYS)
    models = (Form, Field, Choice, Stale, Resume, Deliver)
    found = {frozenset(schema["properties"]) for schema in objects()}
    assert found == {frozenset(keys) for keys in tables}
    assert found == {frozenset(model.model_fields) for model in models}


def test_every_key_has_a_description_and_no_other_key_is_allowed() -> None:
    for schema in objects():
        assert schema["additionalProperties"] is False
        for key, property_schema in schema["properties"].items():
            assert property_schema["description"].endswith("."), key


def test_the_schemas_types_are_the_models_types() -> None:
    field = SCHEMA["properties"]["fields"]["items"]
    assert field["properties"]["type"]["enum"] == list(
        Field.model_json_schema()["properties"]["type"]["enum"]
    )
