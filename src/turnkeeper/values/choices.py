"""`choice`: one of the field's choices, by its value or one of its synonyms."""

from rapidfuzz import fuzz

from turnkeeper.forms.model import Choice, Field, Scalar
from turnkeeper.values.bounds import refused
from turnkeeper.values.reading import NOTHING, Context, Reading, ValueType
from turnkeeper.values.utterance import read_parts, without_fillers


def _score(choice: Choice, words: str) -> float:
    names = (choice.value.replace("_", " "), *choice.synonyms)
    return max(fuzz.token_set_ratio(name.lower(), words) for name in names)


def read(field: Field, text: str, context: Context) -> Reading:
    def one(part: str) -> Reading:
        words = without_fillers(part).lower()
        ranked = sorted(((_score(c, words), c.value) for c in field.choices), reverse=True)
        best = [value for score, value in ranked if score >= 85 and score == ranked[0][0]]
        if len(best) == 1:
            return Reading("value", best[0], heard=part)
        return Reading("candidates", candidates=tuple(best), heard=part) if best else NOTHING

    return read_parts(text, one)


def dtmf(field: Field, keys: str, context: Context) -> Reading:
    index = int(keys) if keys.isdecimal() and keys.isascii() and len(keys) < 4 else 0
    if not 1 <= index <= len(field.choices):
        return NOTHING
    return Reading("value", field.choices[index - 1].value, heard=keys)


def accept(field: Field, value: object, context: Context) -> Reading:
    if not isinstance(value, str):
        return refused("wrong_kind", f"The {field.spoken_name} must be one of its choices.")
    if any(choice.value == value for choice in field.choices):
        return Reading("value", value)
    reading = read(field, value, context)
    if reading.kind != "none":
        return reading
    return refused("not_a_choice", f"That isn't one of the choices for {field.spoken_name}.", value)


def speak(field: Field, value: Scalar, language: str) -> str:
    return str(value).replace("_", " ")


TYPE = ValueType("choice", read, dtmf, accept, speak)
