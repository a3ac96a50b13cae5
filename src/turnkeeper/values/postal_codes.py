"""`postal_code`: a postal code as it is written in the context's region.

pattern  what the whole written code matches

US (five or nine digits), GB and CA have shapes of their own; elsewhere any 3 to 10 letters and
digits are taken. The shape decides what an ambiguous character was: "b 3 j oh z w" is "B3J 0ZW".
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from turnkeeper.forms.model import Field, Scalar
from turnkeeper.values.bounds import check_pattern, refused
from turnkeeper.values.digits import as_text
from turnkeeper.values.reading import NOTHING, Context, Reading, Refusal, ValueType
from turnkeeper.values.spoken import character_slots, readings
from turnkeeper.values.utterance import read_parts, without_carrier, without_fillers

MAX_CANDIDATES = 3


@dataclass(frozen=True, slots=True)
class _Shape:
    """What a region's codes look like, and what stands between their two parts."""

    pattern: re.Pattern[str]
    mark: str
    fewest: int


_SHAPES = {
    "US": _Shape(re.compile(r"([0-9]{5})([0-9]{4})?"), "-", 5),
    # Looser than Royal Mail's list of areas, as callers' codes are: LE08 4BF.
    "GB": _Shape(re.compile(r"([A-Z]{1,2}[0-9]{1,2}[A-Z]?)([0-9][A-Z]{2})"), " ", 5),
    "CA": _Shape(re.compile(r"([A-Z][0-9][A-Z])([0-9][A-Z][0-9])"), " ", 6),
}
_ANYWHERE = _Shape(re.compile(r"(?=.*[0-9])([A-Z0-9]{3,10})()"), "", 3)
_INCOMPLETE = Refusal("incomplete", "That's only part of a postal code; I need all of it.")


def _written(shape: _Shape, spellings: Iterable[str]) -> list[str]:
    """The codes that the spellings give, likeliest first."""
    matches = (shape.pattern.fullmatch(each) for each in spellings)
    codes = (shape.mark.join(filter(None, match.groups())) for match in matches if match)
    return list(dict.fromkeys(codes))


def _one(field: Field, part: str, context: Context) -> Reading:
    shape = _SHAPES.get(context.region, _ANYWHERE)
    said = without_carrier(without_fillers(part))
    slots = character_slots(said)
    codes = _written(shape, readings(slots))
    if codes:
        return check_pattern(field, codes[0])
    digits = sum(slot[0].isdigit() for slot in slots)
    if digits and len(slots) < shape.fewest and len(said) <= 2 * len(slots) + 1:
        return Reading("partial", next(readings(slots)), refusal=_INCOMPLETE)
    return NOTHING


def read(field: Field, text: str, context: Context) -> Reading:
    return read_parts(text, lambda part: _one(field, part, context))


def dtmf(field: Field, keys: str, context: Context) -> Reading:
    return _one(field, keys, context) if keys.isascii() and keys.isdigit() else NOTHING


def accept(field: Field, value: object, context: Context) -> Reading:
    if (written := as_text(value)) is None:
        return refused("wrong_kind", f"The {field.spoken_name} must be a postal code as text.")
    return read(field, written, context)


def speak(field: Field, value: Scalar, language: str) -> str:
    """Character by character in its parts: "9 4 1 0 3", "B 3 J, 0 Z W"."""
    return ", ".join(" ".join(group) for group in re.findall(r"[A-Za-z0-9]+", str(value)))


TYPE = ValueType("postal_code", read, dtmf, accept, speak)
