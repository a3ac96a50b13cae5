"""What holds for every form and every input, checked by a state machine over random turns."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.unit.dialogue import random_forms as some
from turnkeeper.contract import Cancel, Connect, HandOff, Put, Reply, Turn
from turnkeeper.dialogue.decide import decide
from turnkeeper.dialogue.events import (
    Connected,
    Decision,
    Event,
    Filled,
    Refused,
    Removed,
    Said,
    Shelved,
    StartedOver,
    TurnTaken,
    Unshelved,
)
from turnkeeper.dialogue.evolve import fold
from turnkeeper.dialogue.speak import MAX_SAY_CHARS
from turnkeeper.dialogue.state import DialogueState
from turnkeeper.dialogue.status import OPEN
from turnkeeper.dialogue.view import shown
from turnkeeper.forms.condition import parse_condition
from turnkeeper.forms.model import Form, Scalar
from turnkeeper.values import Context

CHANGING = (Filled, Removed, Shelved, Unshelved)
"""Events that change one field's answer; `StartedOver` changes all."""


class Dialogue(RuleBasedStateMachine):
    """A caller and a program say anything, in any order, to any form."""

    def __init__(self) -> None:
        super().__init__()
        self.form = Form(form="none")
        self.state = DialogueState()
        self.history: list[Event] = []
        self.now = datetime(2026, 11, 22, 12, tzinfo=UTC)

    @initialize(form=some.forms())
    def begin(self, form: Form) -> None:
        self.form = form
        self.hear(Connect(connect_id="1"))

    @rule(turn=some.turns())
    def turn(self, turn: Turn) -> None:
        self.hear(turn)

    @rule(away=st.sampled_from([timedelta(seconds=1), timedelta(hours=2), timedelta(days=400)]))
    def ring_back(self, away: timedelta) -> None:
        self.now += away
        self.hear(Connect(connect_id="2"))

    @rule(answers=some.answers)
    def put(self, answers: dict[str, Scalar | None]) -> None:
        self.hear(Put(request_id="p", version=0, form_answers=answers))

    @rule(text=some.texts)
    def confirm_and_speak(self, text: str) -> None:
        """Yes comes up often enough for dialogues to reach their end."""
        self.hear(Turn(leg=1, utterance_id="y", text="yes"))
        self.hear(Turn(leg=1, utterance_id="t", text=text))

    @precondition(lambda self: self.state.status in OPEN)
    @rule()
    def answer_what_is_asked(self) -> None:
        self.hear(self.obliging(self.reply))

    @precondition(lambda self: self.state.turns > 8)
    @rule()
    def cancel(self) -> None:
        self.hear(Cancel(request_id="c"))

    @rule()
    def hand_off(self) -> None:
        self.hear(HandOff(request_id="h"))
        self.hear(Connect(connect_id="3"))

    def hear(self, heard: Connect | Turn | Put | Cancel | HandOff) -> None:
        before, context = self.state, Context(self.now)
        decision = decide(self.form, before, heard, context)
        assert decision == decide(self.form, before, heard, context), "not deterministic"
        self.state = fold(before, decision.events)
        self.history.extend(decision.events)
        self.reply = decision.reply
        self.check(before, decision)

    def check(self, before: DialogueState, decision: Decision) -> None:
        assert Decision.model_validate_json(decision.model_dump_json()) == decision
        assert decision.reply.status == self.state.status
        assert len(decision.reply.say) <= MAX_SAY_CHARS + 100
        if decision.events:
            assert isinstance(decision.events[0], Connected | TurnTaken)
            assert isinstance(decision.events[-1], Said)
        self.answers_change_through_events_only(before, decision)
        self.a_refused_value_leaves_the_old_one(before, decision)

    def answers_change_through_events_only(self, before: DialogueState, decision: Decision) -> None:
        old, new = before.values(), self.state.values()
        named = {event.field for event in decision.events if isinstance(event, CHANGING)}
        if any(isinstance(event, StartedOver) for event in decision.events):
            named |= set(old)
        changed = {name for name in {*old, *new} if old.get(name) != new.get(name)}
        assert changed <= named
        assert decision.reply.removed == tuple(name for name in old if name not in new)
        for name, value in decision.reply.recorded.items():
            assert value == shown(self.form, name, new[name])

    def a_refused_value_leaves_the_old_one(self, before: DialogueState, decision: Decision) -> None:
        changing = {event.field for event in decision.events if isinstance(event, CHANGING)}
        if any(isinstance(event, StartedOver) for event in decision.events):
            return
        for event in decision.events:
            if isinstance(event, Refused) and event.field not in changing:
                assert self.state.answers.get(event.field) == before.answers.get(event.field)

    @invariant()
    def the_events_so_far_fold_to_the_live_state(self) -> None:
        assert fold(DialogueState(), self.history) == self.state

    @invariant()
    def the_state_survives_json(self) -> None:
        assert DialogueState.model_validate_json(self.state.model_dump_json()) == self.state

    @invariant()
    def no_required_field_is_passed_over(self) -> None:
        if self.state.status in ("confirming", "submitting"):
            assert not [name for name in self.applicable(required=True) if self.missing(name)]

    @invariant()
    def answers_stand_only_while_their_condition_holds(self) -> None:
        if self.form.fields:
            assert set(self.state.answers) <= set(self.applicable())

    @invariant()
    def an_open_session_always_asks_something(self) -> None:
        if self.form.fields and self.state.status in OPEN:
            assert self.reply.field or self.state.question
            assert self.reply.next == "listen"

    def applicable(self, *, required: bool = False) -> list[str]:
        values = self.state.values()
        return [
            field.name
            for field in self.form.fields
            if (field.when is None or parse_condition(field.when).holds(values))
            and (field.required or not required)
        ]

    def missing(self, name: str) -> bool:
        return name not in self.state.answers

    def obliging(self, reply: Reply) -> Turn:
        """What a caller says who wants to get it done."""
        question = self.state.question
        if question is not None:
            words = "nothing" if question.kind == "change" else "yes"
            if question.kind in ("cancel", "start_over", "change"):
                words = "no"
            return Turn(leg=1, utterance_id="o", text=words)
        field = self.form.field(reply.field or "")
        assert field is not None
        return Turn(leg=1, utterance_id="o", answers={field.name: some.GOOD[field.type]})

    def teardown(self) -> None:
        """The algorithm ends: an obliging caller is done after two turns a field and a few more."""
        for _ in range(4 * len(self.form.fields) + 6):
            if self.state.status not in OPEN or not self.form.fields:
                return
            self.hear(self.obliging(self.reply))
        assert self.state.status not in OPEN


TestDialogue = Dialogue.TestCase
TestDialogue.pytestmark = [pytest.mark.timeout(900)]  # type: ignore[attr-defined] # to shrink
TestDialogue.settings = settings(
    max_examples=150,
    stateful_step_count=25,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
