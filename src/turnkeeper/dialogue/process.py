"""Process: fill a field, refuse a value, propose one for a read-back, skip, leave out.

The old answer of a field stands until a new one is valid and, where it is read back, confirmed.
"""

from dataclasses import dataclass

from turnkeeper.dialogue.draft import Draft, settle
from turnkeeper.dialogue.events import (
    Answered,
    Asked,
    Filled,
    Questioned,
    Refused,
    Removed,
    Skipped,
)
from turnkeeper.dialogue.phrases import PhraseName, phrases
from turnkeeper.dialogue.speak import listed, say_value
from turnkeeper.dialogue.state import Answer, Question, Source
from turnkeeper.forms.model import Field, Scalar
from turnkeeper.values import Reading, is_told

CONFIRM_BELOW = 0.50
"""`confirm: auto` reads a value back below this: VoiceXML's default `confidencelevel`."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A reading offered for a field."""

    field: Field
    reading: Reading
    source: Source = "text"
    confidence: float | None = None


def take(draft: Draft, offer: Offer) -> None:
    """Fill the field, read the value back first, or refuse it with its reason."""
    if offer.reading.kind != "value" or offer.reading.value is None:
        refuse(draft, offer)
        return
    answer = _answer(draft, offer, offer.reading.value)
    if needs_read_back(offer):
        propose(draft, offer.field, answer)
    else:
        store(draft, offer.field, answer)


def propose_again(draft: Draft, offer: Offer) -> None:
    """Another value for the field that is being read back; the first one was wrong."""
    if offer.reading.value is None:
        open_waiting(draft, close(draft, yes=False))
        refuse(draft, offer)
        return
    waiting = close(draft, yes=False)
    draft.add(Refused(field=offer.field.name, code="disconfirmed"))
    answer = _answer(draft, offer, offer.reading.value)
    question = Question(kind="value", field=offer.field.name, answer=answer, then=waiting)
    draft.add(Questioned(question=question))


def revisit(draft: Draft, field: Field) -> None:
    """Ask a field again, whatever question is open; its answer stands until there is a new one."""
    if draft.state.question is not None:
        open_waiting(draft, close(draft, None))
    draft.add(Asked(field=field.name, revisit=draft.settled(field)))


def _answer(draft: Draft, offer: Offer, value: Scalar) -> Answer:
    return Answer(
        value=value, heard=offer.reading.heard, source=offer.source, turn=draft.state.turns
    )


def needs_read_back(offer: Offer) -> bool:
    """Whether the caller must say yes to this value first. A yes to a value of which nothing is
    said aloud would confirm nothing."""
    if not is_told(offer.field) or offer.field.confirm == "never":
        return False
    unsure = offer.confidence is not None and offer.confidence < CONFIRM_BELOW
    return offer.field.confirm == "always" or unsure


def store(draft: Draft, field: Field, answer: Answer) -> None:
    """The field has this answer from now on; a correction is acknowledged."""
    old = draft.state.answers.get(field.name)
    draft.add(Filled(field=field.name, answer=answer))
    settle(draft)
    drop_proposal(draft, field)
    if old is None or old.value == answer.value:
        return
    if not is_told(field):
        draft.say("changed_secret", label=field.spoken_name)
    else:
        spoken = say_value(field, answer.value, draft.form)
        draft.say("changed", label=field.spoken_name, value=spoken)


def propose(draft: Draft, field: Field, answer: Answer) -> None:
    """Read a value back before it is taken; behind the read-backs that already wait."""
    proposal = Question(kind="value", field=field.name, answer=answer)
    current = draft.state.question
    if current is None or current.kind in ("final", "change"):
        question = proposal
    elif current.kind == "value" and current.field == field.name:
        question = proposal.model_copy(update={"then": current.then})
    else:
        others = tuple(waiting for waiting in current.then if waiting.field != field.name)
        question = current.model_copy(update={"then": (*others, proposal)})
    draft.add(Questioned(question=question))


def drop_proposal(draft: Draft, field: Field) -> None:
    """Forget a value of the field that waits for its read-back."""
    current = draft.state.question
    if current is None:
        return
    if current.kind == "value" and current.field == field.name:
        open_waiting(draft, close(draft, None))
    elif any(waiting.field == field.name for waiting in current.then):
        kept = tuple(waiting for waiting in current.then if waiting.field != field.name)
        draft.add(Questioned(question=current.model_copy(update={"then": kept})))


def read_backs(question: Question | None) -> tuple[Question, ...]:
    """The values that wait for a yes, the one that is read back now first: what another question
    must keep while it interrupts."""
    if question is None:
        return ()
    own = (question.model_copy(update={"then": ()}),) if question.kind == "value" else ()
    return (*own, *question.then)


def close(draft: Draft, yes: bool | None) -> tuple[Question, ...]:
    """Settle the open question; gives the read-backs that waited behind it."""
    waiting = draft.state.question.then if draft.state.question else ()
    draft.add(Answered(yes=yes))
    return waiting


def open_waiting(draft: Draft, waiting: tuple[Question, ...]) -> None:
    """Open the first of the waiting read-backs whose field still applies."""
    applicable = [question for question in waiting if _still_applies(draft, question)]
    if applicable:
        first, *then = applicable
        draft.add(Questioned(question=first.model_copy(update={"then": tuple(then)})))


def _still_applies(draft: Draft, question: Question) -> bool:
    field = draft.form.field(question.field or "")
    return field is not None and draft.applies(field)


def refuse(draft: Draft, offer: Offer) -> None:
    """Say why a value was not taken; the answer that the field had stands."""
    code, reason = reason_against(draft, offer)
    draft.reject(offer.field.name, code, reason)
    draft.says.append(reason)
    draft.add(Refused(field=offer.field.name, code=code))
    if offer.source != "answers" and offer.field.name in draft.state.answers:
        revisit(draft, offer.field)


_REASONS: dict[str, tuple[str, PhraseName]] = {
    "partial": ("incomplete", "incomplete"),
    "none": ("not_understood", "not_understood"),
    "refused": ("refused", "not_taken"),
    "value": ("refused", "not_taken"),
}


def reason_against(draft: Draft, offer: Offer) -> tuple[str, str]:
    """The code and the sentence for a reading that is not a value."""
    reading, field, table = offer.reading, offer.field, phrases(draft.form.language)
    if reading.kind == "candidates":
        spoken = [say_value(field, value, draft.form) for value in reading.candidates[:4]]
        if len(set(spoken)) == len(spoken):  # Masks of two values may be one.
            return "ambiguous", table["which"].format(options=listed(spoken, table["or"]))
        return "incomplete", table["incomplete"].format(label=field.spoken_name)
    if reading.refusal:
        return reading.refusal.code, reading.refusal.say
    code, name = _REASONS[reading.kind]
    return code, table[name].format(label=field.spoken_name)


def leave_out(draft: Draft, field: Field) -> None:
    """Skip an optional field: its default becomes the answer, else it has none."""
    if field.default is not None:
        default = Answer(value=field.default, source="default", turn=draft.state.turns)
        draft.add(Filled(field=field.name, answer=default))
    else:
        if field.name in draft.state.answers or field.name in draft.state.shelved:
            draft.add(Removed(field=field.name))
        draft.add(Skipped(field=field.name))
    settle(draft)
    drop_proposal(draft, field)
