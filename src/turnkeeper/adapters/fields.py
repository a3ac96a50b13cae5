"""A form's fields as a model's function takes them: told in words, checked by the session."""

from turnkeeper.forms.model import Field, FieldType

_TYPES: dict[FieldType, str] = {"boolean": "boolean", "number": "number"}
"""JSON's type of a value; text for all other fields."""
_MEANS: dict[FieldType, str] = {
    "date": "a date as said, or YYYY-MM-DD",
    "time": "a time as said, or HH:MM",
    "digits": "digits, as text",
    "phone": "a phone number",
    "email": "an e-mail address",
    "postal_code": "a postal code",
}


def field_schema(field: Field) -> dict[str, object]:
    """JSON Schema of one argument; null takes the answer back."""
    means = ". ".join(part for part in (field.label, _MEANS.get(field.type)) if part)
    schema: dict[str, object] = {
        "type": [_TYPES.get(field.type, "string"), "null"],
        "description": means or field.spoken_name,
    }
    if field.choices:
        schema["enum"] = [*(choice.value for choice in field.choices), None]
    return schema
