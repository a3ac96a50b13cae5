"""`digits`: a string of digits, such as a policy number or a PIN; leading zeros count.

length   how many digits: exactly n, or from n to m. A known length also settles what was heard:
         "twenty five" is 25 for two digits and 205 for three
pattern  what the whole string matches
"""

import re
from collections.abc import Sequence

from turnkeeper.forms.model import Field, Scalar
from turnkeeper.values.bounds import check_pattern, lengths, refused
from turnkeeper.values.reading import NOTHING, Context, Reading, Refusal, ValueType
from turnkeeper.values.spoken import Slot, digit_runs, readings
from turnkeeper.values.utterance import read_parts, without_carrier, without_fillers

MAX_DIGITS = 64
_DATE = re.compile(r"(?<![\d/])(?:\d{1,2}/\d{1,2}/(?:\d{4}|\d\d)|\d{4}/\d{1,2}/\d{1,2})(?![\d/])")
"""A date as recognisers write it: its figures are no string of digits."""


def _check(field: Field, digits: str) -> Reading:
    """`digits` against the field's length and pattern; too few of them are partial."""
    span = lengths(field) or (1, MAX_DIGITS)
    need = f"{span[0]}" if span[0] == span[1] else f"{span[0]} to {span[1]}"
    count = "1 digit" if len(digits) == 1 else f"{len(digits)} digits"
    if len(digits) < span[0]:
        refusal = Refusal("incomplete", f"That's {count}; I need {need}.")
        return Reading("partial", digits, refusal=refusal)
    if len(digits) > span[1]:
        return refused("too_long", f"That's {count}; I need {need}.")
    return check_pattern(field, digits)


def _settled(field: Field, runs: Sequence[list[Slot]]) -> Reading:
    """The one run that the field takes; without any, the first of the only run."""
    span = lengths(field)
    fitting = []
    for run in runs:
        every = list(readings(run))
        fits = [each for each in every if span and span[0] <= len(each) <= span[1]]
        fitting += fits[:1]
    if len(fitting) == 1:
        return _check(field, fitting[0])
    if len(runs) != 1:
        return NOTHING
    return _check(field, next(readings(runs[0])))


def read(field: Field, text: str, context: Context) -> Reading:
    def one(part: str) -> Reading:
        if _DATE.search(part):
            return NOTHING
        return _settled(field, digit_runs(without_carrier(without_fillers(part))))

    return read_parts(text, one)


def dtmf(field: Field, keys: str, context: Context) -> Reading:
    digits = "".join(key for key in keys if key in "0123456789")
    return _check(field, digits) if digits else NOTHING


def accept(field: Field, value: object, context: Context) -> Reading:
    if (written := as_text(value)) is None:
        return refused("wrong_kind", f"The {field.spoken_name} must be digits as text.")
    if written.isascii() and written.isdigit():
        return _check(field, written)
    return read(field, written, context)


def as_text(value: object) -> str | None:
    """A program's digits as text; a number stands for its figures, below `MAX_DIGITS` of them."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return str(value) if 0 <= value < 10**MAX_DIGITS else None


def groups(digits: str) -> list[str]:
    """`digits` in the groups in which they are read aloud: of three, or of four or two where
    these come out even."""
    size = next((n for n in (3, 4, 2) if len(digits) % n == 0), 3)
    return [digits[i : i + size] for i in range(0, len(digits), size)]


def speak(field: Field, value: Scalar, language: str) -> str:
    """Digit by digit in groups: "1 2 3, 4 5 6"."""
    return ", ".join(" ".join(group) for group in groups(str(value)))


TYPE = ValueType("digits", read, dtmf, accept, speak)
