"""Find a form's fields in what was said: "my policy number is 1234 and it happened last tuesday".

A field is named by its label or its name, or by a word of these (or of its type: "day" for the only
date) that no other field of the form has.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from turnkeeper.forms.model import Field, FieldType
from turnkeeper.values.numerals import figures

TYPE_WORDS: dict[FieldType, tuple[str, ...]] = {
    "date": ("date", "day"),
    "time": ("time", "hour"),
    "phone": ("phone", "phone number", "telephone", "telephone number", "callback number"),
    "email": ("email", "email address", "e-mail", "mail"),
    "name": ("name",),
    "postal_code": ("zip", "zip code", "postcode", "postal code"),
}
"""What a field is called when it is the only one of its type."""

_SMALL_WORDS = frozenset({
    "the", "a", "an", "of", "your", "my", "our", "it", "is", "in", "on", "at", "for", "to",
    "and", "or", "what", "when", "where", "who", "how", "did", "do", "does", "was", "were",
    "are", "you", "we", "be", "any", "there", "this", "that", "with", "have", "has", "need",
    "please",
})  # fmt: skip
_SINGULARS = {"children": "child", "people": "person", "men": "man", "women": "woman"}
MAX_COUNT_WORDS = 5
_COUNT = re.compile(r"\d+(?:\.\d+)?")
_NO_COUNT = {"no": "none", "zero": "none"}
_CLAUSE_END = re.compile(r"[,;](?=\s|$)")
_KIND_OF_THING = re.compile(r"(?:^|\s+)(?:date|day|time|name|number|type|code|address)$")
_COPULA = r"(?:is|was|are|were|will be|would be|should be|should have been|has to be|to be|to)"


@dataclass(frozen=True, slots=True)
class Segment:
    """The words that follow a field's name."""

    field: Field
    words: str
    start: int
    """Where the naming begins in the text."""
    copula: bool
    """Followed by "is" or the like."""
    firm: bool
    """Named as in "my ... is", rather than in passing."""
    full: bool
    """Named by its whole label or name."""
    counted: bool = False
    """A count stands before the name: "two adults"."""


def segments(fields: tuple[Field, ...], text: str) -> list[Segment]:
    """The parts of `text` that a field's name introduces, in order; none overlap."""
    names, pattern = _vocabulary(fields)
    found = list(pattern.finditer(text)) if pattern else []
    counts = _counts(names, found, text)
    starts = [match.start() - len(count) for match, count in zip(found, counts, strict=True)]
    ends = [*starts, len(text)][1:]
    return [
        _counted(names, match, count) if count else _segment(names, match, text[match.end() : end])
        for match, count, end in zip(found, counts, ends, strict=True)
    ]


def _segment(names: dict[str, tuple[Field, bool]], match: re.Match[str], words: str) -> Segment:
    field, full = _named(names, match)
    copula = match["copula"] is not None
    firm = copula and (full or match["owner"] is not None)
    words = trimmed(words)
    if field.type == "number":
        words = _CLAUSE_END.split(words)[0]
    return Segment(field, words, match.start(), copula, firm, full)


def _counted(names: dict[str, tuple[Field, bool]], match: re.Match[str], count: str) -> Segment:
    field, full = _named(names, match)
    words = _NO_COUNT.get(count.strip().lower(), count.strip())
    start = match.start() - len(count)
    return Segment(field, words, start, copula=False, firm=False, full=full, counted=True)


def _named(names: dict[str, tuple[Field, bool]], match: re.Match[str]) -> tuple[Field, bool]:
    return names[" ".join(match["name"].lower().split())]


def _counts(
    names: dict[str, tuple[Field, bool]], found: list[re.Match[str]], text: str
) -> list[str]:
    """The count before each name, or "". In "nights three adults two" it follows the name: a
    number that is all there is after one name is that name's."""
    counts: list[str] = []
    end = 0
    for match in found:
        field, _ = _named(names, match)
        gap = text[end : match.start()]
        bare = field.type == "number" and not match["copula"] and not match["owner"]
        count = _count_at_end(gap) if bare else ""
        taken = bool(counts) and not counts[-1] and count.strip() == gap.strip()
        counts.append("" if taken else count)
        end = match.end()
    return counts


def _count_at_end(gap: str) -> str:
    """The words at the end of `gap` that are one number, with the space after them."""
    clause = _CLAUSE_END.split(gap)[-1]
    words = list(re.finditer(r"\S+", clause))[-MAX_COUNT_WORDS:]
    for word in words:
        count = clause[word.start() :]
        said = count.strip().lower()
        if said in _NO_COUNT or _COUNT.fullmatch(figures(said)):
            return count
    return ""


_LOOSE_END = re.compile(
    r"(?:[\s,.;]+|\b(?:and|but|it|it's|my|the|also|then|with|on|that)\b)+$", re.I
)
_LOOSE_START = re.compile(
    r"^(?:[\s,.:;]+|\b(?:actually|really|now|just|um+|uh+)\b)+", re.IGNORECASE
)


def trimmed(words: str) -> str:
    """The words without the joints at their ends: "and", "it", "actually"."""
    return _LOOSE_END.sub("", _LOOSE_START.sub("", words))


@lru_cache(maxsize=256)
def _vocabulary(
    fields: tuple[Field, ...],
) -> tuple[dict[str, tuple[Field, bool]], re.Pattern[str] | None]:
    """Every name with its field and whether it is a full one, and a pattern that finds them."""
    names = _names(fields)
    if not names:
        return names, None
    longest_first = sorted(names, key=len, reverse=True)
    alternatives = "|".join(re.escape(name).replace(r"\ ", r"\s+") for name in longest_first)
    pattern = (
        rf"\b(?:(?P<owner>my|the|our|your|his|her)\s+)?(?P<name>{alternatives})\b"
        rf"(?P<copula>'s\b|\s*[:=]|\s+{_COPULA}\b)?"
    )
    return names, re.compile(pattern, re.IGNORECASE)


def _names(fields: tuple[Field, ...]) -> dict[str, tuple[Field, bool]]:
    full = {name: (field, True) for field in reversed(fields) for name in _full_names(field)}
    return {**_unique(fields, _words), **_unique(fields, _short_names), **full}


def _unique(
    fields: tuple[Field, ...], names_of: Callable[[Field], set[str]]
) -> dict[str, tuple[Field, bool]]:
    claims: dict[str, list[Field]] = {}
    for field in fields:
        for name in names_of(field):
            claims.setdefault(name, []).append(field)
    return {name: (owners[0], False) for name, owners in claims.items() if len(owners) == 1}


def _short_names(field: Field) -> set[str]:
    """ "check in date" is also called "check in"."""
    return {_KIND_OF_THING.sub("", name) for name in _full_names(field)} - _full_names(field) - {""}


def _full_names(field: Field) -> set[str]:
    spaced = field.name.replace("_", " ")
    return {" ".join(name.lower().split()) for name in (field.spoken_name, spaced)} - {""}


def called(field: Field) -> set[str]:
    """Every way to call a field, whatever others the form has."""
    return _full_names(field) | _short_names(field) | _words(field)


def _singular(word: str) -> str:
    plain = word.endswith("s") and not word.endswith("ss")
    return _SINGULARS.get(word, word[:-1] if plain else word)


def _words(field: Field) -> set[str]:
    words = {word for name in _full_names(field) for word in re.findall(r"[^\W\d_]{3,}", name)}
    if field.type == "number":
        words |= {_singular(word) for word in words}
    return (words - _SMALL_WORDS) | set(TYPE_WORDS.get(field.type, ()))
