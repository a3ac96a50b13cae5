"""The types that a field can have: one row each, and thin functions over the table."""

from collections.abc import Callable
from dataclasses import replace

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
    reading = TYPES[field.type].dtmf(field, keys.strip().removesuffix("#"), context)
    return reading if reading.kind == "none" else replace(reading, heard=keys)


def accept(field: Field, value: object, context: Context) -> Reading:
    """A program's value for `field`: any JSON value, checked like a spoken one."""
    return TYPES[field.type].accept(field, value, context)


def speak(field: Field, value: Scalar, language: str = "en") -> str:
    """`value` as it is read back aloud."""
    return TYPES[field.type].speak(field, value, language)


def mask(field: Field, value: Scalar, language: str = "en") -> str:
    """`value` as it may be said to whoever holds the phone.

    A secret is never spoken ("your passcode"), of a personal value only what tells it from another
    ("ending in 2 6 7 1"); every other one is spoken whole.
    """
    if not (field.secret or field.personal):
        return speak(field, value, language)
    ending = None if field.secret else _ENDINGS.get(field.type)
    return f"ending in {ending(str(value))}" if ending else f"your {field.spoken_name}"


_ENDINGS: dict[str, Callable[[str], str]] = {
    "digits": lambda digits: " ".join(digits[-min(4, len(digits) // 2) :]),
    "phone": lambda number: " ".join(number[-4:]),
    "postal_code": lambda code: " ".join(code[-2:]),
    "email": lambda address: address.rpartition("@")[2].replace(".", " dot "),
}
"""How much of a personal value is spoken, by type; nothing of the types that are not here."""
