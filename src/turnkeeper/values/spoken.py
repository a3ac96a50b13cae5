"""Characters as they are spoken: "double four, oh, b as in bravo, twenty five".

The one reader of spelled things (digits, phone numbers, postal codes, spelled names). Speech is
ambiguous: "twenty five" is 25 or 2-0-5, "to" is 2 or no digit at all. So a word gives *options*,
likeliest first, and what the field knows (a length, a shape) decides among the whole readings.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import combinations, islice, product

Slot = tuple[str, ...]
"""The ways in which one word can be written, likeliest first."""

MAX_READINGS = 256
"""Readings that are looked at for one utterance."""
MAX_WORDS = 60

DIGITS = {
    "zero": "0", "oh": "0", "o": "0", "nought": "0", "naught": "0", "nil": "0", "one": "1",
    "two": "2", "three": "3", "tree": "3", "four": "4", "five": "5", "fife": "5", "six": "6",
    "seven": "7", "eight": "8", "nine": "9", "niner": "9",
}  # fmt: skip
HOMOPHONES = {"to": "2", "too": "2", "for": "4", "fore": "4", "ate": "8", "won": "1", "free": "3"}
TEENS = {
    "ten": "10", "eleven": "11", "twelve": "12", "thirteen": "13", "fourteen": "14",
    "fifteen": "15", "sixteen": "16", "seventeen": "17", "eighteen": "18", "nineteen": "19",
}  # fmt: skip
TENS = {
    "twenty": "2", "thirty": "3", "forty": "4", "fourty": "4", "fifty": "5", "sixty": "6",
    "seventy": "7", "eighty": "8", "ninety": "9",
}  # fmt: skip
ZEROS = {"hundred": "00", "thousand": "000"}
REPEATS = {"double": 2, "triple": 3, "treble": 3, "quadruple": 4}
JOINERS = frozenset({"and", "then", "dash", "hyphen", "space", "comma", "point", "um", "uh", "a"})
"""Words inside a run of characters that stand for none."""

_INITIALS = """
    alpha alfa bravo charlie delta echo foxtrot golf hotel india juliet juliett kilo lima mike
    november oscar papa quebec romeo sierra tango uniform victor whiskey whisky xray yankee zulu
    bee dee gee jay kay pee tee tea vee zed zee
"""
LETTERS = {word: word[0].upper() for word in _INITIALS.split()} | {
    "ay": "A", "be": "B", "see": "C", "sea": "C", "ee": "E", "ef": "F", "eff": "F", "aitch": "H",
    "haitch": "H", "eye": "I", "el": "L", "ell": "L", "em": "M", "en": "N", "cue": "Q",
    "queue": "Q", "are": "R", "ar": "R", "ess": "S", "you": "U", "ex": "X", "x-ray": "X",
    "why": "Y", "doubleyou": "W",
}  # fmt: skip

_WORD = re.compile(r"x-ray|[a-z]+|\d+|[&+]", re.IGNORECASE)
_AS_IN = re.compile(r"\b([a-z])(?:,? as in| for| like) ([a-z]+)\b", re.IGNORECASE)
_DOUBLE_U = re.compile(r"\bdouble (?:u|you)\b", re.IGNORECASE)


def _same_initial(match: re.Match[str]) -> str:
    letter, word = match[1].lower(), match[2].lower()
    return letter if len(word) > 1 and word.startswith(letter) else match[0]


def words_of(text: str) -> list[str]:
    """The first `MAX_WORDS` words and digit runs of `text`, lower case; "b as in bravo" is "b"."""
    plain = _DOUBLE_U.sub("w", _AS_IN.sub(_same_initial, text))
    return [word.lower() for word in _WORD.findall(plain)[:MAX_WORDS]]


def readings(slots: Sequence[Slot], changes: int = 3) -> Iterator[str]:
    """The ways to write a run of slots: first with every first option, then with one second
    option, two, up to `changes`; at most `MAX_READINGS`."""
    return islice(_by_changes(slots, changes), MAX_READINGS)


def _by_changes(slots: Sequence[Slot], changes: int) -> Iterator[str]:
    plain = [slot[0] for slot in slots]
    open_places = [place for place, slot in enumerate(slots) if len(slot) > 1]
    for count in range(min(changes, len(open_places)) + 1):
        for places in combinations(open_places, count):
            for others in product(*(slots[place][1:] for place in places)):
                changed = dict(zip(places, others, strict=True))
                yield "".join(changed.get(place, each) for place, each in enumerate(plain))


def digit_runs(text: str) -> list[list[Slot]]:
    """The unbroken runs of spoken digits in `text`; a word that is no digit breaks a run."""
    runs: list[list[Slot]] = [[]]
    words = words_of(text)
    index = 0
    while index < len(words):
        used, slot = _digit_slot(words, index, bool(runs[-1]))
        if slot is not None:
            runs[-1].append(slot)
        elif not (words[index] in JOINERS and runs[-1]):
            runs.append([])
        index += used
    return [run for run in runs if run]


def _digit_slot(words: list[str], index: int, inside: bool) -> tuple[int, Slot | None]:
    """How many words from `index` on make one slot, and the slot; None where there is none."""
    word, following = words[index], words[index + 1] if index + 1 < len(words) else ""
    if word in REPEATS and (digit := _digit(following)):
        return 2, (digit[0] * REPEATS[word] + digit[1:],)
    if word in TENS:
        unit = _digit(following)
        if unit and len(unit) == 1 and unit != "0":
            return 2, (TENS[word] + unit, TENS[word] + "0" + unit)
        return 1, (TENS[word] + "0",)
    if word in ZEROS and inside:
        return 1, (ZEROS[word],)
    if digit := _digit(word):
        return 1, (digit,)
    if word in HOMOPHONES and (inside or _digit(following)):
        digit = HOMOPHONES[word]
        return 1, (digit, "") if inside else ("", digit)
    return 1, None


def _digit(word: str) -> str:
    return word if word.isdigit() else DIGITS.get(word) or TEENS.get(word) or ""


def character_slots(text: str) -> list[Slot]:
    """One slot a character of spelled letters and digits, upper case; look-alikes and words that
    sound like a character are second options."""
    slots: list[Slot] = []
    words, index = words_of(text), 0
    while index < len(words):
        word = words[index]
        if word in REPEATS and index + 1 < len(words):
            index += 1
            slots += _letter_slots(words[index])[:1] * REPEATS[word]
            slots += _letter_slots(words[index])[1:]
        elif word in TENS:
            used, slot = _digit_slot(words, index, True)
            slots.append(slot or ("",))
            index += used - 1
        else:
            slots += _letter_slots(word)
        index += 1
    return slots


def _letter_slots(word: str) -> list[Slot]:
    if word in SOUNDS:
        return [SOUNDS[word]]
    if word in LETTERS:
        return [(LETTERS[word],)]
    if char := DIGITS.get(word) or TEENS.get(word):
        return [(char,)]
    if word in JOINERS and len(word) > 1:
        return []
    return [_LOOK_ALIKES.get(char, (char,)) for char in word.upper()]


SOUNDS: dict[str, Slot] = {
    "o": ("O", "0"), "oh": ("0", "O"), "to": ("2", ""), "too": ("2",), "for": ("4", ""),
    "fore": ("4",), "ate": ("8",), "won": ("1",), "free": ("3",), "tree": ("3",), "and": ("N", ""),
    "&": ("N", ""), "+": ("N", ""), "an": ("N",), "in": ("N", ""), "end": ("N",), "he": ("E", ""),
}  # fmt: skip
"""Words that sound like a character; some are also only words."""

_LOOK_ALIKES: dict[str, Slot] = {
    "0": ("0", "O"), "O": ("O", "0"), "1": ("1", "I"), "I": ("I", "1"), "V": ("V", "5"),
}  # fmt: skip
"""Characters that recognisers take for each other, by sound or by shape."""
