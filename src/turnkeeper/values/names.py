"""`name`: a person's name, its capitals restored ("ada o'brien" is "Ada O'Brien").

min, max, length   characters
pattern            what the whole name matches

"Last name Lovelace, first name Ada" is put in order, a spelled word is put together ("a d a"), and
words that are in no name ("what", "you know") make it none.
"""

import re
from itertools import dropwhile, groupby

from rapidfuzz import fuzz

from turnkeeper.forms.model import Field, Scalar
from turnkeeper.values.bounds import check_characters, refused
from turnkeeper.values.reading import NOTHING, Context, Reading, ValueType
from turnkeeper.values.spoken import LETTERS
from turnkeeper.values.utterance import read_parts, tidy, without_carrier, without_fillers

MAX_WORDS = 6
_PARTICLES = "de del la las los da das do dos di du der den van von bin ibn el al y e"
_NOT_IN_NAMES = """
    i me you we they he she it its it's that that's this these those the what what's why how when
    where who which know knows don't dont not can can't could would should is isn't was are were
    am on to of for with about after before have has had said say think because just want need
    help repeat again number yes no yeah nope okay hello sorry my your please and or if there here
    do did doesn't does then than out up down skip none nothing something pardon excuse
    one two three four five six seven eight nine ten zero oh today tomorrow yesterday
"""
PARTICLES = frozenset(_PARTICLES.split())
"""Words in names that stay in lower case, except at the beginning."""
NOT_IN_NAMES = frozenset(_NOT_IN_NAMES.split())
"""Words that make an answer no name."""

_IS = r"(?: is|'s|,|:)?"
_LAST_FIRST = re.compile(
    rf"^\W*(?:my )?(?:last name|surname|family name){_IS} (?P<last>.+?)[ ,.]+(?:and )?(?:my )?"
    rf"(?:first|given) name{_IS} (?P<first>.+)$",
    re.IGNORECASE,
)
_FIRST_LAST = re.compile(
    rf"^\W*(?:my )?(?:first|given) name{_IS} (?P<first>.+?)[ ,.]+(?:and )?(?:my )?"
    rf"(?:last name|surname|family name){_IS} (?P<last>.+)$",
    re.IGNORECASE,
)
_CARRIER = re.compile(
    r"^(?:(?:hi|hello|hey|yes|yeah)\b[ ,]*)?(?:(?:i'm|i am|call me|(?:my|the) "
    r"(?:full |first |last )?name(?:'s| is)?|you can call me|this is|it's|speaking is"
    r"|under(?: (?:my|the)(?: full| first| last)? name(?: of)?)?)\b\s*)?",
    re.IGNORECASE,
)
_SPELLED = re.compile(
    r"(?:^|[, ]+)(?:(?:that's |that is |it's )?spel(?:led|t)|spelling)[ :,]+", re.IGNORECASE
)
_CLOSING = re.compile(r" (?:speaking|calling|here)\W*$", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]+(?:['.-][^\W\d_]*)*")


def _letters(words: list[str]) -> str:
    """The letters that `words` spell, or "" where they are not all letters or letters' names."""
    letters = [
        word if len(word.strip(".-")) == 1 else LETTERS.get(word.lower(), "") for word in words
    ]
    return "".join(letter.strip(".-") for letter in letters) if words and all(letters) else ""


def _unspelled(text: str) -> str:
    """`text` with runs of spelled letters as words; "space" parts two of them.

    Up to three letters before a name are initials and stay: "J R R Tolkien".
    """
    spread = re.sub(r"(?<=\b\w)[-.,]+(?=\w\b)", " ", text).replace(",", " ")
    words = ["" if word.lower() == "space" else word for word in spread.split()]
    runs = [
        (key, list(run)) for key, run in groupby(words, key=lambda word: bool(_letters([word])))
    ]
    out: list[str] = []
    for spelled, run in runs:
        whole = len(run) > 3 or (len(run) == 3 and len(runs) == 1)
        out += [_letters(run).lower()] if spelled and whole else run
    return " ".join(word for word in out if word)


def _torn(words: list[str]) -> bool:
    """Whether a recogniser tore a spelled name up ("Jo n e x"): most of it is one or two letters,
    and these are no initials before a name."""
    named = list(dropwhile(lambda word: len(word) == 1, words))
    pieces = [word for word in named if len(word) < 3 and word.lower() not in PARTICLES]
    return len(words) > 3 and bool(pieces or not named) and 2 * len(pieces) >= len(named)


def _cased_word(word: str, first: bool) -> str:
    if word != word.lower() and word != word.upper():
        return word
    if word.lower() in PARTICLES and not first:
        return word.lower()
    titled = re.sub(r"[^\W\d_]+", lambda part: part[0].capitalize(), word.lower())
    return re.sub(r"^(Mc|O')(\w)", lambda part: part[1] + part[2].upper(), titled)


def _cased(name: str) -> str:
    return " ".join(_cased_word(word, place == 0) for place, word in enumerate(name.split()))


_LETTER_RUN = re.compile(r"^(?P<name>.*[^\W\d_]{2,}\.?)[ ,]+(?P<run>(?:[^\W\d_] ){2,}[^\W\d_])$")


def _doubled(said: str) -> str:
    """ "Ann, A N N E" is "anne": letters after a name spell the last word that they resemble."""
    spread = re.sub(r"(?<=\b\w)[-.,]+ *(?=\w\b)", " ", said)
    match = _LETTER_RUN.match(spread)
    if match is None:
        return said
    *others, last = match["name"].replace(",", " ").split()
    spelled = match["run"].replace(" ", "").lower()
    if spelled == "".join([*others, last]).lower():
        return match["name"]
    return " ".join([*others, spelled]) if fuzz.ratio(last.lower(), spelled) >= 60 else said


def _respelled(said: str) -> str:
    """ "Shane, spelled s h a y n e" is "shayne": the spelling stands for the word it resembles."""
    name, *spelling = _SPELLED.split(said, maxsplit=1)
    spelled = _unspelled(spelling[0]).replace(" ", "") if spelling else ""
    words = name.split()
    if not spelled:
        return _doubled(name)
    likeness = [fuzz.ratio(word.lower(), spelled) for word in words]
    best = max(likeness, default=0)
    if best < 50:
        return f"{name} {spelled}".strip()
    words[likeness.index(best)] = spelled
    return " ".join(words)


_AGAIN = re.compile(r"^(\w+),\s+(?=\1\b)", re.IGNORECASE)
"""A first name that is said once more, with the rest: "Ada, Ada Lovelace"."""


def _one(field: Field, part: str) -> Reading:
    said = _CLOSING.sub("", without_fillers(part)).strip(" .,")
    if named := _LAST_FIRST.match(said) or _FIRST_LAST.match(said):
        said = f"{named['first']} {named['last']}"
    else:
        said = _CARRIER.sub("", without_carrier(said), count=1)
    words = _unspelled(_respelled(_AGAIN.sub("", said))).split()
    known = not _torn(words) and all(
        _WORD.fullmatch(word) and word.lower() not in NOT_IN_NAMES for word in words
    )
    if not words or len(words) > MAX_WORDS or not known:
        return NOTHING
    return check_characters(field, _cased(" ".join(words)))


def read(field: Field, text: str, context: Context) -> Reading:
    return read_parts(text, lambda part: _one(field, part))


def dtmf(field: Field, keys: str, context: Context) -> Reading:
    return NOTHING


def accept(field: Field, value: object, context: Context) -> Reading:
    """A program's name is taken as it is written."""
    if not isinstance(value, str):
        return refused("wrong_kind", f"The {field.spoken_name} must be a name as text.")
    line = tidy(value)
    if not any(char.isalpha() for char in line):
        return NOTHING
    return check_characters(field, _cased(line))


def speak(field: Field, value: Scalar, language: str) -> str:
    return str(value)


TYPE = ValueType("name", read, dtmf, accept, speak, strict=False)
