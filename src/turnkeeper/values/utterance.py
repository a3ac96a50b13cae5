"""What every reader does to a caller's words first: tidy them, and mind a self-correction.

A transcript is cut at `MAX_CHARS`: an answer to one question is shorter, and the time that a
reader takes stays bounded whatever is sent.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import replace

from turnkeeper.values.reading import NOTHING, Reading

MAX_CHARS = 300

_QUOTES = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "−": "-"})
_SPACE_BEFORE = re.compile(r" +([,;])")

_HESITATION = re.compile(r"(?<![\w'-])(?:u+m+|u+h+|e+r+m?|h+m+|mm+)(?![\w'-])[,.]*", re.IGNORECASE)
_FILLER = re.compile(
    r"(?<![\w'-])(?:u+m+|u+h+|e+r+m?|a+h+|h+m+|mm+|you know|well|ok(?:ay)? so|so|please|"
    r"thanks|thank you)(?![\w'-])[,.]*",
    re.IGNORECASE,
)
_CARRIER = re.compile(
    r"\W*(?:sure|okay|ok|yeah|yes|oh|and|the answer is|(?:i think |i believe |i guess )?"
    r"(?:it's|its|it is|that's|that is|that would be|it would be|it was|this is|i'd like|"
    r"i would like|i want|i said|make it|change it to|let's say|put|try)|"
    r"(?:my|the|our)(?: \w+){1,3} (?:is|was))(?![\w'-])[\s,.:]*",
    re.IGNORECASE,
)
_IDLE = frozenset({
    "a", "an", "and", "the", "of", "it", "it's", "its", "that", "that's", "this", "there", "is",
    "was", "were", "are", "be", "been", "i", "i'd", "i'll", "we", "my", "our", "me", "us",
    "like", "take", "have", "want", "wanted", "need", "would", "should", "will", "meant",
    "said", "make", "get", "put", "for", "to", "in", "on", "at", "no", "yes", "yeah", "oh",
    "okay", "ok", "just", "only", "about", "around", "exactly", "actually", "really", "maybe",
    "total", "altogether", "one", "ones", "them", "please", "instead", "then", "now", "so",
    "sorry", "people", "dollars", "dollar", "bucks", "pounds", "euros", "quid", "percent", "$",
})  # fmt: skip
_CORRECTION = re.compile(
    r"[,.;-]*\s*\b(?:no,? (?:wait|sorry|actually)|(?:oh|sorry|actually),? (?:no|wait)|wait,? no|"
    r"i mean|i meant|or rather|make that|scratch that|correction|actually|sorry|wait|no,)"
    r"(?!\w)[\s,.:;-]*",
    re.IGNORECASE,
)


def tidy(text: str) -> str:
    """One line of at most `MAX_CHARS` characters: compatibility forms folded, controls dropped."""
    folded = unicodedata.normalize("NFKC", text[:MAX_CHARS]).translate(_QUOTES)
    plain = "".join(char if char.isprintable() else " " for char in folded)
    return _SPACE_BEFORE.sub(r"\1", " ".join(plain.split()))[:MAX_CHARS].strip()


def without_hesitation(text: str) -> str:
    """`text` without "um" and "uh", every word that may matter left in."""
    return " ".join(_HESITATION.sub(" ", text).split()).strip(" ,;")


def without_fillers(text: str) -> str:
    """`text` without "um", "please" and the like."""
    return " ".join(_FILLER.sub(" ", text).split()).strip(" ,;")


def without_carrier(text: str) -> str:
    """`text` without the phrases that answers begin with: "it's", "my number is"."""
    while (match := _CARRIER.match(text)) and match.end() < len(text):
        text = text[match.end() :]
    return text


def says_nothing(words: str) -> bool:
    """Whether words beside a value only carry it: "it's just ... of them"."""
    return all(word in _IDLE for word in re.findall(r"[\w'$]+", words.lower()))


def parts(text: str) -> list[str]:
    """The parts of a self-correction, last first: "five, no wait, six" is "six", "five"."""
    return [part.strip() for part in reversed(_CORRECTION.split(text)) if part.strip()]


def read_parts(text: str, read: Callable[[str], Reading]) -> Reading:
    """The reading of the last part of `text` that is understood; its words are `heard`.

    A part that is only the beginning of a value counts where no other part is more than that.
    """
    partial = NOTHING
    for part in parts(tidy(text)):
        reading = read(part)
        if reading.kind in ("value", "candidates", "refused"):
            return replace(reading, heard=part)
        if reading.kind == "partial" and partial.kind == "none":
            partial = replace(reading, heard=part)
    return partial
