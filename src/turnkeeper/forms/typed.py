"""What `min`, `max`, `length`, `pattern` and `default` may be for each field type.

Normal forms: dates and times ISO 8601, phone numbers E.164, digits, postal codes and e-mail
addresses as strings, numbers, booleans, a choice as one of its values.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, time
from math import inf
from typing import TypeAlias

from turnkeeper.forms.mistakes import Report
from turnkeeper.forms.model import FieldType, Scalar
from turnkeeper.forms.nodes import Node

Parse: TypeAlias = Callable[[Node], Scalar | None]
"""A node as a value in normal form, or None when it is none."""


@dataclass(frozen=True, slots=True)
class Limits:
    """A row of the table: what a type's values, bounds and other limits look like."""

    means: str
    """What a caller says, in a phrase."""
    parse: Parse
    """How `default`, or a constant in a condition, is read."""
    example: str
    """A value in normal form, as a form's author writes it."""
    bound: Parse | None = None
    """How `min` and `max` are read; None where the type has none."""
    bound_means: str = ""
    length_means: str = ""
    """What `length` counts; empty where the type takes none."""
    pattern: bool = False


def typed_value(key: str, kind: FieldType, node: Node, report: Report) -> Scalar | None:
    """`default`, `min` or `max` as a value of the type; reports a node that is none."""
    limits = LIMITS[kind]
    parse = limits.parse if key == "default" else limits.bound
    if parse is None:
        report.add(node.place, f'"{key}" means nothing for type {kind}; remove it')
        return None
    value = parse(node)
    if value is None:
        wanted = limits.example if key == "default" else limits.bound_means
        report.add(node.place, f'{key} "{node.text}" does not fit type {kind}; write {wanted}')
    return value


def _string(shape: str) -> Parse:
    """A parser of text that wholly has a shape."""
    compiled = re.compile(shape, re.ASCII)
    return lambda node: node.text if compiled.fullmatch(node.text) else None


def _number(node: Node) -> int | float | None:
    value = node.value
    if isinstance(value, bool) or not isinstance(value, int | float) or not -inf < value < inf:
        return None
    return int(value) if value == int(value) else value


def _count(node: Node) -> int | None:
    value = _number(node)
    return value if isinstance(value, int) and value >= 0 else None


def _boolean(node: Node) -> bool | None:
    return {"true": True, "yes": True, "false": False, "no": False}.get(node.text.lower())


def _date(node: Node) -> str | None:
    return _iso(r"\d{4}-\d\d-\d\d", date.fromisoformat, node.text)


def _date_bound(node: Node) -> str | None:
    return "today" if node.text == "today" else _date(node)


def _time(node: Node) -> str | None:
    return _iso(r"\d\d:\d\d", time.fromisoformat, node.text)


def _iso(shape: str, parse: Callable[[str], object], text: str) -> str | None:
    if not re.fullmatch(shape, text, re.ASCII):
        return None
    try:
        parse(text)
    except ValueError:
        return None
    return text


_CHARACTERS = "a whole number of characters"
_some_text = _string(r".*\S.*")

LIMITS: dict[FieldType, Limits] = {
    "text": Limits(
        "Any words.", _some_text, "a text", _count, _CHARACTERS, "characters", pattern=True
    ),
    "boolean": Limits("Yes or no.", _boolean, "true or false"),
    "choice": Limits("One of `choices`, or a word for it.", _some_text, "one of the choices"),
    "number": Limits("A whole or decimal number.", _number, "a number", _number, "a number"),
    "digits": Limits(
        "Digits whose zeros in front count: an account, a policy, a pin.",
        _string(r"\d+"), "digits only", length_means="digits", pattern=True,
    ),
    "date": Limits(
        "A day of the calendar.",
        _date, "a date like 2026-11-17", _date_bound, "a date like 2026-11-17, or today",
    ),
    "time": Limits(
        "A time of day.", _time, "a time like 17:30", _time, "a time like 17:30"
    ),
    "phone": Limits(
        "A phone number; one without a country is read as the form's `region` would.",
        _string(r"\+\d{7,15}"), "a number like +14155550100", pattern=True,
    ),
    "email": Limits(
        "An e-mail address.",
        _string(r"[^@\s]+@[^@\s]+\.[^@\s]+"), "an address like ada@example.com",
    ),
    "name": Limits(
        "A person's name.", _some_text, "a name", _count, _CHARACTERS, "characters", pattern=True
    ),
    "postal_code": Limits(
        "A postal code of the form's `region`.", _some_text, "a code like 94103", pattern=True
    ),
}  # fmt: skip
"""What each type's `default`, `min`, `max`, `length` and `pattern` may be."""
