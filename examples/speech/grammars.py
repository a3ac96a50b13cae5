"""What may be said next, as a grammar: a recogniser that expects little hears better.

A reply says what its question takes (`Reply.expects`: type, choices, digits). VoiceXML has a
built-in grammar for each such type (VoiceXML 2.0, appendix P: boolean, date, digits, number, phone,
time), and so has this module, in JSGF. A free text has none: what may be said there is known to
whoever wrote the form, and `INCIDENT` is what was written for this one.
"""

from collections.abc import Callable, Mapping, Sequence

from turnkeeper.contract import Expects

COMMANDS = "skip | repeat that | go back | help"
"""May be said to any question; Turnkeeper knows more of them."""

PHONE_DIGITS = 10
ZIP_DIGITS = 5
"""National lengths (North American Numbering Plan; US ZIP code): `expects` has no digits there."""

ORDINALS = (
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth",
    "eleventh", "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth",
    "eighteenth", "nineteenth", "twentieth", "twenty first", "twenty second", "twenty third",
    "twenty fourth", "twenty fifth", "twenty sixth", "twenty seventh", "twenty eighth",
    "twenty ninth", "thirtieth", "thirty first",
)  # fmt: skip

RULES = f"""
<digit> = zero | oh | one | two | three | four | five | six | seven | eight | nine;
<hour> = one | two | three | four | five | six | seven | eight | nine | ten | eleven | twelve;
<minute> = o'clock | ten | fifteen | twenty | thirty | forty | forty five | fifty;
<weekday> = monday | tuesday | wednesday | thursday | friday | saturday | sunday;
<month> = january | february | march | april | may | june | july | august | september | october
  | november | december;
<ordinal> = {" | ".join(ORDINALS)};
<day> = today | yesterday | [on | last] <weekday> | [on] <month> [the] <ordinal>;
<clock> = <hour> [<minute>] | half past <hour> | quarter past <hour>;
<who> = i | we | someone | somebody | another car | the other car | a truck | the car behind me;
<did> = hit | ran into | backed into | crashed into | bumped into | scraped;
<whom> = me | us | my car | the (back | front | side) of my car | another car | a truck | a tree
  | a wall | a deer | the car in front of me;
<where> = at a (red light | stop sign | crossing) | on the highway
  | in (the rain | the dark | the snow | a parking lot);
"""

YES_NO = "yes [it is | it can | that is right] | no [nobody was | it can not | that is wrong]"
INCIDENT = "<who> <did> <whom> [<where>]"
"""Some five thousand sentences."""


def grammar(expects: Expects | None, labels: Sequence[str]) -> str:
    """The JSGF grammar for the answer to a question.

    `expects` is the reply's. None is the question what to change: `labels`, the names of the form's
    fields, are its answers.
    """
    answers = _changes(labels) if expects is None else _ANSWERS[expects.type](expects)
    public = " | ".join(filter(None, (answers, COMMANDS)))
    return f"#JSGF V1.0;\ngrammar answers;\n{RULES}\npublic <answer> = {public};\n"


def _changes(labels: Sequence[str]) -> str:
    return f"[the] ({' | '.join(labels)})"


def _digits(expects: Expects) -> str:
    """Exactly as many as the field takes: with the count left open, they are often misheard."""
    fewest = expects.min_digits or 1
    return _in_a_row(fewest, (expects.max_digits or fewest) - fewest)


def _in_a_row(count: int, more: int = 0) -> str:
    optional = " [<digit>" * more + "]" * more
    return " ".join(["<digit>"] * count) + optional


def _choices(expects: Expects) -> str:
    return f"[it was] [a | an] ({' | '.join(one.replace('_', ' ') for one in expects.choices)})"


def _fixed(answers: str) -> Callable[[Expects], str]:
    return lambda expects: answers


_ANSWERS: Mapping[str, Callable[[Expects], str]] = {
    "boolean": _fixed(YES_NO),
    "choice": _choices,
    "confirmation": _fixed(YES_NO),
    "date": _fixed("[it was] <day>"),
    "digits": _digits,
    "email": _fixed(""),  # Letters sound alike: an address is keyed, or left out.
    "name": _fixed(""),
    "number": _fixed("<hour>"),
    "phone": _fixed(_in_a_row(PHONE_DIGITS)),
    "postal_code": _fixed(_in_a_row(ZIP_DIGITS)),
    "text": _fixed(INCIDENT),
    "time": _fixed("[at | around] <clock> [in the (morning | afternoon | evening)]"),
}
"""By `Expects.type`."""
