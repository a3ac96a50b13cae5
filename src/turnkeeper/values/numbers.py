"""`number`: a count or an amount, int when it is whole, else float.

min, max  the lowest and the highest number that is taken

Currency is no part of it: "fifteen hundred bucks" is 1500, "twenty dollars and fifty cents" 20.5.
Two numbers in one answer are none, since nothing tells which is meant.
"""

import math
import re
from dataclasses import dataclass, replace

from babel.numbers import format_decimal

from turnkeeper.forms.model import Field, Scalar
from turnkeeper.values.bounds import number_of, refused
from turnkeeper.values.locales import babel_locale
from turnkeeper.values.numerals import figures, leftover
from turnkeeper.values.reading import NOTHING, Context, Reading, ValueType
from turnkeeper.values.utterance import read_parts, without_fillers

LARGEST = 1e15
"""Larger numbers lose digits as floats, and nobody says them."""

_SCALES = {
    "k": 1e3, "hundred": 1e2, "thousand": 1e3, "grand": 1e3, "mil": 1e6, "million": 1e6,
    "billion": 1e9, "trillion": 1e12, "dozen": 12.0,
}  # fmt: skip
_PARTS = {"half": 0.5, "3rd": 1 / 3, "quarter": 0.25, "3 quarters": 0.75}
_WORDS = {
    "a couple of": 2.0, "a couple": 2.0, "couple": 2.0, "both": 2.0, "just me": 1.0, "only me": 1.0,
    "just myself": 1.0, "none": 0.0, "nobody": 0.0, "no one": 0.0, "nothing": 0.0, "naught": 0.0,
    "nought": 0.0, "nil": 0.0, "not any": 0.0,
}  # fmt: skip

_SCALE = rf" ?(?P<scale>{'|'.join(_SCALES)})s?\b"
_MONEY = r"(?:dollars?|bucks?|pounds?|euros?|quid)"
_FIGURE = re.compile(
    r"(?<![\w.,])(?<!\d:)(?P<minus>(?:minus|negative) |-\$? ?(?=[\d.]))?[$£€]?"
    r"(?P<figure>\d{1,3}(?:,\d{3})+(?:\.\d{1,9})?|\d{1,16}(?:\.\d{1,9})?|\.\d{1,9})"
    rf"(?: (?P<cut>[1-9]\d)(?![\d,.:%]|\w))?(?:{_SCALE})?"
    rf"(?: {_MONEY} (?:and )?(?P<cents>\d\d?)(?: cents?| pence| p)?\b)?"
    r"(?: and (?:an? )?(?P<part>half|quarter|3rd|3 quarters)\b|(?: over |/)(?P<under>\d{1,9}))?"
    r"(?![\w]|[.:/]\d)"
)
_UNCOUNTED = re.compile(
    rf"\b(?:half (?:an? )?(?P<half>{'|'.join(_SCALES)})"
    r"|(?:an? )?(?P<scale>dozen|hundred|thousand|million)"
    r"|(?:an? |1 )?(?P<part>half|quarter|3 quarters))\b"
    r"(?! past\b)"
)
_SCALE_NAMES = {"100": "hundred", "1000": "thousand", "1000000": "million", "1000000000": "billion"}
# "1.2 million" in figures is "1.2 1000000".
_SCALE_FIGURE = re.compile(rf"(?:(?<=\d)|(?<=half)) ({'|'.join(_SCALE_NAMES)})(?![\d,.])")
_COUNT_WORD = re.compile(rf"\b(?:{'|'.join(_WORDS)})\b")
_FRACTION = re.compile(
    r"^[ -]+(?:and )?(?:an? )?(?:\d+-?(?:st|nd|rd|th)s?|\w*(?:eigh|fif|ten|nin|seven|six|four|dred"
    r"|thousand|llion)ths?|thirds?|halves|quarters?|lakhs?|crores?)\b"
)
_CLOCK = re.compile(r" ?(?:[ap]\.? ?m\b|o'? ?clock\b)")
_CLOCK_BEFORE = re.compile(r"\b(?:half|quarter) (?:past|to|after|before|till) $")
_OUT_OF = re.compile(r"(?<=\d) (?:out )?of (?:a )?(?:possible )?(?P<of>\d+)\b")
_NO_SUCH = re.compile(r"\b(?:no|not any) (\w+)(?! ?\d)")
_COUNTING = {"a", "all", "an", "any", "count", "how", "in", "many", "number", "of", "the", "total"}
"""Words of a label that do not say what is counted."""
_STRAY = re.compile(r"\d")


def check(field: Field, number: float) -> Reading:
    """`number` in normal form, within the field's bounds."""
    low, high = number_of(field.min), number_of(field.max)
    if field.whole and number != int(number):
        return refused("not_whole", "I need a whole number.")
    if low is not None and number < low:
        return refused("too_low", f"That's too low; it must be at least {low:,.15g}.")
    if high is not None and number > high:
        return refused("too_high", f"That's too high; it must be at most {high:,.15g}.")
    return Reading("value", int(number) if number == int(number) else number)


def _figured(match: re.Match[str]) -> float:
    """The number of a match of `_FIGURE`, with its scale, its part and its sign."""
    number = float(match["figure"].replace(",", ""))
    if match["cut"]:  # "one fifty" is 150
        number = number * 100 + int(match["cut"])
    if match["cents"]:
        number += int(match["cents"]) / 100
    number = (number + _PARTS.get(match["part"], 0.0)) * _SCALES.get(match["scale"], 1.0)
    if match["under"]:
        number /= int(match["under"]) or math.nan
    return -number if match["minus"] else number


def _uncounted(match: re.Match[str]) -> float:
    """The number of a match of `_UNCOUNTED`."""
    if match["part"]:
        return _PARTS[match["part"]]
    return _SCALES[match["half"]] / 2 if match["half"] else _SCALES[match["scale"]]


@dataclass(frozen=True, slots=True)
class Found:
    """A number, and what stands before and after it."""

    number: float
    before: str
    after: str


def _found(number: float, match: re.Match[str]) -> Found:
    return Found(number, match.string[: match.start()], match.string[match.end() :])


def _worded(line: str) -> Found | None:
    """The number of words without figures: "half a million", "a dozen", "just me"."""
    if match := _UNCOUNTED.search(line):
        return _found(_uncounted(match), match)
    if match := _COUNT_WORD.search(line):
        return _found(_WORDS[match[0]], match)
    return None


def find(line: str) -> Found | None:
    """The one number in `line` (figures, lower case), or None."""
    line = _SCALE_FIGURE.sub(lambda scale: f" {_SCALE_NAMES[scale[1]]}", line)
    matches = list(_FIGURE.finditer(line))
    if len(matches) > 1:
        return None
    if not matches:
        return None if _STRAY.search(line) else _worded(line)
    match = matches[0]
    found = _found(_figured(match), match)
    torn = match["cut"] and len(match["figure"]) > 1
    clock = _CLOCK_BEFORE.search(found.before) or _CLOCK.match(found.after)
    if torn or clock or _FRACTION.match(found.after) or found.before.endswith("point "):
        return None
    return found if math.isfinite(found.number) and abs(found.number) < LARGEST else None


def _none_of(field: Field, line: str) -> bool:
    """Whether there is "no" before a word of the field's own name or label: "no children"."""
    own = {*re.findall(r"\w+", f"{field.name.replace('_', ' ')} {field.label}".lower())} - _COUNTING
    said = _NO_SUCH.findall(line)
    return any(word in own or _kin(word, name) for word in said for name in own)


def _kin(one: str, other: str) -> bool:
    """Whether two words differ only in an ending, as "child" and "children" do."""
    shorter, longer = sorted((one, other), key=len)
    return len(shorter) > 3 and longer.startswith(shorter) and len(longer) - len(shorter) < 4


def _beyond(field: Field, scale: re.Match[str]) -> str:
    """Nothing of "out of ten" where ten is the field's highest number; else it is a number too."""
    return "" if number_of(field.max) == float(scale["of"]) else scale[0]


def _one(field: Field, part: str) -> Reading:
    words = without_fillers(part)
    line = _OUT_OF.sub(lambda scale: _beyond(field, scale), figures(words))
    if _none_of(field, line):
        return check(field, 0.0)
    found = find(line)
    if found is None:
        return NOTHING
    rest = leftover(words, found.before, found.after)
    return replace(check(field, found.number), rest=rest)


def read(field: Field, text: str, context: Context) -> Reading:
    return read_parts(text, lambda part: _one(field, part))


def dtmf(field: Field, keys: str, context: Context) -> Reading:
    """Digits, with `*` as the decimal point."""
    written = keys.replace("*", ".", 1)
    if not re.fullmatch(r"[0-9]{1,15}(?:\.[0-9]{1,9})?", written):
        return NOTHING
    return check(field, float(written))


def accept(field: Field, value: object, context: Context) -> Reading:
    if isinstance(value, str):
        return read(field, value, context)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return refused("wrong_kind", f"The {field.spoken_name} must be a number.")
    if not abs(value) < LARGEST:  # nor is it a number at all, for NaN
        return refused("wrong_kind", f"The {field.spoken_name} must be an ordinary number.")
    return check(field, value)


def speak(field: Field, value: Scalar, language: str) -> str:
    """In the language's figures: "1,500"."""
    if isinstance(value, bool | str) or not abs(value) < LARGEST:
        return str(value)
    return format_decimal(value, locale=babel_locale(language), decimal_quantization=False)


TYPE = ValueType("number", read, dtmf, accept, speak)
