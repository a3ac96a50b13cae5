"""The open question: what an utterance means to it, and what a yes and a no lead to."""

from collections.abc import Callable
from dataclasses import replace

from turnkeeper.dialogue.collect import NOTHING, Hypothesis, Meaning, named
from turnkeeper.dialogue.commands import COMMANDS, cancel, command_in, start_over
from turnkeeper.dialogue.correct import correction_in, new_value
from turnkeeper.dialogue.draft import Draft, settle
from turnkeeper.dialogue.events import Filled, Moved, Questioned, Refused
from turnkeeper.dialogue.process import Offer, close, open_waiting, propose_again, revisit, take
from turnkeeper.dialogue.state import Question, QuestionKind
from turnkeeper.values import TYPES, read, split_yes_no

_BUT = ("but", "except", "only", "apart from")

# --- collect --------------------------------------------------------------------------------------


def answer_to_question(draft: Draft, heard: Hypothesis) -> Meaning:
    """What an utterance means while a question is open: a command, yes or no, new values."""
    question = draft.state.question
    assert question is not None
    if command := command_in(heard.text, None):
        return _command(question, command)
    yes, rest = split_yes_no(heard.text)
    if question.kind not in ("value", "final", "change"):
        return Meaning(yes=yes)
    return _with_values(draft, question, heard, yes, rest)


def _command(question: Question, command: str) -> Meaning:
    """To "do you want to cancel?", "cancel" is a yes and "never mind" a no."""
    if command == question.kind:
        return Meaning(yes=True)
    if command == "skip" and question.kind in ("change", "start_over", "cancel"):
        return Meaning(yes=False)
    return Meaning(command=command)


def _with_values(
    draft: Draft, question: Question, heard: Hypothesis, yes: bool | None, rest: str
) -> Meaning:
    words = rest if yes is not None else heard.text
    correction = correction_in(words)
    but = words.lower().startswith(_BUT)
    corrects = yes is False or correction.marked or but or question.kind == "change"
    found = named(draft, heard, replace(correction, marked=corrects))
    if found is None and (yes is None or corrects):
        found = _unnamed(draft, question, heard, correction.body, corrects=corrects)
    if found is None:
        return Meaning(yes=False if yes and but else yes)
    return Meaning(yes=yes, offers=found.offers, revisit=found.revisit)


def _unnamed(
    draft: Draft, question: Question, heard: Hypothesis, words: str, *, corrects: bool
) -> Meaning | None:
    """A value without a name: for the field that is read back, or the only one that can take it."""
    words = new_value(words)
    if not words:
        return None
    if question.kind == "value":
        fields = [field for field in draft.form.fields if field.name == question.field]
    else:
        fields = [field for field in draft.form.fields if field.name in draft.state.answers]
    offers = []
    for field in fields:
        if not TYPES[field.type].strict and not (corrects and question.kind == "value"):
            continue
        reading = read(field, words, draft.context)
        if reading.kind == "value" and not reading.rest and field.type != "boolean":
            offers.append(Offer(field, reading, "text", heard.confidence))
    return Meaning(offers=tuple(offers)) if len(offers) == 1 else None


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
    elif meaning.offers:
        for offer in meaning.offers:
            take(draft, offer)
    else:
        settle_question(draft, question, yes=meaning.yes)


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
