"""What every reader does to a caller's words first: tidy them, and mind a self-correction.

A transcript is cut at `MAX_CHARS`: an answer to one question is shorter, and the time that a
reader takes stays bounded whatever is sent.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import replace

from turnkeeper.values.reading import NOTHING, Reading

MAX_CHARS = 300

_QUOTES = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "−": "-"})

_SPACE_BEFORE = re.compile(r" +([,;])")

_FILLER = re.compile(
    r"\b(?:u+m+|u+h+|e+r+m?|a+h+|h+m+|mm+|like i said|you know|well|okay so|ok so|so|please|thanks|thank you)\b[,.]*",
    re.IGNORECASE,
)

_CARRIER = re.compile(
    r"^\W*(?:(?:sure|okay|ok|yeah|yes|oh|and|the answer is|(?:i think |i believe )?(?:it's|its|it is|that's|that is|"
    r"that would be|it would be|it was|this is|i'd like|i would like|i want|i said|make it|"
    r"let's say|put|try)"
    r"|(?:my|the|our)(?: \w+){1,3} (?:is|was)))\b[\s,.:]*",
    re.IGNORECASE,
)

_CORRECTION = re.compile(
    r"(?:[,.;-]\s*|\b)(?:no,? wait|oh wait|wait,? no|no,? sorry|sorry,? no|i mean|i meant|"
    r"or rather|make that|scratch that|correction|actually|sorry|no,)\b[\s,.:;-]*",
    re.IGNORECASE,
)


def tidy(text: str) -> str:
    """One line of at most `MAX_CHARS` characters, compatibility forms folded, controls dropped."""
    folded = unicodedata.normalize("NFKC", text[:MAX_CHARS]).translate(_QUOTES)
    plain = "".join(c if c.isprintable() else " " for c in folded)
    return _SPACE_BEFORE.sub(r"\1", " ".join(plain.split()))[:MAX_CHARS]


def without_fillers(text: str) -> str:
    """`text` without "um", "please" and the like."""
    return " ".join(_FILLER.sub(" ", text).split()).strip(" ,;")


def without_carrier(text: str) -> str:
    """`text` without the phrase that answers begin with: "it's", "my number is"."""
    while match := _CARRIER.match(text):
        if match.end() == len(text):
            break
        text = text[match.end() :]
    return text


def parts(text: str) -> Iterator[str]:
    """The parts of a self-correction, the last one first ("five, no wait, six": "six", "five")."""
    yield from reversed([part for part in _CORRECTION.split(text) if part and part.strip()])


def read_parts(text: str, read: Callable[[str], Reading]) -> Reading:
    """The reading of the last part of `text` that means anything; `heard` is filled in."""
    line = tidy(text)
    kept = NOTHING
    for part in parts(line):
        reading = read(part.strip())
        if reading.kind in ("value", "candidates", "refused"):
            return replace(reading, heard=reading.heard or part.strip())
        if kept.kind == "none":
            kept = replace(reading, heard=reading.heard or part.strip())
    return kept if kept.kind == "partial" else NOTHING
