"""The form interpretation algorithm (VoiceXML 2.1, section 2.1.6 and appendix C), pure.

    collect   what the input means: a command, a yes or no, values for fields
    process   fill, refuse, propose, correct, skip; answers whose condition fell are put away
    select    the field that is asked again, else the first one that is missing, else the final
              read-back, else submit
    speak     reasons and acknowledgements, then the prompt

`decide` gives the events that happened and the reply; it never raises for any input, and the same
form, state, input and context give the same decision.
"""

from datetime import datetime

from turnkeeper.contract import Cancel, Connect, HandOff, Put, Reply, Turn
from turnkeeper.dialogue import verify
from turnkeeper.dialogue.commands import cancel, start_over
from turnkeeper.dialogue.door import agree, entrance, neutral
from turnkeeper.dialogue.draft import Draft, settle
from turnkeeper.dialogue.events import (
    BegunAnew,
    Connected,
    Decision,
    Filled,
    Forgiven,
    Guarded,
    Moved,
    NotVerified,
    Questioned,
    Removed,
    Said,
    TurnTaken,
    Unguarded,
)
from turnkeeper.dialogue.evolve import fold
from turnkeeper.dialogue.interpret import interpret, same
from turnkeeper.dialogue.meaning import MAX_HEARD
from turnkeeper.dialogue.phrases import phrases
from turnkeeper.dialogue.process import Offer, read_backs, reason_against
from turnkeeper.dialogue.secrets import conceal, hide, mentions_secret
from turnkeeper.dialogue.select import select
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
from turnkeeper.dialogue.state import Answer, DialogueState, Door, Question
from turnkeeper.dialogue.status import MOVES, OPEN, may_hand_off, takes_turns
from turnkeeper.dialogue.view import SECRET
from turnkeeper.forms.model import Field, Form, Scalar
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
    if verify.guards(draft.form, draft.state):
        return _knock(draft)
    _take_back(draft)
    if draft.state.status in OPEN:
        if restored:
            _come_back(draft)
        else:
            draft.says.append(greeting(draft))
        select(draft)
    return _finish(draft, restored=restored)


def _take_back(draft: Draft) -> None:
    """The caller is back, and no person has finished the form."""
    if draft.state.status == "handed_off":
        draft.add(Moved(status="collecting"))


def _come_back(draft: Draft) -> None:
    stale = _is_stale(draft)
    if _restarts(draft):
        _begin_anew(draft)
        return
    draft.says.append(welcome_back(draft))
    if stale and draft.form.stale.policy == "ask":
        waiting = read_backs(draft.state.question)
        draft.add(Questioned(question=Question(kind="stale", then=waiting)))


def _begin_anew(draft: Draft) -> None:
    """As for a new caller; what was answered is kept as `discarded`."""
    start_over(draft)
    if draft.state.door is not None:
        draft.add(Unguarded())
    if draft.form.resume is not None:
        draft.add(BegunAnew(at=draft.at))
    draft.says[:] = [greeting(draft)]


def _restarts(draft: Draft) -> bool:
    return draft.form.stale.policy == "restart" and _is_stale(draft)


def _is_stale(draft: Draft) -> bool:
    after, last = draft.form.stale.after, _last_worked_on(draft.before)
    return after is not None and last is not None and draft.context.now - last >= after


def _last_worked_on(state: DialogueState) -> datetime | None:
    return state.door.since if state.door else state.updated_at


def _turn(draft: Draft, turn: Turn) -> Decision:
    if not takes_turns(draft.state):
        return _refused(draft)
    _take_turn(draft, turn.leg, turn.utterance_id, _heard(turn))
    if draft.state.door is not None:
        return _at_the_door(draft, draft.state.door, turn)
    interpret(draft, turn)
    settle(draft)
    select(draft)
    conceal(draft, turn)
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
    select(draft)
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
    if not may_hand_off(draft.state, request):
        return _refused(draft)
    _take_turn(draft, 0, request.request_id, "")
    if request.unlock:
        draft.add(Forgiven())
    _give_to_a_person(draft)
    return _finish(draft)


def _give_to_a_person(draft: Draft) -> None:
    """The form, and whoever is on the line: nobody is asked anything until the next call."""
    door = draft.state.door
    if door is not None and door.asking:
        draft.add(Guarded(door=door.model_copy(update={"asking": False})))
    if draft.state.status != "handed_off":
        draft.add(Moved(status="handed_off"))


def _take_turn(draft: Draft, leg: int, utterance_id: str, heard: str) -> None:
    draft.add(TurnTaken(leg=leg, utterance_id=utterance_id, heard=heard[:MAX_HEARD], at=draft.at))


def _heard(turn: Turn) -> str:
    first = turn.alternatives[0].text if turn.alternatives else ""
    return turn.text or first or turn.dtmf or (turn.event or "")


# --- at the door (turnkeeper.dialogue.verify) -----------------------------------------------------


def _knock(draft: Draft) -> Decision:
    """Somebody is back: they are asked what lets them in, in the words for a new caller."""
    door = Door(dialogue=DialogueState(), since=_last_worked_on(draft.before))
    if draft.state.status not in OPEN | {"handed_off"}:
        draft.add(Guarded(door=door))
        return _finish(draft)
    if not verify.recorded(draft.form, draft.state) or _restarts(draft):
        _take_back(draft)
        _begin_anew(draft)  # Nothing shows whose answers there are, so nobody may hear them.
        select(draft)
        return _finish(draft)
    door = door.model_copy(update={"asking": True})
    return _at_the_door(draft, door, Connect(connect_id=""))


def _at_the_door(draft: Draft, door: Door, heard: Connect | Turn) -> Decision:
    """Go on with the door's own dialogue; when it has all that it asks for, compare."""
    form, shut = entrance(draft.form), verify.is_shut(draft.form, draft.state, draft.context.now)
    asked = decide(form, door.dialogue, heard, draft.context)
    dialogue = fold(door.dialogue, asked.events)
    guess_at_secret = _is_hidden(dialogue) or (shut and any(field.secret for field in form.fields))
    if isinstance(heard, Turn) and (guess_at_secret or mentions_secret(draft, heard)):
        hide(draft)
    if shut:
        return _shut(draft, door)
    if dialogue.status == "submitting":
        return _compare(draft, door, dialogue)
    draft.add(Guarded(door=door.model_copy(update={"dialogue": dialogue})))
    if dialogue.status == "handed_off":
        _give_to_a_person(draft)
    return _told(draft, asked.reply, dialogue.said)


def _is_hidden(dialogue: DialogueState) -> bool:
    return dialogue.last_turn is not None and dialogue.last_turn.heard == SECRET


def _compare(draft: Draft, door: Door, given: DialogueState) -> Decision:
    if agree(draft.form, draft.state, given):
        return _let_in(draft)
    count = verify.failures(draft.form, draft.state, draft.context.now) + 1
    draft.add(NotVerified(failures=count, at=draft.at))
    if verify.is_shut(draft.form, draft.state, draft.context.now):
        return _shut(draft, door)
    form = entrance(draft.form)
    asked = decide(form, DialogueState(), Connect(connect_id=""), draft.context)
    question = prompt(Draft(form, DialogueState(), draft.context), form.fields[0])
    said = bounded([phrases(form.language)["not_verified"], question])
    dialogue = fold(DialogueState(), (*asked.events, Said(text=said)))
    draft.add(Guarded(door=door.model_copy(update={"dialogue": dialogue})))
    return _told(draft, asked.reply, said)


def _let_in(draft: Draft) -> Decision:
    """It is them."""
    _take_back(draft)
    draft.add(Unguarded())
    _come_back(draft)
    select(draft)
    return _finish(draft, restored=True)


def _shut(draft: Draft, door: Door) -> Decision:
    """No attempt is left: the same words, whoever calls and whatever they say."""
    closed = door.model_copy(update={"dialogue": DialogueState()})
    draft.add(Guarded(door=closed))
    resume, table = draft.form.resume, phrases(draft.form.language)
    if resume is not None and resume.then == "hand_off":
        _give_to_a_person(draft)
        transfer = Reply(say="", next="transfer", transfer_to=draft.form.hand_off)
        return _told(draft, transfer, table["hand_off"])
    return _told(draft, Reply(say="", next="hang_up"), table["shut"])


def _told(draft: Draft, asked: Reply, said: str) -> Decision:
    draft.add(Said(text=said))
    reply = neutral(draft, asked, said)
    return Decision(at=draft.at, events=tuple(draft.events), reply=reply)


# --- speak ----------------------------------------------------------------------------------------


def _finish(draft: Draft, *, restored: bool = False) -> Decision:
    """Say what is to be said, and close the decision."""
    draft.add(Said(text=_say(draft)))
    told = reply(draft, restored=restored)
    if draft.form.resume is not None and isinstance(draft.events[0], Connected):
        told = told.model_copy(update={"removed": ()})  # Which answers there were tells of them.
    return Decision(at=draft.at, events=tuple(draft.events), reply=told)


def _say(draft: Draft) -> str:
    state = draft.state
    if draft.repeat and draft.before.said:
        return draft.before.said
    if not draft.form.fields and state.status in OPEN:
        return ""
    return bounded([*draft.says, _prompt(draft)])


def _prompt(draft: Draft) -> str:
    state, asked, before = draft.state, draft.asked(), takes_turns(draft.before)
    if state.status == "submitting" and before:
        return goodbye(draft)
    if state.status == "handed_off" and before:
        return phrases(draft.form.language)["hand_off"]
    if state.status in STANDING:
        return phrases(draft.form.language)[STANDING[state.status]]
    if state.question is not None:
        return question_prompt(draft, state.question)
    return prompt(draft, asked) if asked and not _asked_back(draft, asked) else ""


def _asked_back(draft: Draft, asked: Field) -> bool:
    """Whether "is that 8:00 AM or 8:00 PM?" is what the field is asked with this time."""
    return any(
        row.code == "ambiguous" and row.field == asked.name and row.say in draft.says
        for row in draft.rejected
    )


def _refused(draft: Draft) -> Decision:
    """A session that takes no turns says how it stands; nothing changes."""
    said = (
        phrases(draft.form.language)[STANDING[draft.state.status]]
        if (draft.state.status in STANDING)
        else ""
    )
    return Decision(at=draft.at, reply=reply(draft).model_copy(update={"say": said}))
