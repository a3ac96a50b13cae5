"""`email`: an e-mail address, its letters in lower case.

min, max, length   characters
pattern            what the whole address matches

Whether mail arrives there is not asked: that would need the network.
"""

import re

from email_validator import EmailNotValidError, validate_email

from turnkeeper.forms.model import Field, Scalar
from turnkeeper.values.bounds import check_characters, refused
from turnkeeper.values.reading import NOTHING, Context, Reading, ValueType
from turnkeeper.values.spoken import DIGITS, REPEATS, TEENS, TENS, digit_runs, readings
from turnkeeper.values.utterance import read_parts, tidy, without_carrier, without_fillers

MAX_ADDRESS = 254
"""RFC 5321, section 4.5.3.1, with RFC 3696's erratum 1690."""

_SIGNS = (
    (r"\bat sign\b|\bat symbol\b", "@"),
    (r"\b(?:dot|period|full stop|point)\b", "."),
    (r"\b(?:underscore|under score)\b", "_"),
    (r"\b(?:dash|hyphen|minus)\b", "-"),
    (r"\bplus\b", "+"),
    (r"\b(?:all )?(?:lower ?case|one word|together|no spaces?)\b|\bcapital\b", " "),
    (r"\bg ?mail\b", "gmail"), (r"\bhot ?mail\b", "hotmail"), (r"\bout ?look\b", "outlook"),
    (r"\bi ?cloud\b", "icloud"), (r"\bproton ?mail\b", "protonmail"), (r"\bya ?hoo\b", "yahoo"),
)  # fmt: skip
_REPLACEMENTS = tuple((re.compile(words, re.IGNORECASE), sign) for words, sign in _SIGNS)
_AS_IN = re.compile(r"\b([a-z])(?:,? as in| for| like) \w+\b", re.IGNORECASE)
_CARRIER = re.compile(
    r"^.*\b(?:(?:e-?mail|address)(?: address)?(?: is|'s|:)|(?:reach|contact|mail|email|write)"
    r"(?: to)? me(?: at| on)?|send it to|it is|it's|is)\s+",
    re.IGNORECASE,
)
_NUMBERS = frozenset({*(DIGITS.keys() - {"o", "oh"}), *TEENS, *TENS})


def _figured(words: list[str]) -> list[str]:
    """`words` with spoken digits as figures: "ada forty two" is "ada42"."""
    out: list[str] = []
    run: list[str] = []
    for word in [*words, ""]:
        if word.lower() in _NUMBERS or (word.lower() in REPEATS and not run):
            run.append(word)
            continue
        slots = [slot for each in digit_runs(" ".join(run)) for slot in each]
        out += [next(readings(slots))] if slots else run
        out.append(word)
        run = []
    return out


def _written(said: str) -> str:
    """The address that the words spell, without a check."""
    line = _AS_IN.sub(r"\1", said)
    for words, sign in _REPLACEMENTS:
        line = words.sub(sign, line)
    if "@" not in line:
        local, at, domain = line.rpartition(" at ")
        if "." in local.partition(" at ")[2]:  # an address of its own stands before this one
            return ""
        line = f"{local}@{domain}" if at else line
    spaced = re.sub(r"([@._+-])", r" \1 ", line)
    return "".join(_figured(spaced.split())).strip(".,;:!?").lower()


_NO = re.compile(r"\W+no\W+", re.IGNORECASE)
_FULL = re.compile(r"[^\s@<>,;:]+@[^\s@<>,;:]+\.[^\s@<>,;:]+")


def _valid(field: Field, address: str) -> Reading:
    if len(address) > MAX_ADDRESS or "@" not in address:
        return NOTHING
    try:
        found = validate_email(address, check_deliverability=False)
    except EmailNotValidError:
        return NOTHING
    return check_characters(field, found.normalized)


def _one(field: Field, part: str) -> Reading:
    if written := _FULL.findall(part):
        return _valid(field, written[-1].strip(".,;:!?").lower())
    *before, last = (_spoken(field, each) for each in _NO.split(part))
    if before and before[-1].kind != "none" and last.kind != "none":
        return last
    return _spoken(field, part)


def _spoken(field: Field, part: str) -> Reading:
    said = _CARRIER.sub("", without_carrier(without_fillers(part)))
    return _valid(field, _written(said))


def read(field: Field, text: str, context: Context) -> Reading:
    return read_parts(text, lambda part: _one(field, part))


def dtmf(field: Field, keys: str, context: Context) -> Reading:
    return NOTHING


def accept(field: Field, value: object, context: Context) -> Reading:
    if not isinstance(value, str):
        return refused("wrong_kind", f"The {field.spoken_name} must be an e-mail address as text.")
    exact = _valid(field, tidy(value).lower())
    if exact.kind != "none":
        return exact
    reading = read(field, value, context)
    if reading.kind != "none":
        return reading
    return refused("not_an_email", "That isn't a complete e-mail address.")


_SPOKEN = {"@": " at ", ".": " dot ", "_": " underscore ", "-": " dash ", "+": " plus "}


def speak(field: Field, value: Scalar, language: str) -> str:
    """As it is said: "ada at example dot com"."""
    return "".join(_SPOKEN.get(char, char) for char in str(value))


TYPE = ValueType("email", read, dtmf, accept, speak)
