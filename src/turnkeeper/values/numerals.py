"""Number words as figures, and the way back from a match to the caller's own words.

The grammars of dates, times and numbers work on figures ("the 27th of the 9th"). text2num turns
words into them in microseconds.
"""

import re
from collections.abc import Iterable

from text_to_num import alpha2digit

_DANGLING = re.compile(r"(?:(?:^| )(?:at|on|in|by|around|about|for|the))+$", re.IGNORECASE)


def figures(text: str) -> str:
    """`text` in lower case with its number words as figures: "the twenty first" is "the 21st"."""
    written: str = alpha2digit(text.lower(), "en", 0)
    return written


def leftover(text: str, before: str, after: str) -> str:
    """The words of `text` that stand before and after a match in its figures.

    `before` and `after` are what `figures(text)` has on the two sides of the match. Where no words
    give just these figures, the figures stand for them.
    """
    words = text.split()
    places = range(len(words) + 1)
    head = _DANGLING.sub("", _words_of(before, (words[:n] for n in places)))
    tail = _words_of(after, (words[n:] for n in places))
    return f"{head} {tail}".strip(" ,.;")


def _words_of(side: str, choices: Iterable[list[str]]) -> str:
    wanted = side.strip(" ,.;")
    for words in choices:
        if figures(said := " ".join(words)).strip(" ,.;") == wanted:
            return said.strip(" ,.;")
    return wanted
