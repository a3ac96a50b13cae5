"""The JSON Schema (draft 2020-12) of a YAML form, so that editors complete and underline.

A schema says less than the rules: what hangs on two keys at once is for `turnkeeper forms check`.
Descriptions are the docstrings of the models.
"""

from collections.abc import Mapping, Sequence
from typing import TypeAlias, get_args

from pydantic import BaseModel

from turnkeeper.forms.describe import attribute_docs
from turnkeeper.forms.model import (
    AgainPolicy,
    Choice,
    ConfirmPolicy,
    Deliver,
    Field,
    FieldType,
    Form,
    Resume,
    ResumeThen,
    Stale,
    StalePolicy,
)

Json: TypeAlias = "str | int | float | bool | Sequence[Json] | Mapping[str, Json] | None"

_TEXT: Json = {"type": ["string", "number", "boolean"]}
"""Text; a number or a bare yes is text too where text is wanted."""
_TEXTS: Json = {"anyOf": [_TEXT, {"type": "array", "items": _TEXT, "minItems": 1}]}
_YES_NO: Json = {"type": "boolean"}
_VALUE: Json = {"type": ["string", "number", "boolean"]}
_DURATION: Json = {"type": "string", "examples": ["90s", "30m", "24h", "7d", "2w", "P7D"]}
_HAND_OFF: Json = {"type": ["string", "number"], "examples": ["+14155550199", "claims-desk"]}
_COUNT: Json = {"type": "integer", "minimum": 0}


def _one_of(words: object) -> Json:
    return {"enum": list(get_args(words))}


def _mapping(
    model: type[BaseModel], properties: Mapping[str, Json], required: Sequence[str]
) -> dict[str, Json]:
    docs = attribute_docs(model)
    described = {
        key: {**schema, "description": docs[key]} if isinstance(schema, Mapping) else schema
        for key, schema in properties.items()
    }
    return {
        "type": "object",
        "properties": described,
        "required": list(required),
        "additionalProperties": False,
    }


_CHOICE = _mapping(Choice, {"value": _TEXT, "synonyms": _TEXTS}, ["value"])

_FIELD = _mapping(
    Field,
    {
        "name": {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,63}$"},
        "type": _one_of(FieldType),
        "label": _TEXT,
        "prompt": _TEXTS,
        "help": _TEXT,
        "required": _YES_NO,
        "when": {"type": "string", "examples": ['what_happened == "theft" and not injured']},
        "default": _VALUE,
        "choices": {
            "anyOf": [
                {"type": "array", "items": {"anyOf": [_TEXT, _CHOICE]}, "minItems": 2},
                {"type": "object", "additionalProperties": _TEXTS, "minProperties": 2},
            ]
        },
        "min": _VALUE,
        "max": _VALUE,
        "length": {
            "anyOf": [
                _COUNT,
                {"type": "string", "pattern": r"^\d+\s*(\.\.|-)\s*\d+$"},
                {"type": "array", "items": _COUNT, "minItems": 2, "maxItems": 2},
            ]
        },
        "whole": _YES_NO,
        "pattern": {"type": "string", "format": "regex"},
        "confirm": _one_of(ConfirmPolicy),
        "personal": _YES_NO,
        "secret": _YES_NO,
    },
    ["name", "prompt"],
)

_STALE = _mapping(Stale, {"after": _DURATION, "policy": _one_of(StalePolicy)}, ["after"])

_RESUME = _mapping(
    Resume,
    {
        "verify": _TEXTS,
        "attempts": {"type": "integer", "minimum": 1, "maximum": 10},
        "again_after": _DURATION,
        "then": _one_of(ResumeThen),
    },
    ["verify"],
)

_DELIVER = _mapping(
    Deliver,
    {
        "url": {"type": "string", "pattern": "^https?://"},
        "authorization": {"type": "string", "pattern": "^env:[A-Za-z_][A-Za-z0-9_]*$"},
        "give_up_after": _DURATION,
    },
    ["url"],
)

_FORM = _mapping(
    Form,
    {
        "form": {"type": "string", "pattern": "^[a-z0-9][a-z0-9_-]{0,63}$"},
        "version": _TEXT,
        "title": _TEXT,
        "language": {"type": "string", "examples": ["en", "en-GB"]},
        "region": {"type": "string", "pattern": "^[A-Z]{2}$"},
        "timezone": {"type": "string", "examples": ["America/New_York"]},
        "greeting": _TEXT,
        "welcome_back": _TEXT,
        "goodbye": _TEXT,
        "fields": {"type": "array", "items": _FIELD, "minItems": 1, "maxItems": 200},
        "confirm": _YES_NO,
        "deliver": {"anyOf": [{"type": "string", "pattern": "^https?://"}, _DELIVER]},
        "stale": {"anyOf": [_DURATION, _STALE]},
        "resume": {"anyOf": [_TEXTS, _RESUME]},
        "hand_off": _HAND_OFF,
        "abandon_after": _DURATION,
        "expire_after": _DURATION,
        "keep_for": _DURATION,
        "again": _one_of(AgainPolicy),
        "migrates_from": _TEXTS,
    },
    ["form", "fields"],
)


def json_schema() -> dict[str, Json]:
    """The schema of a form file, as JSON data."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Turnkeeper form",
        **_FORM,
    }
