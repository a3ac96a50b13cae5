"""`number`: a count or an amount; int when whole, else float.

min, max  the lowest and the highest number
"""

import math
import re

from text_to_num import alpha2digit

from turnkeeper.forms.model import Field, Scalar
from turnkeeper.values.bounds import number_of, refused
from turnkeeper.values.reading import NOTHING, Context, Reading, ValueType
from turnkeeper.values.utterance import read_parts, without_fillers

_NUMBER = re.compile(r"(?<![\w.])-?\d{1,15}(?:,\d{3})*(?:\.\d{1,9})?")


def check(field: Field, number: float, heard: str = "") -> Reading:
    """`number` in normal form, within the field's bounds."""
    low, high = number_of(field.min), number_of(field.max)
    if low is not None and number < low:
        return refused("too_low", f"That's too low; it must be at least {low:g}.", heard)
    if high is not None and number > high:
        return refused("too_high", f"That's too high; it must be at most {high:g}.", heard)
    value = int(number) if number == int(number) else number
    return Reading("value", value, heard=heard)


def read(field: Field, text: str, context: Context) -> Reading:
    def one(part: str) -> Reading:
        found = _NUMBER.findall(alpha2digit(without_fillers(part), "en", 0))
        return check(field, float(found[0].replace(",", "")), part) if len(found) == 1 else NOTHING

    return read_parts(text, one)


def dtmf(field: Field, keys: str, context: Context) -> Reading:
    written = keys.replace("*", ".", 1)
    return check(field, float(written), keys) if re.fullmatch(r"\d{1,15}(\.\d{1,9})?", written) else NOTHING


def accept(field: Field, value: object, context: Context) -> Reading:
    if isinstance(value, str):
        return read(field, value, context)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return refused("wrong_kind", f"The {field.spoken_name} must be a number.")
    if isinstance(value, float) and not math.isfinite(value) or abs(value) >= 1e15:
        return refused("wrong_kind", f"The {field.spoken_name} must be an ordinary number.")
    return check(field, value)


def speak(field: Field, value: Scalar, language: str) -> str:
    return f"{value:,}" if isinstance(value, int | float) else str(value)


TYPE = ValueType("number", read, dtmf, accept, speak)
