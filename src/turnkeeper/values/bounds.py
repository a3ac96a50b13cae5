"""A field's limits: `min`, `max`, `length`, `pattern`. A value outside is refused with a reason."""

import re
from functools import lru_cache

from turnkeeper.forms.model import Field, Scalar
from turnkeeper.values.reading import Reading, Refusal


def refused(code: str, say: str, heard: str = "") -> Reading:
    """A reading that says why a value is not taken."""
    return Reading("refused", refusal=Refusal(code, say), heard=heard)


def lengths(field: Field) -> tuple[int, int] | None:
    """The shortest and longest `length` of a field, or None where it has none."""
    if field.length is None:
        return None
    return (field.length, field.length) if isinstance(field.length, int) else field.length


def number_of(value: Scalar | None) -> float | None:
    """A bound as a number; None where there is none or it is not a number."""
    if value is None or isinstance(value, bool):
        return None
    try:
        return float(value)
    except ValueError:
        return None


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def check_pattern(field: Field, value: str, heard: str = "") -> Reading:
    """`value` as a reading, or refused as `pattern` where the field's pattern does not match."""
    if field.pattern is not None and not _compiled(field.pattern).fullmatch(value):
        return refused("pattern", f"That isn't a valid {field.spoken_name}.", heard)
    return Reading("value", value=value, heard=heard)


def check_characters(field: Field, value: str, heard: str = "") -> Reading:
    """The bounds of a text: `min`, `max` and `length` count characters."""
    low, high = number_of(field.min), number_of(field.max)
    if (span := lengths(field)) is not None:
        low, high = max(low or 0, span[0]), min(high or span[1], span[1])
    if low is not None and len(value) < low:
        return refused("too_short", f"That's too short; I need at least {low:g} characters.", heard)
    if high is not None and len(value) > high:
        return refused("too_long", f"That's too long; I can take {high:g} characters.", heard)
    return check_pattern(field, value, heard)
