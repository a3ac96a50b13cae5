"""A form's answers as a JSON Schema (draft 2020-12): what `answers` of a turn may hold, and what
`form_answers` of a completed session does.

It says less than the rules: a bound that hangs on the day (`min: today`), a pattern (Python's, not
ECMAScript's) and conditions between fields are checked by the session alone.
"""

from collections.abc import Callable, Mapping

from turnkeeper.forms.json_schema import Json
from turnkeeper.forms.model import Field, FieldType, Form, Scalar
from turnkeeper.values.bounds import lengths, number_of

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_TYPES: dict[FieldType, dict[str, Json]] = {
    "text": {"type": "string"},
    "name": {"type": "string"},
    "boolean": {"type": "boolean"},
    "choice": {"type": "string"},
    "number": {"type": "number"},
    "digits": {"type": "string", "pattern": "^[0-9]+$"},
    "date": {"type": "string", "format": "date"},
    "time": {"type": "string"},
    "phone": {"type": "string", "pattern": r"^\+[0-9]+$"},
    "email": {"type": "string", "format": "email"},
    "postal_code": {"type": "string"},
}
"""The normal form of each type: times are HH:MM, which is less than the format `time`."""


def answers_schema(form: Form) -> dict[str, Json]:
    """The JSON Schema of a form's answers. A field with a condition is not required: whether it
    is asked hangs on others; `x-when` has the condition."""
    return {
        "$schema": DIALECT,
        "title": form.spoken_title,
        "type": "object",
        "properties": {field.name: _property(field) for field in form.fields},
        "required": [f.name for f in form.fields if f.required and f.when is None],
        "additionalProperties": False,
    }


def _property(field: Field) -> dict[str, Json]:
    bounds = _BOUNDS.get(field.type, _no_bounds)(field)
    described: dict[str, Json] = {"title": field.spoken_name, "description": field.prompt[0]}
    when: dict[str, Json] = {} if field.when is None else {"x-when": field.when}
    default: dict[str, Json] = {} if field.default is None else {"default": field.default}
    return {**described, **_TYPES[field.type], **bounds, **default, **when}


def _no_bounds(field: Field) -> Mapping[str, Json]:
    return {}


def _choices(field: Field) -> Mapping[str, Json]:
    return {"enum": [choice.value for choice in field.choices]}


def _number(field: Field) -> Mapping[str, Json]:
    whole: Mapping[str, Json] = {"type": "integer"} if field.whole else {}
    return {**whole, **_given(minimum=field.min, maximum=field.max)}


def _length(field: Field) -> Mapping[str, Json]:
    low, high = lengths(field) or (field.min, field.max)
    return _given(minLength=low, maxLength=high)


def _given(**bounds: Scalar | None) -> Mapping[str, Json]:
    numbers = {key: number_of(bound) for key, bound in bounds.items()}
    return {
        key: int(number) if number.is_integer() else number
        for key, number in numbers.items()
        if number is not None
    }


_BOUNDS: dict[FieldType, Callable[[Field], Mapping[str, Json]]] = {
    "choice": _choices,
    "number": _number,
    "digits": _length,
    "text": _length,
}
