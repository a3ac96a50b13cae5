"""Corrections: "no wait, it's friday", "change the date to friday", "my name is actually Ada".

This is about answers given before. A slip inside one utterance ("five, no wait, six") is the value
readers' business: the last part that reads wins.
"""

import re
from dataclasses import dataclass

_SOFT = (
    r"(?:(?:no|nope|oh|oops|sorry|um+|uh+|er+|well|but|and|ok|okay|yeah|yes|please)\b"
    r"[\s,.!;:-]*)"
)
_MARK = (
    r"(?:(?:wait|hang on|hold on|actually|i meant to say|i mean|i meant|correction|scratch that|"
    r"strike that|let me correct that|make (?:it|that)|i made a mistake|i misspoke|"
    r"(?:that|it) should (?:be|have been)|i should have said)\b[\s,.!;:-]*)"
)
_REGRET = (
    r"(?:(?:oops|whoops|sorry|no|nope|apologies|excuse me|pardon(?: me)?|my (?:bad|mistake))\b"
    r"[\s,.!;:-]*)"
)
_WHILE = r"(?:for )?(?:just )?(?:a|one) (?:sec|second|moment|minute|min|bit)\b[\s,.!?;:-]*"
_MARKED = re.compile(rf"^{_SOFT}*{_MARK}(?:{_SOFT}|{_MARK}|{_WHILE})*", re.IGNORECASE)
_REGRETTED = re.compile(rf"^{_SOFT}*?{_REGRET}(?:{_SOFT}|{_REGRET})*", re.IGNORECASE)
_MOMENT = re.compile(
    rf"^{_SOFT}*(?:just )?(?:give me )?(?:a|one) (?:sec|second|moment|minute)"
    r"(?= *(?:$|[,.;!?]| please))[\s,.;!?-]*",
    re.IGNORECASE,
)
_PAUSE = re.compile(
    rf"^{_SOFT}*(?:(?:let me (?:think|see|check|look|remember|ask)|bear with me|"
    r"let me (?:find|get|grab) (?:my|the|it|that))\b[^,.;!?]*)[\s,.;!?-]*",
    re.IGNORECASE,
)
_PLAIN_NO = re.compile(
    r"^(?:no|nope|not)(?:\s*[,.!;-]\s*"
    r"|\s+(?=(?:it'?s|it is|it was|that'?s|i said|the|my)\b))",
    re.IGNORECASE,
)
_CHANGE = re.compile(
    rf"^{_SOFT}*(?:(?:can|could|may|shall) (?:i|you|we) |i(?:'d| would) like to "
    r"|i (?:want|need|have) to |let me |let's |please |just )*(?:go back and )?"
    r"(?:change|correct|fix|update|edit|modify|redo|amend)\s+(?P<what>.+)$",
    re.IGNORECASE | re.DOTALL,
)
_IT = re.compile(r"^(?:it|that|this)\s+(?:back )?(?:to|into)\s+", re.IGNORECASE)
_DENIED = re.compile(
    r"^(?:(?:it's|it is|it was) )?not\s[^,;]+?(?:\s*[,;]\s*(?:but\s+)?|\s+but\s+)(?=\w)",
    re.IGNORECASE,
)
_FROM = re.compile(r"^from\s.+?\s(?:to|into)\s+", re.IGNORECASE)
_INSTEAD = re.compile(
    r"[\s,]+(?:(?:and )?not|instead of|rather than)\s.+$|[\s,]+instead$", re.IGNORECASE | re.DOTALL
)
_WRONG = re.compile(
    r"^(?:(?:all |just |still )?(?:wrong|incorrect|not right|not correct|not true|false)"
    r"|isn't right|is wrong|needs? (?:changing|correcting)|please)?\W*$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Correction:
    """An utterance without the words that make it a correction."""

    body: str
    marked: bool = False
    """Something said before is corrected, by a marker such as "no wait"."""
    change: bool = False
    """A verb says so: "change ...", and what to change comes first."""
    plain_no: bool = False
    """Only a leading "no," says so, which may also be an answer."""


def correction_in(text: str) -> Correction:
    """What an utterance corrects with; neither marked nor changed when it corrects nothing."""
    text = text.strip()
    if change := _CHANGE.match(text):
        what = change["what"]
        unnamed = _IT.match(what)
        body = what[unnamed.end() :] if unnamed else what
        return Correction(body, marked=unnamed is not None, change=unnamed is None)
    if mark := _MARKED.match(text) or _MOMENT.match(text):
        rest = correction_in(text[mark.end() :])
        return Correction(rest.body, marked=True, change=rest.change)
    if no := _PLAIN_NO.match(text):
        return Correction(text[no.end() :], plain_no=True)
    return Correction(text)


def after_regret(text: str) -> str:
    """The words after "oops", "sorry" or "no", which an answer may begin with as well; none where
    there is no such word."""
    regret = _REGRETTED.match(text.strip())
    return text.strip()[regret.end() :] if regret else ""


def new_value(words: str) -> str:
    """The value's own words: "from monday to friday" and "friday not monday" are "friday"."""
    return _INSTEAD.sub("", _FROM.sub("", words)).strip() or words


def without_pause(words: str) -> str:
    """The words after "let me see" and what is looked for; none where that is all."""
    return _PAUSE.sub("", words)


def without_denied(words: str) -> str:
    """The words after a value that is not meant: "not tomorrow, thursday" is "thursday"."""
    return _DENIED.sub("", words)


def says_wrong(words: str) -> bool:
    """Whether the words after a field's name only say that it is wrong, or nothing at all."""
    return _WRONG.match(words) is not None
