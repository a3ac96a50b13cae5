"""Collect and process: what a turn means, and what that does to the form.

A turn may carry an event, keys, a program's answers and words. They count in this order; words are
interpreted only where nothing before them meant anything.
"""

from turnkeeper.contract import Turn
from turnkeeper.dialogue.collect import answer_to_field
from turnkeeper.dialogue.commands import COMMANDS, EVENTS
from turnkeeper.dialogue.draft import Draft
from turnkeeper.dialogue.meaning import MAX_HEARD, NOTHING, Hypothesis, Meaning, best, hypotheses
from turnkeeper.dialogue.phrases import phrases
from turnkeeper.dialogue.process import Offer, leave_out, read_backs, revisit, take
from turnkeeper.dialogue.questions import answer, answer_to_question, settle_question
from turnkeeper.dialogue.state import Question
from turnkeeper.dialogue.status import OPEN
from turnkeeper.dialogue.view import applies
from turnkeeper.forms.model import Field, Scalar
from turnkeeper.values import accept, read_dtmf


def interpret(draft: Draft, turn: Turn) -> None:
    """Do what a turn means. A program's answers make its words a record only, unless a question
    is open that the answers did not touch: "yes" beside what is known already is a yes."""
    before = draft.state.version
    if turn.event and not (turn.answers and turn.event in ("noinput", "nomatch")):
        EVENTS[turn.event](draft)
    if turn.dtmf is not None and draft.state.status in OPEN:
        _keys(draft, turn.dtmf.strip().removesuffix("#"))
    if turn.answers and draft.state.status in OPEN:
        _answers(draft, turn.answers, turn.confidence)
    touched = draft.state.version != before or draft.rejected or draft.says or draft.repeat
    record_only = turn.answers and (draft.state.question is None or _is_silent(turn))
    if not touched and not record_only:
        _words(draft, turn)


def _is_silent(turn: Turn) -> bool:
    spoken = (turn.text or "", *(row.text for row in turn.alternatives))
    return not any(words.strip() for words in spoken)


def _words(draft: Draft, turn: Turn) -> None:
    if _is_silent(turn):
        draft.miss("noinput")
        return
    question = draft.state.question
    meaning = best(hypotheses(turn), lambda heard: _mean(draft, question, heard))
    if meaning.command:
        COMMANDS[meaning.command].spoken(draft)
    elif meaning.weight == NOTHING:
        draft.miss("nomatch")
    elif question:
        answer(draft, meaning)
    elif meaning.revisit:
        revisit(draft, meaning.revisit)
    else:
        for offer in meaning.offers:
            take(draft, offer)


def _mean(draft: Draft, question: Question | None, heard: Hypothesis) -> Meaning:
    return answer_to_question(draft, question, heard) if question else answer_to_field(draft, heard)


def _keys(draft: Draft, keys: str) -> None:
    asked = draft.asked()
    if not keys:
        draft.miss("noinput")
    elif keys == "*":
        COMMANDS["repeat"].spoken(draft)
    elif draft.state.question is not None:
        _keys_to_question(draft, draft.state.question, keys)
    elif asked is not None:
        _keys_to_field(draft, asked, keys)


def _keys_to_question(draft: Draft, question: Question, keys: str) -> None:
    """1 is yes and 2 is no; more keys are another value for the field that is read back."""
    yes = {"1": True, "2": False}.get(keys)
    field = draft.form.field(question.field or "")
    if question.kind == "change":
        draft.miss("nomatch")
    elif yes is not None or field is None or len(keys) == 1:
        settle_question(draft, question, yes=yes)
    else:
        reading = read_dtmf(field, keys, draft.context)
        offers = (Offer(field, reading, "dtmf"),) if reading.kind == "value" else ()
        answer(draft, Meaning(offers=offers))


def _keys_to_field(draft: Draft, asked: Field, keys: str) -> None:
    reading = read_dtmf(asked, keys, draft.context)
    if reading.kind == "none":
        draft.miss("nomatch")
    else:
        take(draft, Offer(asked, reading, "dtmf"))


def _answers(draft: Draft, answers: dict[str, Scalar | None], confidence: float | None) -> None:
    """A program's values, in the form's order, so that a condition sees its field's new value."""
    for name in answers:
        if draft.form.field(name) is None:
            draft.reject(
                name[:MAX_HEARD], "unknown_field", phrases(draft.form.language)["unknown_field"]
            )
    for field in draft.form.fields:
        if field.name in answers:
            _answer(draft, field, answers[field.name], confidence)


def _answer(draft: Draft, field: Field, value: Scalar | None, confidence: float | None) -> None:
    if not may_apply(draft, field):
        say = phrases(draft.form.language)["not_applicable"].format(label=field.spoken_name)
        draft.reject(field.name, "not_applicable", say)
    elif value is not None:
        offer = Offer(field, accept(field, value, draft.context), "answers", confidence)
        if _pending(draft, field) or not _known(draft, field, offer.reading.value):
            take(draft, offer)
    elif field.required:
        say = phrases(draft.form.language)["required"].format(label=field.spoken_name)
        draft.reject(field.name, "required", say)
        draft.says.append(say)
    else:
        leave_out(draft, field)


def may_apply(draft: Draft, field: Field) -> bool:
    """Whether the field is asked, or will be once the waiting read-backs are confirmed."""
    question = draft.state.question
    waiting = (question, *question.then) if question else ()
    proposed = {q.field: q.answer.value for q in waiting if q.field and q.answer}
    return draft.applies(field) or applies(field, {**draft.state.values(), **proposed})


def _pending(draft: Draft, field: Field) -> bool:
    """Whether the field is asked again or a value of it waits for a yes: even the value that it
    has already is then an answer."""
    waiting = read_backs(draft.state.question)
    return draft.state.revisit == field.name or any(q.field == field.name for q in waiting)


def _known(draft: Draft, field: Field, value: Scalar | None) -> bool:
    old = draft.state.answers.get(field.name)
    return old is not None and value is not None and same(old.value, value)


def same(one: Scalar, other: Scalar) -> bool:
    """Equal and of one kind: True is not 1 in an answer."""
    return type(one) is type(other) and one == other
