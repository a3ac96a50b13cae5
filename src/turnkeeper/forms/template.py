"""Texts with answers in them: `Thank you. Your policy number is {policy_number}.`

`{name}` stands for an answer as it is spoken, and of a personal field for its mask, wherever the
template stands; `{{` and `}}` are the braces themselves. Besides the
form's fields, `title`, `known` and `summary` are names.

A sentence that needs an answer which is not there is left out, and the others stay: "Welcome back.
It happened on {date}." is "Welcome back." before the date is known. A text whose sentences all
need one is then empty, and the standard phrase is said in its place.

There is nothing else in a template: no expression, no format, no attribute. `fill` is total.
"""

import re
from collections.abc import Mapping
from functools import lru_cache

ALWAYS: dict[str, str] = {
    "title": "the form's title",
    "known": 'the labels of what is answered, such as "policy number and date"',
    "summary": 'what is answered, label and value, such as "policy number: 4 7 1 1"',
}
"""The names that are no fields, with what they say."""

_SLOT = re.compile(r"\{\{|\}\}|\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}")
_BRACES = {"{{": "{", "}}": "}"}
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")


def names_in(text: str) -> tuple[str, ...]:
    """The names that a template uses, in order, each once."""
    return tuple(dict.fromkeys(slot[1] for slot in _SLOT.finditer(text) if slot[1]))


def stray_braces(text: str) -> bool:
    """Whether the text has a brace that is neither doubled nor around a name."""
    return bool(re.search(r"[{}]", _SLOT.sub("", text)))


def fill(text: str, spoken: Mapping[str, str]) -> str:
    """The text with every `{name}` replaced by what `spoken` has for it.

    Sentences with a name that `spoken` lacks, or has empty, are left out.
    """
    whole = [s for s in _sentences(text) if all(spoken.get(name) for name in names_in(s))]
    return " ".join(_SLOT.sub(lambda slot: _replace(slot, spoken), s) for s in whole)


def _replace(slot: re.Match[str], spoken: Mapping[str, str]) -> str:
    return spoken[slot[1]] if slot[1] else _BRACES[slot[0]]


@lru_cache(maxsize=4096)
def _sentences(text: str) -> tuple[str, ...]:
    return tuple(_SENTENCE_END.split(text.strip()))
