"""The types that a field can have: one row each, and thin functions over the table."""

from turnkeeper.forms.model import Field, Scalar
from turnkeeper.values import (
    booleans,
    choices,
    dates,
    digits,
    emails,
    names,
    numbers,
    phones,
    postal_codes,
    texts,
    times,
)
from turnkeeper.values.reading import Context, Reading, ValueType

TYPES: dict[str, ValueType] = {
    row.TYPE.name: row.TYPE
    for row in (
        texts, booleans, choices, numbers, digits, dates, times, phones, emails, names,
        postal_codes,
    )
}  # fmt: skip


def read(field: Field, text: str, context: Context) -> Reading:
    """What a transcript means to `field`. Never raises, whatever the text."""
    return TYPES[field.type].read(field, text, context)


def read_dtmf(field: Field, keys: str, context: Context) -> Reading:
    """What keys mean to `field`; a closing `#` is dropped."""
    return TYPES[field.type].dtmf(field, keys.strip().removesuffix("#"), context)


def accept(field: Field, value: object, context: Context) -> Reading:
    """A program's value for `field`: any JSON value, checked like a spoken one."""
    return TYPES[field.type].accept(field, value, context)


def speak(field: Field, value: Scalar, language: str = "en") -> str:
    """`value` as it is read back aloud."""
    return TYPES[field.type].speak(field, value, language)


def mask(field: Field, value: Scalar, language: str = "en") -> str:
    """What may be said of `value`: nothing of a secret, the ending of a personal one."""
    if field.secret or not field.personal:
        return f"your {field.spoken_name}" if field.secret else speak(field, value, language)
    return f"ending in {' '.join(str(value)[-4:])}"
