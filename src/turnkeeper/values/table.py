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

    A secret is never spoken ("your passcode"), of a personal value only its type's part of `MASKS`
    ("ending in 2 6 7 1"); every other one is spoken whole.
    """
    told = ""
    if is_told(field):
        told = MASKS[field.type](str(value)) if field.personal else speak(field, value, language)
    return told or f"your {field.spoken_name}"


def is_told(field: Field) -> bool:
    """Whether anything of the field's value is said aloud."""
    return not field.secret and (not field.personal or field.type in MASKS)


def _last(characters: str, count: int) -> str:
    return f"ending in {' '.join(characters[-count:])}" if count else ""


def _initials(name: str) -> str:
    return f"the initials {' '.join(word[0].upper() for word in name.split() if word)}"


def _day(date: str) -> str:
    number = int(date[-2:]) if date[-2:].isdecimal() else 0
    ending = "th" if number in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"a date on the {number}{ending}"


MASKS: dict[str, Callable[[str], str]] = {
    "digits": lambda digits: _last(digits, min(4, len(digits) // 2)),
    "phone": lambda number: _last(number, 4),
    "postal_code": lambda code: _last(code, 2),
    "email": lambda address: f"ending in {address.rpartition('@')[2].replace('.', ' dot ')}",
    "name": _initials,
    "date": _day,
}
"""What is said of a personal value, by type: enough for its owner to catch a mishearing of that
part, too little for a stranger to go by. Nothing is said of a text (an address, a complaint), a
number, a time, a choice or a yes: a part of these tells nothing, or all.

digits        the last four, and never more than half     "ending in 2 6 7 1"
phone         the last four                               "ending in 0 1 0 0"
postal_code   the last two                                "ending in 0 3"
email         what follows the @                          "ending in example dot com"
name          the initials                                "the initials A L"
date          the day of the month                        "a date on the 5th"
"""
