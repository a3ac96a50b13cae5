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
    r"excellent|exactly|accurate|confirmed|what i want|cool|lovely|terrific|alright|exact|"
    r"on point|a yes|in order)"
)
_WRONG = r"(?:wrong|incorrect|false|mistaken|a mistake|a no|bad|off)"

# No before a yes that is meant as one: "no problem", "no, that's fine".
_POLITE = (
    r"no (?:problem|worries|objections?)(?: at all)?",
    rf"no,? (?:no,? )?{_IT} {_RIGHT}\b",
    "no doubt(?: about (?:it|that))?",
    "no question(?: about (?:it|that))?",
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
    r"not (?:that|as far as) (?:i|we)(?:'m| am|'re| are)? (?:know|aware|recall|remember)(?: of)?",
    r"(?:i|we|he|she|they) (?:don't|do not|didn't|did not|haven't|have not|can't|cannot|won't|"
    r"wouldn't|am not)(?=\W*$)", r"i'm not(?=\W*$)",
    "i (?:don't|do not) (?:want|need|have) (?:that|it|one|any)",
)  # fmt: skip
_YES = (
    "yes+", "yes ?m", "yeah+", "yep", "yup", "yea", "ya", "aye", "agreed?", "👍", "👌", "uh-huh",
    "uh huh", "mm-?hmm", "mm hmm", "mhm", "affirmative", "absolutely", "definitely", "of course",
    "certainly", "exactly", "precisely", "indeed", "you bet", "true",
    "correct(?! (?:the|my|it|that|this|a|an))",
    "(?:that |it )?sounds? (?:like a )?(?:just |very |pretty |about )?(?:good|great|right|"
    "perfect|fine|fantastic|awesome|better|mint|plan)(?: plan| idea)?", "confirm(?:ed)?",
    "i (?:confirm|agree|accept|approve)(?: (?:of )?(?:it|that)(?: all)?)?",
    "(?:that|it|this)(?:'ll| will|'d| would| should) (?:do|work)(?: for me| well| just fine)?",
    rf"(?:the|your|my|those|these|all) (?:information|data|details?) (?:is|are) {_RIGHT}",
    "please do", "go ahead", "do it", "go for it",
    "(?:that |it |this )?(?:works|will work|should work|suits me)(?: for me| well| just fine)?",
    "that's works(?: for me)?",
    r"(?:that|it)(?:'s| is) (?:just )?(?:what|the \w+) (?:i|we) (?:want|need|asked for)",
    "you(?:'ve)? got it(?: all)?", "you have it", rf"{_IT} {_RIGHT}",
    r"(?:i|we) (?:do|did|am|have|was|were|can|will|would)(?=\W*$)",
    "i think so", "i guess so", "i believe so",
)  # fmt: skip
# Often only a way to begin to speak: these give way to a no after them.
_WEAK_YES = (
    "ok(?:ay)?", "sure(?: thing)?", "al+ ?right", "right(?! (?:now|away|turn|side|hand))", "fine",
    "cool", "perfect", "great", "wonderful", "awesome", "excellent", "lovely",
    "(?:very )?good(?! (?:morning|afternoon|evening|night|day))", "nice", "terrific", "beautiful",
    "fantastic",
    "spot on",
)  # fmt: skip
_OPENING = (
    "oh",
    "oops",
    "sorry",
    "well",
    "um+",
    "uh(?!-)",
    "er+m?",
    "hm+",
    "ah",
    "i think",
    "thanks?(?: you)?",
    "so",
    "and",
    "hi",
    "hello",
    "please",
    "i said",
    "then",
)
# An opening before an answer; after a yes they take it back unless another answer follows.
_PAUSE = ("wait", "actually", "hold on", "hang on")  # fmt: skip

_LEXICON = (
    ("polite", _POLITE), ("no", _NO), ("yes", _YES), ("weak", _WEAK_YES), ("opening", _OPENING),
    ("pause", _PAUSE),
)  # fmt: skip
_LEAD = re.compile(
    r"\W*(?:"
    + "|".join(f"(?P<{kind}>{'|'.join(words)})" for kind, words in _LEXICON)
    + r")(?![\w'-])",
    re.IGNORECASE,
)
_SECOND_THOUGHT = re.compile(
    r"\b(?:but(?!,? (?:tell|can you (?:tell|give)))|except|however|although|though|"
    r"change|correction|wrong|(?<!to )(?<!the )(?<!is )(?<!can't )wait|actually|instead|not|"
    r"no(?! (?:issue|problem))|"
    r"isn't|don't|hold on|hang on|sorry|other than|apart from|make (?:it|that)|should be|need to|"
    r"unless|fix|moment|minute|seconds?|sec|let me(?! know)|did i)\b|"
    r"^(?:cancel|stop|quit|go back|start (?:over|again)|repeat)\b",
    re.IGNORECASE,
)

_COURTESY = (
    r"thanks?(?: you)?(?: (?:so|very) much)?", r"(?:for|with|to|by) (?:me|us)", "(?:very|so) much",
    r"(?:to |you can )?proceed(?: further)?", r"(?:please )?(?:book|send|submit|confirm)(?: it)?",
    r"(?:we're |i'm )?all set", "that(?:'s| is) (?:all|everything)",
    r"(?:that|it)(?:'?s| is) (?:just |exactly )?(?:what|the one|the \w+) i(?:'d| would)? "
    r"(?:like|want|need|said)", r"i(?:'d| would)? (?:really )?like (?:it|that)",
    r"(?:that|it|this)(?:'ll| will|'d| would) (?:work|do|be \w+)(?: well)?",
    r"(?:that |it |the )?(?:is|looks?|sounds?) (?:just |all |very |so )?"
    rf"(?:good|great|fine|perfect|acceptable|{_RIGHT})", "i(?:'d| would) like to confirm",
    "(?:that's|it's) exact", "on point",
    r"(?:(?:all (?:of )?)?(?:the|that|those|these|your|my) )?(?:information|details?)"
    rf"(?: you have)? (?:is|are|looks?|seems?|sounds?) (?:all )?{_RIGHT}",
    r"i(?:'d| would|'ll| will)? (?:like to )?(?:want|need|take|watch|play|buy|confirm)"
    r" (?:it|that|those|the same)(?= *(?:[.,?!]|$))", "perfectly", "finally",
    "no (?:issues?|problems?)(?: here)?",
    "i can't wait", "sounds like what (?:i|we) (?:want|need)", "most certainly", "further",
    "(?:play|try|add|reserve|buy) (?:it|that|those)(?= *(?:[.,?!]|$))", "(?:all of )?that's right",
    "(?:with|go on with) (?:the )?(?:booking|process)", "that(?:'s| is) the one(?: i want)?",
    "(?:it|that|i|you) (?:is|am|are|do|would)(?= *(?:[.,?!]|$))", "the same",
    *_WEAK_YES, "what i want", "as (?:it )?is", "please", "now",
    "too", "then", "all", "it", "that", "this", "a lot", "and", "so", "oh",
)  # fmt: skip
# What the caller wants to know besides; "what about the price" may be an objection.
_ASIDE = (
    r"(?:(?:and|but|also|so|by the way|just)\b,? *)*(?:"
    r"(?:(?:at|in|on|from|for|about) )?(?:where|when|who|how(?! about)|which|"
    r"what(?! (?:about|if|did)\b))(?:'s|s)?\b|"
    r"(?:is|are|was|were|do|does|did|has|have|will) (?:it|they|he|she|there|the|that|this|those|"
    r"their|you know|you have|you offer)\b|(?:(?:can|could|would|will) you )?(?:please )?(?:also )?"
    r"(?:tell|let|give|send|find|get|provide|grab|share) (?:me|us|their|the|out|who)\b|"
    r"(?:is|are) (?:\w+ ){1,4}(?:available|included|refundable)\b|"
    r"(?:may|can|could|would|shall) (?:i|they) (?:please )?(?:be able to )?(?:also )?"
    r"(?:know|get|see|have|do)\b|"
    r"i(?:'d| would| will|'ll)? (?:also )?(?:like|want|need) (?:to know|their)\b|"
    r"(?:i was )?(?:just |also )?wondering\b)[^.?!]*"
)
_FILLER = re.compile(
    rf"\W*(?:{_ASIDE}|{'|'.join((*_YES, *_COURTESY))})(?![\w'-])\W*", re.IGNORECASE
)


def split_yes_no(text: str) -> tuple[bool | None, str]:
    """The yes or no that `text` begins with, or None, and the words after it.

    The words are all of `text` where it begins with neither, and what follows the yes where a
    second thought takes it back: `(None, "but make it friday")`.
    """
    line = rest = tidy(text)
    answer, weak, paused = None, False, ""
    while match := _LEAD.match(rest):
        kind = match.lastgroup
        if kind == "pause":
            paused = paused or rest
        elif kind != "opening":
            said = kind != "no"
            if answer is not None and said != answer and not (weak and not said):
                return None, line
            weak = kind == "weak" and answer in (None, True) and (weak or answer is None)
            answer, paused = said, ""
        rest = rest[match.end() :]
    if answer is None:
        return None, line
    rest = (paused if answer and paused else rest).strip(" ,.;:!-?")
    return (None if answer and _SECOND_THOUGHT.search(rest) else answer), rest


def only_filler(rest: str) -> bool:
    """Whether the words after a yes leave it one: nothing, politeness, the yes in other words, or
    a question about something else ("yes, and where is it?")."""
    while match := _FILLER.match(rest):
        rest = rest[match.end() :]
    return not rest.strip(" ,.;:!-?")


def read_yes_no(text: str) -> bool | None:
    """Whether `text` says yes or no; None where it says neither, or both."""
    return split_yes_no(text)[0]
