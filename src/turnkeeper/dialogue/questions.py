"""The open question: what an utterance means to it, and what a yes and a no lead to."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from turnkeeper.dialogue.collect import NOTHING, Hypothesis, Meaning, named
from turnkeeper.dialogue.commands import COMMANDS, cancel, command_in, start_over
from turnkeeper.dialogue.correct import correction_in, new_value
from turnkeeper.dialogue.draft import Draft, settle
from turnkeeper.dialogue.events import Filled, Moved, Questioned, Refused
from turnkeeper.dialogue.process import Offer, close, open_waiting, propose_again, revisit, take
from turnkeeper.dialogue.state import Question, QuestionKind
from turnkeeper.forms.model import Field, FieldType
from turnkeeper.values import TYPES, read, split_yes_no

MAX_NUMBER_WORDS = 4
"""A number in a longer sentence may count anything: a street number is no number of seats."""

_KINDS: dict[FieldType, str] = {"digits": "number", "phone": "number", "postal_code": "number"}
"""Types that read the same words: where two fields of a kind could take them, neither does."""

_BUT = ("but", "except", "only", "apart from")

# --- collect --------------------------------------------------------------------------------------


def answer_to_question(draft: Draft, question: Question, heard: Hypothesis) -> Meaning:
    """What an utterance means while a question is open: a command, yes or no, new values."""
    if command := command_in(heard.text, None):
        return _command(question, command)
    yes, rest = split_yes_no(heard.text)
    if question.kind not in ("value", "final", "change"):
        return Meaning(yes=yes)
    return _with_values(draft, question, replace(heard, text=rest), yes)


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
    if found is None and (yes is None or corrects):
        found = _unnamed(draft, question, heard, correction.body, corrects=corrects)
    if found is None:
        return Meaning(yes=False if but and question.kind == "final" else yes)
    return Meaning(yes=yes, offers=found.offers, revisit=found.revisit)


def _unnamed(
    draft: Draft, question: Question, heard: Hypothesis, words: str, *, corrects: bool
) -> Meaning | None:
    """Values without a name: for the field that is read back, or at the end for the only field of
    a type. Where nothing says that this corrects, the words must be nothing but the value."""
    words = new_value(words)
    offers = [
        Offer(field, reading, "text", heard.confidence)
        for field in _candidates(draft, question, corrects=corrects)
        if (reading := read(field, words, draft.context)).kind == "value"
        and (corrects or not reading.rest)
    ]
    sure = _told_apart(offers, len(words.split()))
    return Meaning(offers=tuple(sure)) if sure else None


def _told_apart(offers: list[Offer], words: int) -> list[Offer]:
    """The offers whose type no other one has; a number only where it is all that was said."""
    kinds = Counter(_KINDS.get(offer.field.type, offer.field.type) for offer in offers)
    return [
        offer
        for offer in offers
        if kinds[_KINDS.get(offer.field.type, offer.field.type)] == 1
        and (offer.field.type != "number" or (words <= MAX_NUMBER_WORDS and len(offers) == 1))
    ]


def _candidates(draft: Draft, question: Question, *, corrects: bool) -> list[Field]:
    if question.kind == "value":
        fields = [field for field in draft.form.fields if field.name == question.field]
        return [field for field in fields if corrects or TYPES[field.type].strict]
    return [
        field
        for field in draft.form.fields
        if field.name in draft.state.answers
        and TYPES[field.type].strict
        and field.type != "boolean"
    ]


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
