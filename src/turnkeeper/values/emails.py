"""`email`: an e-mail address, its domain in lower case."""

import re

from email_validator import EmailNotValidError, validate_email

from turnkeeper.forms.model import Field, Scalar
from turnkeeper.values.bounds import check_characters, refused
from turnkeeper.values.reading import NOTHING, Context, Reading, ValueType
from turnkeeper.values.utterance import read_parts, without_carrier, without_fillers

_SIGNS = {"at": "@", "dot": ".", "period": ".", "point": ".", "underscore": "_", "dash": "-", "hyphen": "-", "plus": "+"}


def _written(said: str) -> str:
    return "".join(_SIGNS.get(word.lower(), word) for word in said.split()).strip(".,")


def _valid(field: Field, address: str, heard: str) -> Reading:
    try:
        found = validate_email(address, check_deliverability=False)
    except EmailNotValidError:
        return NOTHING
    return check_characters(field, found.normalized, heard)


def read(field: Field, text: str, context: Context) -> Reading:
    def one(part: str) -> Reading:
        said = without_carrier(without_fillers(part))
        return _valid(field, _written(said).lower(), part) if re.search("@|at", said) else NOTHING

    return read_parts(text, one)


def dtmf(field: Field, keys: str, context: Context) -> Reading:
    return NOTHING


def accept(field: Field, value: object, context: Context) -> Reading:
    if not isinstance(value, str):
        return refused("wrong_kind", f"The {field.spoken_name} must be an e-mail address.")
    exact = _valid(field, value.strip()[:320], value)
    return exact if exact.kind != "none" else read(field, value, context)


def speak(field: Field, value: Scalar, language: str) -> str:
    spoken = {"@": " at ", ".": " dot ", "_": " underscore ", "-": " dash ", "+": " plus "}
    return "".join(spoken.get(char, char) for char in str(value))


TYPE = ValueType("email", read, dtmf, accept, speak)
