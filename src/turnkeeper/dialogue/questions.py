"""The open question: what an utterance means to it, and what a yes and a no lead to."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from turnkeeper.dialogue.collect import named
from turnkeeper.dialogue.commands import COMMANDS, bare, cancel, command_to, start_over
from turnkeeper.dialogue.correct import correction_in, new_value
from turnkeeper.dialogue.draft import Draft, settle
from turnkeeper.dialogue.events import Filled, Moved, Questioned, Refused
from turnkeeper.dialogue.meaning import NOTHING, Hypothesis, Meaning
from turnkeeper.dialogue.process import Offer, close, open_waiting, propose_again, revisit, take
from turnkeeper.dialogue.state import Question, QuestionKind
from turnkeeper.dialogue.unnamed import is_all
from turnkeeper.forms.model import Field, FieldType
from turnkeeper.values import TYPES, read, split_yes_no
from turnkeeper.values.yes_no import only_filler

_KINDS: dict[FieldType, str] = {"digits": "number", "phone": "number", "postal_code": "number"}
"""Types that read the same words: where two fields of a kind could take them, neither does."""

_BUT = ("but", "except", "only", "apart from")

_ON = r"(?:(?:go|keep|carry)(?: on)?(?: going)?(?: with (?:it|that|this))?|continue|resume|keep it)"
_FINE = (
    r"(?:nothing(?: else| at all)?|no changes?|don't change (?:anything|it)|leave it as it is|"
    r"(?:it's|it is|that's|everything's|everything is|all is|all) (?:all )?(?:fine|good|right|ok|"
    r"okay|correct))"
)
_OWN_WORDS: dict[QuestionKind, tuple[tuple[re.Pattern[str], bool], ...]] = {
    "cancel": ((re.compile(rf"(?:i )?(?:don't|do not) (?:want to )?cancel(?: it)?|{_ON}"), False),),
    "start_over": ((re.compile(rf"(?:i )?(?:don't|do not) (?:want to )?start over|{_ON}"), False),),
    "stale": ((re.compile(_ON), True),),
    "change": ((re.compile(_FINE), False),),
}
"""Answers in a question's own words, and whether they are its yes: "keep going" is a no to "do you
want to cancel?"."""

# --- collect --------------------------------------------------------------------------------------


def answer_to_question(draft: Draft, question: Question, heard: Hypothesis) -> Meaning:
    """What an utterance means while a question is open: a command, yes or no, new values."""
    if command := command_to(draft, heard.text, None):
        return _command(question, command)
    if (own := _own_words(question, heard.text)) is not None:
        return Meaning(yes=own)
    yes, rest = split_yes_no(heard.text)
    if yes and (own := _own_words(question, rest)) is not None:
        return Meaning(yes=own)
    if yes is not False and (command := command_to(draft, rest, None)):
        return _command(question, command)
    if question.kind not in ("value", "final", "change"):
        return Meaning(yes=_plainly(yes, rest))
    return _with_values(draft, question, replace(heard, text=rest), yes)


def _own_words(question: Question, text: str) -> bool | None:
    """What an utterance in the question's own words says to it."""
    words = bare(text)
    table = _OWN_WORDS.get(question.kind, ())
    return next((yes for pattern, yes in table if pattern.fullmatch(words)), None)


def _plainly(yes: bool | None, rest: str) -> bool | None:
    """A yes counts only where nothing but politeness follows it."""
    return None if yes and not only_filler(rest) else yes


def _command(question: Question, command: str) -> Meaning:
    """To "do you want to cancel?", "cancel" is a yes and "never mind" a no."""
    if command == question.kind:
        return Meaning(yes=True)
    if command == "skip" and question.kind in ("change", "start_over", "cancel"):
        return Meaning(yes=False)
    return Meaning(command=command)


def _with_values(draft: Draft, question: Question, heard: Hypothesis, yes: bool | None) -> Meaning:
    """Yes or no, and what the other words change. "Yes, but" is no yes to a whole form."""
    correction = correction_in(heard.text)
    but = heard.text.lower().startswith(_BUT)
    corrects = yes is False or correction.marked or but or question.kind == "change"
    found = named(draft, heard, replace(correction, marked=corrects))
    if found is None and (yes is not True or not only_filler(heard.text)):
        found = _unnamed(draft, question, heard, correction.body, corrects=corrects)
    if found is None and yes and _disputes(draft, question, heard.text):
        return Meaning()
    if found is None:
        return Meaning(yes=False if but and question.kind == "final" else _plainly(yes, heard.text))
    return Meaning(
        yes=found.yes if yes is None else yes, offers=found.offers, revisit=found.revisit
    )


def _unnamed(
    draft: Draft, question: Question, heard: Hypothesis, words: str, *, corrects: bool
) -> Meaning | None:
    """Values without a name: for the field that is read back, or at the end for the only field of
    a type, where the words must be nothing but the value. A value that more than one field could
    take asks what to change."""
    words = _AT.sub("", new_value(words))
    own = question.kind == "value" and corrects
    read_as = [
        Offer(field, read(field, words, draft.context), "text", heard.confidence)
        for field in _candidates(draft, question, corrects=corrects)
    ]
    offers = [
        offer
        for offer in read_as
        if offer.reading.kind == "value"
        and (own or is_all(offer.field, offer.reading, words) or _is_known(draft, offer))
    ]
    if sure := _told_apart(offers):
        return Meaning(offers=tuple(sure))
    unsure = question.kind == "final" and bool(offers) and not _are_known(draft, offers)
    return Meaning(yes=False) if unsure else None


_AT = re.compile(r"^(?:(?:on|at|for|it's|it is|it was|make (?:it|that))\s+)+", re.IGNORECASE)
_MOMENTS: frozenset[FieldType] = frozenset({"date", "time"})


def _told_apart(offers: list[Offer]) -> list[Offer]:
    """The offers whose type no other one has; a number only where it is nothing else, digits only
    where the words are no date or time."""
    kinds = Counter(_KINDS.get(offer.field.type, offer.field.type) for offer in offers)
    moment = not _MOMENTS.isdisjoint(offer.field.type for offer in offers)
    return [
        offer
        for offer in offers
        if kinds[_KINDS.get(offer.field.type, offer.field.type)] == 1
        and not (moment and offer.field.type in _KINDS)
        and (offer.field.type != "number" or len(offers) == 1)
    ]


def _candidates(draft: Draft, question: Question, *, corrects: bool) -> list[Field]:
    """The fields that may take a value without their name; a secret never does at the end."""
    if question.kind == "value":
        fields = [field for field in draft.form.fields if field.name == question.field]
        return [field for field in fields if corrects or TYPES[field.type].strict]
    return [
        field
        for field in draft.form.fields
        if field.name in draft.state.answers
        and TYPES[field.type].strict
        and field.type != "boolean"
        and not field.secret
    ]


def _disputes(draft: Draft, question: Question, rest: str) -> bool:
    """Whether the words after a yes have another date: "yes, is it saturday?"."""
    offers = [
        Offer(field, read(field, rest, draft.context))
        for field in (_candidates(draft, question, corrects=False) if rest else [])
        if field.type == "date"
    ]
    told = [offer for offer in offers if offer.reading.kind == "value"]
    return question.kind == "final" and bool(told) and not _are_known(draft, told)


def _are_known(draft: Draft, offers: list[Offer]) -> bool:
    return any(_is_known(draft, offer) for offer in offers)


# --- process --------------------------------------------------------------------------------------


def answer(draft: Draft, meaning: Meaning) -> None:
    """Act on what was said to the open question."""
    question = draft.state.question
    if question is None:
        return
    if question.kind == "value":
        _answer_value(draft, question, meaning)
    elif meaning.revisit is not None:
        revisit(draft, meaning.revisit)
    elif changes := [offer for offer in meaning.offers if not _is_known(draft, offer)]:
        for offer in changes:
            take(draft, offer)
    else:
        settle_question(draft, question, yes=meaning.yes)


def _is_known(draft: Draft, offer: Offer) -> bool:
    """Whether a value is the one read back: "yes, the date is friday" is only a yes."""
    known = draft.state.answers.get(offer.field.name)
    return known is not None and known.value == offer.reading.value


def settle_question(draft: Draft, question: Question, *, yes: bool | None) -> None:
    """What a bare yes or no leads to; neither is a miss."""
    if yes is None:
        draft.miss("nomatch")
        return
    on_yes, on_no = _OUTCOMES[question.kind]
    (on_yes if yes else on_no)(draft, question)


def _answer_value(draft: Draft, question: Question, meaning: Meaning) -> None:
    """A yes, a no, or another value: read back again. The same value said again is a yes."""
    proposed = question.answer.value if question.answer else None
    own = [offer for offer in meaning.offers if offer.field.name == question.field]
    same = any(offer.reading.value == proposed for offer in own)
    yes = True if same and meaning.yes is None else meaning.yes
    if own and not same:
        propose_again(draft, own[0])
    elif own and yes is False:
        draft.miss("nomatch")
    elif yes is not None or meaning.weight == NOTHING:
        settle_question(draft, question, yes=yes)
    for offer in meaning.offers:
        if offer not in own:
            take(draft, offer)
    if meaning.revisit is not None and meaning.revisit.name != question.field:
        revisit(draft, meaning.revisit)


Outcome = Callable[[Draft, Question], None]


def _value_right(draft: Draft, question: Question) -> None:
    waiting = close(draft, yes=True)
    if question.field is not None and question.answer is not None:
        draft.add(Filled(field=question.field, answer=question.answer))
        settle(draft)
    open_waiting(draft, waiting)


def _value_wrong(draft: Draft, question: Question) -> None:
    waiting = close(draft, yes=False)
    field = draft.form.field(question.field or "")
    if field is not None:
        draft.add(Refused(field=field.name, code="disconfirmed"))
        if field.name in draft.state.answers:
            revisit(draft, field)
    draft.say("disconfirmed")
    open_waiting(draft, waiting)


def _all_right(draft: Draft, question: Question) -> None:
    close(draft, yes=True)
    draft.add(Moved(status="submitting"))


def _all_wrong(draft: Draft, question: Question) -> None:
    close(draft, yes=False)
    draft.add(Questioned(question=Question(kind="change")))


def _change_what(draft: Draft, question: Question) -> None:
    draft.miss("nomatch")


def _go_on(draft: Draft, question: Question) -> None:
    open_waiting(draft, close(draft, yes=question.kind == "stale"))


def _start_over(draft: Draft, question: Question) -> None:
    COMMANDS["start_over"].sent(draft)


def _cancel(draft: Draft, question: Question) -> None:
    close(draft, yes=True)
    cancel(draft)


def _begin_again(draft: Draft, question: Question) -> None:
    start_over(draft)


_OUTCOMES: dict[QuestionKind, tuple[Outcome, Outcome]] = {
    "value": (_value_right, _value_wrong),
    "final": (_all_right, _all_wrong),
    "change": (_change_what, _go_on),
    "start_over": (_start_over, _go_on),
    "cancel": (_cancel, _go_on),
    "stale": (_go_on, _begin_again),
}
"""By kind of question: what a yes does, what a no does."""
