"""The form interpretation algorithm (VoiceXML 2.1, section 2.1.6 and appendix C), pure.

    collect   what the input means: a command, a yes or no, values for fields
    process   fill, refuse, propose, correct, skip; answers whose condition fell are put away
    select    the field that is asked again, else the first one that is missing, else the final
              read-back, else submit
    speak     reasons and acknowledgements, then the prompt

`decide` gives the events that happened and the reply; it never raises for any input, and the same
form, state, input and context give the same decision.
"""

from turnkeeper.contract import Cancel, Connect, HandOff, Put, Status, Turn
from turnkeeper.dialogue.collect import MAX_HEARD
from turnkeeper.dialogue.commands import cancel, start_over
from turnkeeper.dialogue.draft import Draft, settle
from turnkeeper.dialogue.events import (
    Answered,
    Asked,
    Connected,
    Decision,
    Filled,
    Moved,
    Questioned,
    Removed,
    Said,
    TurnTaken,
)
from turnkeeper.dialogue.interpret import interpret, may_apply, same
from turnkeeper.dialogue.phrases import phrases
from turnkeeper.dialogue.process import Offer, read_backs, reason_against
from turnkeeper.dialogue.speak import (
    STANDING,
    bounded,
    goodbye,
    greeting,
    prompt,
    question_prompt,
    reply,
    welcome_back,
)
from turnkeeper.dialogue.state import Answer, DialogueState, Question
from turnkeeper.dialogue.status import MOVES, OPEN
from turnkeeper.forms.model import Form, Scalar
from turnkeeper.values import Context, accept


def decide(
    form: Form,
    state: DialogueState,
    heard: Connect | Turn | Put | Cancel | HandOff,
    context: Context,
) -> Decision:
    """What `heard` leads to. `context` has the caller's time, region and language.

    The events begin with `Connected` or `TurnTaken` and end with `Said`. What the session's status
    does not allow leads to no events.
    """
    draft = Draft(form, state, context)
    match heard:
        case Connect():
            return _connect(draft)
        case Turn():
            return _turn(draft, heard)
        case Put():
            return _put(draft, heard)
        case Cancel():
            return _cancel(draft, heard)
        case HandOff():
            return _hand_off(draft, heard)


# --- the five messages ----------------------------------------------------------------------------


def _connect(draft: Draft) -> Decision:
    restored = bool(draft.state.answers or draft.state.shelved)
    draft.add(Connected(at=draft.at))
    if draft.state.status == "handed_off":  # The caller is back, and no person has finished it.
        draft.add(Moved(status="collecting"))
    if draft.state.status in OPEN:
        if restored:
            _come_back(draft)
        else:
            draft.says.append(greeting(draft))
        _select(draft)
    return _finish(draft, restored=restored)


def _come_back(draft: Draft) -> None:
    stale = _is_stale(draft)
    if stale and draft.form.stale.policy == "restart":
        start_over(draft)
        draft.says[:] = [greeting(draft)]
        return
    draft.says.append(welcome_back(draft))
    if stale and draft.form.stale.policy == "ask":
        waiting = read_backs(draft.state.question)
        draft.add(Questioned(question=Question(kind="stale", then=waiting)))


def _is_stale(draft: Draft) -> bool:
    after, last = draft.form.stale.after, draft.before.updated_at
    return after is not None and last is not None and draft.context.now - last >= after


def _turn(draft: Draft, turn: Turn) -> Decision:
    if draft.state.status not in OPEN:
        return _refused(draft)
    _take_turn(draft, turn.leg, turn.utterance_id, _heard(turn))
    interpret(draft, turn)
    settle(draft)
    _select(draft)
    return _finish(draft)


def _put(draft: Draft, put: Put) -> Decision:
    if draft.state.status not in OPEN:
        return _refused(draft)
    _take_turn(draft, 0, put.request_id, put.last_turn or "")
    for name, value in put.form_answers.items():
        _put_value(draft, name, value)
    for name in draft.state.values():
        if put.form_answers.get(name) is None:
            draft.add(Removed(field=name))
    settle(draft)
    _select(draft)
    return _finish(draft)


def _put_value(draft: Draft, name: str, value: Scalar | None) -> None:
    if value is None:
        return
    old = draft.state.answers.get(name)
    field = draft.form.field(name)
    if field is not None:
        offer = Offer(field, accept(field, value, draft.context), "answers")
        if offer.reading.kind != "value" or offer.reading.value is None:
            draft.reject(name, *reason_against(draft, offer))
            return
        value = offer.reading.value
    elif draft.form.fields:
        draft.reject(name, "unknown_field", phrases(draft.form.language)["unknown_field"])
        return
    if old is None or not same(old.value, value):
        answer = Answer(value=value, source="answers", turn=draft.state.turns)
        draft.add(Filled(field=name, answer=answer))


def _cancel(draft: Draft, request: Cancel) -> Decision:
    if "cancelled" not in MOVES[draft.state.status]:
        return _refused(draft)
    _take_turn(draft, 0, request.request_id, "")
    cancel(draft)
    return _finish(draft)


def _hand_off(draft: Draft, request: HandOff) -> Decision:
    if "handed_off" not in MOVES[draft.state.status]:
        return _refused(draft)
    _take_turn(draft, 0, request.request_id, "")
    draft.add(Moved(status="handed_off"))
    return _finish(draft)


def _take_turn(draft: Draft, leg: int, utterance_id: str, heard: str) -> None:
    draft.add(TurnTaken(leg=leg, utterance_id=utterance_id, heard=heard[:MAX_HEARD], at=draft.at))


def _heard(turn: Turn) -> str:
    first = turn.alternatives[0].text if turn.alternatives else ""
    return turn.text or first or turn.dtmf or (turn.event or "")


# --- select ---------------------------------------------------------------------------------------


def _select(draft: Draft) -> None:
    """Open what is asked next, or submit."""
    _drop_void_question(draft)
    state = draft.state
    if state.status not in OPEN or not draft.form.fields:
        return
    if state.question is None:
        _select_field(draft)
    _move(draft)


def _drop_void_question(draft: Draft) -> None:
    question = draft.state.question
    if question is None or question.kind != "value":
        return
    field = draft.form.field(question.field or "")
    if field is None or not may_apply(draft, field):
        draft.add(Answered())


def _select_field(draft: Draft) -> None:
    state, missing = draft.state, draft.missing()
    again = draft.form.field(state.revisit) if state.revisit else None
    if again is not None and draft.settled(again) and draft.applies(again):
        _ask(draft, again.name, revisit=True)
    elif missing:
        _ask(draft, missing[0].name)
    elif draft.form.confirm:
        _ask(draft, None)
        draft.add(Questioned(question=Question(kind="final")))
    else:
        _ask(draft, None)
        draft.add(Moved(status="submitting"))


def _ask(draft: Draft, name: str | None, *, revisit: bool = False) -> None:
    if draft.state.field != name or draft.state.revisit != (name if revisit else None):
        draft.add(Asked(field=name, revisit=revisit))


def _move(draft: Draft) -> None:
    """`confirming` while the whole form is read back or changed, `collecting` otherwise. Whether to
    cancel, start over or go on is asked in either."""
    question, status = draft.state.question, draft.state.status
    if status not in OPEN:
        return
    kind = question.kind if question else None
    at_the_end = kind in ("final", "change") or (
        kind in ("start_over", "cancel", "stale") and status == "confirming" and not draft.missing()
    )
    wanted: Status = "confirming" if at_the_end else "collecting"
    if status != wanted:
        draft.add(Moved(status=wanted))


# --- speak ----------------------------------------------------------------------------------------


def _finish(draft: Draft, *, restored: bool = False) -> Decision:
    """Say what is to be said, and close the decision."""
    draft.add(Said(text=_say(draft)))
    return Decision(at=draft.at, events=tuple(draft.events), reply=reply(draft, restored=restored))


def _say(draft: Draft) -> str:
    state = draft.state
    if draft.repeat and draft.before.said:
        return draft.before.said
    if not draft.form.fields and state.status in OPEN:
        return ""
    return bounded([*draft.says, _prompt(draft)])


def _prompt(draft: Draft) -> str:
    state, asked = draft.state, draft.asked()
    if state.status == "submitting" and draft.before.status in OPEN:
        return goodbye(draft)
    if state.status == "handed_off" and draft.before.status in OPEN:
        return phrases(draft.form.language)["hand_off"]
    if state.status in STANDING:
        return phrases(draft.form.language)[STANDING[state.status]]
    if state.question is not None:
        return question_prompt(draft, state.question)
    return prompt(draft, asked) if asked else ""


def _refused(draft: Draft) -> Decision:
    """A session that takes no turns says how it stands; nothing changes."""
    said = (
        phrases(draft.form.language)[STANDING[draft.state.status]]
        if (draft.state.status in STANDING)
        else ""
    )
    return Decision(at=draft.at, reply=reply(draft).model_copy(update={"say": said}))
