"""`name`: a person's name, casing restored.

min, max, length   characters
"""

import re

from turnkeeper.forms.model import Field, Scalar
from turnkeeper.values.bounds import check_characters, refused
from turnkeeper.values.reading import NOTHING, Context, Reading, ValueType
from turnkeeper.values.utterance import read_parts, without_carrier, without_fillers

_NOT_A_NAME = re.compile(r"\b(?:don't|do not|what|why|who|how|know|repeat|pardon|yes|no)\b", re.I)
_CARRIER = re.compile(r"^(?:(?:hi|hello|hey)\b[ ,]*)?(?:i'm|i am|call me|the name's|my name's)\b\s*", re.I)


def _cased(name: str) -> str:
    return name if name != name.lower() and name != name.upper() else name.title()


def _one(field: Field, part: str) -> Reading:
    said = _CARRIER.sub("", without_carrier(without_fillers(part))).strip(" .,")
    if not re.fullmatch(r"[^\W\d_][\w .,'-]*", said) or _NOT_A_NAME.search(said):
        return NOTHING
    return check_characters(field, _cased(said), part)


def read(field: Field, text: str, context: Context) -> Reading:
    return read_parts(text, lambda part: _one(field, part))


def dtmf(field: Field, keys: str, context: Context) -> Reading:
    return NOTHING


def accept(field: Field, value: object, context: Context) -> Reading:
    if not isinstance(value, str):
        return refused("wrong_kind", f"The {field.spoken_name} must be a name.")
    return _one(field, value)


def speak(field: Field, value: Scalar, language: str) -> str:
    return str(value)


TYPE = ValueType("name", read, dtmf, accept, speak, strict=False)
