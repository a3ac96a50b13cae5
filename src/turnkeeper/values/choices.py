"""`choice`: one of the field's choices; its normal form is the choice's `value`.

choices  the values, each with the other words that callers use for it
         (keys: 1 for the first, 2 for the second, ...)

A choice is meant by its words inside the answer, by its place ("the second one"), or by words that
look and sound almost like it. Two of them said is a question back, never a guess.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

from jellyfish import metaphone
from rapidfuzz import fuzz

from turnkeeper.forms.model import Choice, Field, Scalar
from turnkeeper.values.bounds import refused
from turnkeeper.values.numerals import figures
from turnkeeper.values.reading import NOTHING, Context, Reading, ValueType
from turnkeeper.values.utterance import read_parts, without_carrier, without_fillers

ALMOST = 84.0
"""Likeness (rapidfuzz ratio, of 100) from which on a near miss is taken, and at most `NEAR` under
it for a second one, which makes it a question."""
NEAR = 8.0
MAX_ALMOST_WORDS = 5
"""In a longer answer what is almost a choice is not all that was said."""

_NEGATION = r"\b(?:not|no|isn't|don't|except|anything but|instead of|rather than)"
_LOOSE = r"\b(?:nothing|nobody|no one|none|never|neither|(?:was|were|are|has|have|had|did|does)n't)"
_LINK = (
    r"(?: (?:was|were|is|been|be|being|has|have|had|got|gets?|a|an|the|any|my|it|of|that|really"
    r"|want|need))"
)
_NOT = re.compile(rf"{_NEGATION}(?: [\w']+){{0,2}} $|{_LOOSE}{_LINK}{{0,3}} $")
"""Words that deny the choice after them; after "nothing" or "wasn't" only words that link."""
_NO_GUESS = re.compile(rf"(?:{_NEGATION}|{_LOOSE})(?: [\w']+){{0,2}} $")
_PLACE = re.compile(
    r"^(?:(?:the|(?P<listed>option|number|choice|answer)|it's|i'll take|i want|give me|go with|uh)"
    r"\W+)*"
    r"(?:(?P<nth>\d{1,2})(?:st|nd|rd|th)|(?P<number>\d{1,2})|(?P<last>last)|(?P<first>former)"
    r"|(?P<second>latter))"
    r"(?: (?P<one>one|1|option|choice))?$"
)


@lru_cache(maxsize=4096)
def _plain(text: str) -> str:
    return " ".join(re.findall(r"[\w']+", text.lower().replace("_", " ")))


def _names(choice: Choice) -> Iterator[str]:
    yield from (_plain(name) for name in (choice.value, *choice.synonyms) if _plain(name))


def _spans(field: Field, words: str) -> list[tuple[int, int, str]]:
    """Where in `words` a choice's words begin and end, and its value."""
    return [
        (match.start(), match.end(), choice.value)
        for choice in field.choices
        for name in _names(choice)
        for match in re.finditer(rf"(?<!\w){re.escape(name)}(?!\w)", words)
    ]


def _mentioned(field: Field, words: str) -> list[str]:
    """The values whose words are in `words` and not denied; a longer name covers a shorter one."""
    spans = [span for span in _spans(field, words) if not _NOT.search(words[: span[0]])]
    whole = [
        value
        for start, end, value in spans
        if not any(s <= start and end <= e and e - s > end - start for s, e, _ in spans)
    ]
    return list(dict.fromkeys(whole))


def _is_numbered(field: Field) -> bool:
    """Whether a prompt numbers the choices; else a bare "two" counts something."""
    return any({"1", "2"} <= set(figures(_plain(prompt)).split()) for prompt in field.prompt)


def _placed(field: Field, words: str) -> list[str]:
    """The value of "the second one", "number three", "the last one"."""
    match = _PLACE.match(figures(words))
    if match is None:
        return []
    counted = match["number"] and not (match["listed"] or match["one"])
    if counted and not _is_numbered(field):
        return []
    if match["last"] or match["second"]:
        return [field.choices[-1].value] if field.choices else []
    place = 1 if match["first"] else int(match["nth"] or match["number"])
    return [field.choices[place - 1].value] if 1 <= place <= len(field.choices) else []


def _likeness(name: str, words: str) -> float:
    """How much a run of `words` as long as `name` looks like it, or sounds like it."""
    said, size = words.split(), len(name.split())
    runs = {" ".join(said[i : i + n]) for n in (size, size + 1) for i in range(len(said) - n + 1)}
    if len(name) < 4:
        return 0.0
    sound = metaphone(name)
    return max(
        (max(fuzz.ratio(name, run), 90.0 * (metaphone(run) == sound)) for run in runs), default=0.0
    )


def _almost(field: Field, words: str) -> list[str]:
    """The values that look or sound almost like something in `words`, the likeliest first."""
    scores = {
        choice.value: max((_likeness(name, words) for name in _names(choice)), default=0.0)
        for choice in field.choices
    }
    best = max(scores.values(), default=0.0)
    if best < ALMOST:
        return []
    return sorted(
        (v for v, score in scores.items() if score >= best - NEAR), key=lambda v: -scores[v]
    )


def _without_names(field: Field, words: str) -> str:
    """The words that are no choice's."""
    inside = {at for start, end, _ in _spans(field, words) for at in range(start, end)}
    kept = "".join(" " if at in inside else char for at, char in enumerate(words))
    return " ".join(kept.split())


def _one(field: Field, part: str) -> Reading:
    words = _plain(without_fillers(part))
    every, rest = _mentioned(field, words), _without_names(field, words)
    if not every and (every := _placed(field, words)):
        rest = ""
    denied = _spans(field, words) or _NO_GUESS.search(f"{words} ")
    if not every and not denied:
        every = _almost(field, _plain(without_carrier(words)))
        rest = words if len(words.split()) > MAX_ALMOST_WORDS else ""
    if len(every) == 1:
        return Reading("value", every[0], rest=rest)
    return Reading("candidates", candidates=tuple(every)) if every else NOTHING


def read(field: Field, text: str, context: Context) -> Reading:
    return read_parts(text, lambda part: _one(field, part))


def dtmf(field: Field, keys: str, context: Context) -> Reading:
    """The choice's place, from 1."""
    place = int(keys) if re.fullmatch(r"[0-9]{1,3}", keys) else 0
    if not 1 <= place <= len(field.choices):
        return NOTHING
    return Reading("value", field.choices[place - 1].value)


def accept(field: Field, value: object, context: Context) -> Reading:
    """A choice's value as it is written, or words for one."""
    if not isinstance(value, str):
        return refused(
            "wrong_kind", f"The {field.spoken_name} must be one of its choices, as text."
        )
    if any(choice.value == value for choice in field.choices):
        return Reading("value", value)
    reading = read(field, value, context)
    if reading.kind != "none":
        return reading
    return refused("not_a_choice", f"That isn't one of the choices for {field.spoken_name}.")


def speak(field: Field, value: Scalar, language: str) -> str:
    return str(value).replace("_", " ")


TYPE = ValueType("choice", read, dtmf, accept, speak)
