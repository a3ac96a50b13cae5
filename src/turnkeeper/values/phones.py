"""`phone`: a phone number in E.164; a national number is one of the context's region.

pattern  what the E.164 form matches
"""

import phonenumbers
from phonenumbers import PhoneNumberFormat, ValidationResult

from turnkeeper.forms.model import Field, Scalar
from turnkeeper.values.bounds import check_pattern, refused
from turnkeeper.values.reading import NOTHING, Context, Reading, Refusal, ValueType
from turnkeeper.values.spoken import digit_runs, readings
from turnkeeper.values.utterance import read_parts, without_carrier, without_fillers

FEWEST_DIGITS = 3
"""Fewer digits are not taken for the beginning of a phone number."""

_INCOMPLETE = Refusal("incomplete", "That's only part of a phone number; I need all of it.")
_NOT_VALID = "That isn't a phone number that I can use."


def _parsed(digits: str, region: str) -> phonenumbers.PhoneNumber | None:
    try:
        return phonenumbers.parse(digits, region)
    except phonenumbers.NumberParseException:
        return None


def _e164(field: Field, digits: str, region: str) -> Reading:
    number = _parsed(digits, region)
    if number is None:
        return NOTHING
    if phonenumbers.is_valid_number(number):
        return check_pattern(field, phonenumbers.format_number(number, PhoneNumberFormat.E164))
    reason = phonenumbers.is_possible_number_with_reason(number)
    if reason in (ValidationResult.TOO_SHORT, ValidationResult.IS_POSSIBLE_LOCAL_ONLY):
        return Reading("partial", digits, refusal=_INCOMPLETE)
    return refused("not_a_phone_number", _NOT_VALID)


def _one(field: Field, part: str, region: str) -> Reading:
    said = without_carrier(without_fillers(part))
    runs = digit_runs(said.split(" extension ")[0])
    if not runs:
        return NOTHING
    plus = "+" if said.lstrip(" (").lower().startswith(("+", "plus ")) else ""
    # Words between runs ("area code 415, the number is 555 2671") belong to no other value here.
    written = [f"{plus}{digits}" for digits in readings([slot for run in runs for slot in run])]
    if len(written[0]) < FEWEST_DIGITS:
        return NOTHING
    every = [_e164(field, digits, region) for digits in written[:8]]
    valid = list(dict.fromkeys(each.value for each in every if each.kind == "value"))
    return Reading("value", valid[0]) if valid else every[0]


def read(field: Field, text: str, context: Context) -> Reading:
    return read_parts(text, lambda part: _one(field, part, context.region))


def dtmf(field: Field, keys: str, context: Context) -> Reading:
    digits = "".join(key for key in keys if key in "0123456789")
    return _e164(field, digits, context.region) if len(digits) >= FEWEST_DIGITS else NOTHING


def accept(field: Field, value: object, context: Context) -> Reading:
    if not isinstance(value, str):
        return refused("wrong_kind", f"The {field.spoken_name} must be a phone number as text.")
    return read(field, value, context)


def speak(field: Field, value: Scalar, language: str) -> str:
    """The national number in its usual groups: "4 1 5, 5 5 5, 2 6 7 1"."""
    number = _parsed(str(value), "ZZ")
    if number is None:
        return str(value)
    national = phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
    figures = "".join(char if char.isdigit() else " " for char in national).split()
    return ", ".join(" ".join(group) for group in figures)


TYPE = ValueType("phone", read, dtmf, accept, speak)
