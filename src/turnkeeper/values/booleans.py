"""`boolean`: yes or no (`turnkeeper.values.yes_no`); keys 1 and 2.

It has no bounds.
"""

import re

from turnkeeper.forms.model import Field, Scalar
from turnkeeper.values.bounds import refused
from turnkeeper.values.reading import NOTHING, Context, Reading, ValueType
from turnkeeper.values.utterance import tidy
from turnkeeper.values.yes_no import split_yes_no

_KEYS = {"1": True, "2": False}

_CHANGED_MIND = re.compile(
    r"\b(?:no,? wait|wait,? no|i mean|i meant|scratch that)\b,?", re.IGNORECASE
)

_DOUBT = re.compile(
    r"\b(?:but|maybe|perhaps|possibly|except|although|though|unless|told you"
    r"|i(?:'ve| have)? (?:already|just) (?:told|said|answered|gave|given|mentioned))\b",
    re.IGNORECASE,
)
"""Words after a no that make it less than one, or no answer to this question; what takes a yes back
is `turnkeeper.values.yes_no`'s."""


def read(field: Field, text: str, context: Context) -> Reading:
    line = tidy(text)
    for part in reversed(_CHANGED_MIND.split(line)):
        answer, rest = split_yes_no(part)
        if answer is False and _DOUBT.search(rest):
            return NOTHING
        if answer is not None:
            return Reading("value", answer, heard=line, rest=rest)
    return NOTHING


def dtmf(field: Field, keys: str, context: Context) -> Reading:
    answer = _KEYS.get(keys.strip())
    return NOTHING if answer is None else Reading("value", answer, heard=keys)


def accept(field: Field, value: object, context: Context) -> Reading:
    if isinstance(value, bool):
        return Reading("value", value)
    if isinstance(value, str):
        return read(field, value, context)
    return refused("wrong_kind", f"The {field.spoken_name} must be yes or no.")


def speak(field: Field, value: Scalar, language: str) -> str:
    return "yes" if value is True or value == "true" else "no"


TYPE = ValueType("boolean", read, dtmf, accept, speak)
