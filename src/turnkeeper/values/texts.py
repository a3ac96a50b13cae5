"""`text`: any words, as they were said.

min, max, length   characters
pattern            what the whole text matches
"""

from turnkeeper.forms.model import Field, Scalar
from turnkeeper.values.bounds import check_characters, refused
from turnkeeper.values.reading import NOTHING, Context, Reading, ValueType
from turnkeeper.values.utterance import tidy, without_hesitation

MAX_TEXT = 2_000
"""Characters of a text that a program gives."""


def read(field: Field, text: str, context: Context) -> Reading:
    line = tidy(text)
    words = without_hesitation(line) or line
    if not any(c.isalnum() for c in words):
        return NOTHING
    return check_characters(field, words, line)


def dtmf(field: Field, keys: str, context: Context) -> Reading:
    return NOTHING


def accept(field: Field, value: object, context: Context) -> Reading:
    if not isinstance(value, str):
        return refused("wrong_kind", f"The {field.spoken_name} must be text.")
    words = " ".join(value[:MAX_TEXT].split())
    return check_characters(field, words, words) if words else NOTHING


def speak(field: Field, value: Scalar, language: str) -> str:
    return str(value)


TYPE = ValueType("text", read, dtmf, accept, speak, strict=False)
