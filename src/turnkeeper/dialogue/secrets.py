"""Secrets leave no words behind: of a turn in which one was said, `***` is kept as heard.

The value alone is kept, for delivery. What may hold a secret is hidden with it: whatever is said
while one is asked, also a number that was too short; a secret that is named, offered or corrected
while another field is asked; and keys or words that fit a secret and nothing else.
"""

from turnkeeper.contract import Turn
from turnkeeper.dialogue.correct import correction_in
from turnkeeper.dialogue.draft import Draft
from turnkeeper.dialogue.events import Begun, Event, Filled, Questioned, Refused, TurnTaken
from turnkeeper.dialogue.labels import segments
from turnkeeper.dialogue.meaning import MAX_HEARD
from turnkeeper.dialogue.state import Answer, Question
from turnkeeper.dialogue.unnamed import secret_just_given
from turnkeeper.dialogue.view import SECRET
from turnkeeper.forms.model import Field
from turnkeeper.values import TYPES, read, read_dtmf


def conceal(draft: Draft, turn: Turn) -> None:
    """Hide the words of a turn in which a secret was, or may have been, said or keyed."""
    asked, words = draft.form.field(draft.before.field or ""), _words(turn)
    if not (words or turn.dtmf or turn.answers):
        return
    was_asked = asked is not None and asked.secret
    if asked is not None and was_asked and words and asked.name not in draft.recorded():
        draft.add(Begun(words=words[0][:MAX_HEARD]))
    if was_asked or mentions_secret(draft, turn):
        hide(draft)


def hide(draft: Draft) -> None:
    """Put `***` in the place of all that was heard in this turn; of silence there is nothing."""
    draft.events = [_hidden(event) for event in draft.events]


def mentions_secret(draft: Draft, turn: Turn) -> bool:
    """Whether a secret was, or may have been, said or keyed though it was not asked."""
    secret, words = [field for field in draft.form.fields if field.secret], _words(turn)
    names = {field.name for field in secret}
    offered = {event.field for event in draft.events if isinstance(event, Filled | Refused)}
    offered |= {row.field for row in draft.rejected} | turn.answers.keys()
    return (
        not names.isdisjoint(offered)
        or any(_is_named(draft, text, names) or _corrects(draft, text) for text in words)
        or (not draft.recorded() and _fits(draft, turn, words, secret))
    )


def _words(turn: Turn) -> list[str]:
    return [text for text in (turn.text, *(row.text for row in turn.alternatives)) if text]


def _is_named(draft: Draft, text: str, names: set[str]) -> bool:
    """ "my pin is ..." while something else is asked, whether or not the pin was understood."""
    found = segments(draft.form.fields, text)
    return any(segment.field.name in names and segment.words for segment in found)


def _corrects(draft: Draft, text: str) -> bool:
    """ "no wait, 9875" after a secret: it may be corrected so, whatever becomes of the words."""
    correction = correction_in(text)
    corrected = correction.marked or correction.plain_no
    return corrected and secret_just_given(draft) is not None


def _fits(draft: Draft, turn: Turn, words: list[str], secret: list[Field]) -> bool:
    """Whether what filled nothing reads as a secret, or as a part of one."""
    context = draft.context
    readings = [
        reading
        for field in secret
        if TYPES[field.type].strict
        for reading in (
            *(read(field, text, context) for text in words),
            *([read_dtmf(field, turn.dtmf, context)] if turn.dtmf else []),
        )
    ]
    return any(reading.kind in ("value", "candidates", "partial") for reading in readings)


def _hidden(event: Event) -> Event:
    match event:
        case TurnTaken():
            return event.model_copy(update={"heard": event.heard and SECRET})
        case Filled():
            return event.model_copy(update={"answer": _silent(event.answer)})
        case Questioned():
            return event.model_copy(update={"question": _unheard(event.question)})
    return event


def _unheard(question: Question) -> Question:
    answer = _silent(question.answer) if question.answer else None
    waiting = tuple(_unheard(then) for then in question.then)
    return question.model_copy(update={"answer": answer, "then": waiting})


def _silent(answer: Answer) -> Answer:
    return answer.model_copy(update={"heard": SECRET}) if answer.heard else answer
