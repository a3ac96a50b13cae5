"""Yes and no at the beginning of an utterance, minding negation and second thoughts.

"No, that's fine" is a yes and "yes, but make it Friday" is neither: a wrong yes submits a form
that the caller wanted changed, so what is not plain is None.
"""

import re

from turnkeeper.values.utterance import tidy

_IT = (
    r"(?:that|this|it|everything|all|which|you)(?: all| one)?"
    r"(?:'s|s| is| was| are|'re| seems?| sounds?| looks?| would be| will be|'ll be| should be|"
    r" have it| got it|'ve got it| heard)?(?: all| just| pretty| really| very| quite| absolutely)?"
)
_RIGHT = (
    r"(?:right|correct|fine|good|great|perfect|ok|okay|true|it|nice|fantastic|wonderful|awesome|"
    r"excellent|exactly|accurate|confirmed|what i want|cool|lovely|terrific|alright|a yes|in order)"
)
_WRONG = r"(?:wrong|incorrect|false|mistaken|a mistake|a no|bad|off)"

# No before a yes that is meant as one: "no problem", "no, that's fine".
_POLITE = (
    r"no (?:problem|worries|objections?)(?: at all)?",
    rf"no,? (?:no,? )?{_IT} {_RIGHT}\b",
)
_NO = (
    r"no(?:pe|oo*)?(?! (?:idea|clue|one|body|matter))", "nah", "naw", "negative", "never",
    "uh-uh", "nuh uh", "disagree", "👎",
    r"not (?:quite|really|right|at all|correct|yet|exactly|true|that one|even close)",
    "absolutely not", "definitely not", "certainly not", "of course not", "please don't",
    rf"(?:{_IT} )?(?:not|isn't|wasn't|aint|ain't) (?:{_RIGHT}|what i (?:said|want|wanted|meant))",
    rf"{_IT} {_WRONG}", rf"{_IT} not", r"(?:that|it) (?:isn't|wasn't|ain't)",
    rf"(?:that|this|it) (?:doesn't|does not|didn't) (?:sound|seem|look) {_RIGHT}",
    r"you (?:got|have|heard) (?:it|that|me) wrong", _WRONG, "i don't think so", "i do not think so",
    r"(?:i|we|he|she|they) (?:don't|do not|didn't|did not|haven't|have not|can't|cannot|won't|"
    r"wouldn't|am not)(?=\W*$)", r"i'm not(?=\W*$)",
    "i (?:don't|do not) (?:want|need|have) (?:that|it|one|any)",
)  # fmt: skip
_YES = (
    "yes+", "yes ?m", "yeah+", "yep", "yup", "yea", "ya", "aye", "agreed?", "👍", "👌", "uh-huh",
    "uh huh", "mm-?hmm", "mm hmm", "mhm", "affirmative", "absolutely", "definitely", "of course",
    "certainly", "exactly", "precisely", "indeed", "you bet", "true",
    "correct(?! (?:the|my|it|that|this|a|an))",
    "sounds (?:good|great|right|perfect|fine|fantastic)", "confirm(?:ed)?", "i (?:confirm|agree)",
    "please do", "go ahead", "do it", "go for it",
    "(?:that |it |this )?(?:works|will work|should work|suits me)(?: for me| well| just fine)?",
    "you(?:'ve)? got it(?: all)?", "you have it", rf"{_IT} {_RIGHT}",
    r"(?:i|we) (?:do|did|am|have|was|were|can|will|would)(?=\W*$)",
    "i think so", "i guess so", "i believe so",
)  # fmt: skip
# Often only a way to begin to speak: these give way to a no after them.
_WEAK_YES = (
    "ok(?:ay)?", "sure(?: thing)?", "al+ ?right", "right(?! (?:now|away|turn|side|hand))", "fine",
    "cool", "perfect", "great", "wonderful", "awesome", "excellent", "lovely",
    "(?:very )?good(?! (?:morning|afternoon|evening|night|day))", "nice",
)  # fmt: skip
_OPENING = (
    "oh", "oops", "wait", "actually", "hold on", "sorry", "well", "um+", "uh(?!-)", "er+m?", "hm+",
    "ah", "i think", "thanks?(?: you)?", "so", "and", "hi", "hello", "please", "i said", "then",
)  # fmt: skip

_LEXICON = (
    ("polite", _POLITE), ("no", _NO), ("yes", _YES), ("weak", _WEAK_YES), ("opening", _OPENING),
)  # fmt: skip
_LEAD = re.compile(
    r"\W*(?:"
    + "|".join(f"(?P<{kind}>{'|'.join(words)})" for kind, words in _LEXICON)
    + r")(?![\w'-])",
    re.IGNORECASE,
)
_SECOND_THOUGHT = re.compile(
    r"\b(?:but|except|however|although|though|change|correction|wrong|wait|actually|instead|not|no|"
    r"isn't|don't|hold on|sorry|other than|apart from|make (?:it|that)|should be|need to)\b",
    re.IGNORECASE,
)


def split_yes_no(text: str) -> tuple[bool | None, str]:
    """The yes or no that `text` begins with, or None, and the words after it.

    The words are all of `text` where it begins with neither, and what follows the yes where a
    second thought takes it back: `(None, "but make it friday")`.
    """
    line = rest = tidy(text)
    answer, weak = None, False
    while match := _LEAD.match(rest):
        kind = match.lastgroup
        if kind != "opening":
            said = kind != "no"
            if answer is not None and said != answer and not (weak and not said):
                return None, line
            weak = kind == "weak" and answer in (None, True) and (weak or answer is None)
            answer = said
        rest = rest[match.end() :]
    rest = rest.strip(" ,.;:!-?")
    if answer is None:
        return None, line
    return (None if answer and _SECOND_THOUGHT.search(rest) else answer), rest


def read_yes_no(text: str) -> bool | None:
    """Whether `text` says yes or no; None where it says neither, or both."""
    return split_yes_no(text)[0]
