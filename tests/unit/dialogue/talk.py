"""A conversation for tests: `caller, agent = talk(form)`, then one line a turn.

caller.says("last tuesday")
agent.asks("time")
agent.recorded(day="2026-11-17")
"""

from datetime import UTC, datetime, timedelta

from turnkeeper.contract import Alternative, Cancel, Connect, HandOff, Put, Reply, Turn, TurnEvent
from turnkeeper.dialogue.decide import decide
from turnkeeper.dialogue.events import Decision
from turnkeeper.dialogue.evolve import fold
from turnkeeper.dialogue.state import DialogueState
from turnkeeper.forms.model import Field, FieldType, Form, Scalar
from turnkeeper.values import Context

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
"""A Sunday."""


def field(name: str, type: FieldType = "text", **more: object) -> Field:
    """A field whose prompts say its name: "day?", then "day again?"."""
    spoken = name.replace("_", " ")
    return Field.model_validate(
        {"name": name, "type": type, "prompt": (f"{spoken}?", f"{spoken} again?"), **more}
    )


def form(*fields: Field, **more: object) -> Form:
    return Form.model_validate({"form": "claim", "title": "A claim", "fields": fields, **more})


class Caller:
    """Says, keys, sends; remembers the state and the last decision."""

    def __init__(self, form: Form) -> None:
        self.form = form
        self.now = NOON
        self.state = DialogueState()
        self.last: Decision

    def connects(self, after: timedelta = timedelta(0)) -> Reply:
        self.now += after
        return self._hear(Connect(connect_id="c"))

    def says(
        self, text: str, *nbest: tuple[str, float | None], confidence: float | None = None
    ) -> Reply:
        rows = tuple(Alternative(text=words, confidence=sure) for words, sure in nbest)
        return self._hear(self._turn(text=text, alternatives=rows, confidence=confidence))

    def keys(self, keys: str) -> Reply:
        return self._hear(self._turn(dtmf=keys))

    def program(self, text: str | None = None, **answers: Scalar | None) -> Reply:
        """The agent's own language model extracted these."""
        return self._hear(self._turn(text=text, answers=answers))

    def event(self, event: TurnEvent) -> Reply:
        return self._hear(self._turn(event=event))

    def puts(self, **answers: Scalar | None) -> Reply:
        return self._hear(Put(request_id="p", version=0, form_answers=answers))

    def cancels(self) -> Reply:
        return self._hear(Cancel(request_id="x"))

    def hands_off(self, *, unlock: bool = False) -> Reply:
        """An operator does."""
        return self._hear(HandOff(request_id="h", unlock=unlock))

    def sends(self, turn: Turn) -> Reply:
        return self._hear(turn)

    def _turn(self, **content: object) -> Turn:
        return Turn.model_validate({"leg": 1, "utterance_id": str(self.state.turns), **content})

    def _hear(self, heard: Connect | Turn | Put | Cancel | HandOff) -> Reply:
        self.now += timedelta(seconds=5)
        self.last = decide(self.form, self.state, heard, Context(self.now))
        self.state = fold(self.state, self.last.events)
        return self.last.reply


class Agent:
    """What the form said and did, as checks."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    @property
    def reply(self) -> Reply:
        return self._caller.last.reply

    def asks(self, name: str, *, again: bool = False) -> None:
        """The field is asked by its first prompt, or by the next one."""
        spoken = name.replace("_", " ")
        assert self.reply.field == name
        assert self.reply.say.endswith(f"{spoken} again?" if again else f"{spoken}?")
        assert self.reply.next == "listen"

    def says(self, *parts: str) -> None:
        for part in parts:
            assert part in self.reply.say

    def reads_back(self, name: str, value: Scalar) -> None:
        """A value waits for its yes, and nothing was recorded for it yet."""
        confirming = self.reply.confirming
        assert confirming is not None
        assert confirming == {"field": name, "value": value}
        assert name not in self.reply.recorded
        assert self.reply.say.endswith("Is that right?")

    def reads_everything_back(self) -> None:
        assert self.reply.confirming is not None
        assert self.reply.confirming["field"] is None
        assert self.reply.status == "confirming"

    def recorded(self, **values: Scalar) -> None:
        assert self.reply.recorded == values

    def refused(self, name: str, code: str) -> None:
        assert [(row.field, row.code) for row in self.reply.rejected] == [(name, code)]

    def knows(self, **values: Scalar) -> None:
        assert self._caller.state.values() == values

    def is_done(self) -> None:
        assert (self.reply.status, self.reply.next) == ("submitting", "hang_up")


def talk(form: Form) -> tuple[Caller, Agent]:
    """A caller who has just been greeted, and what the form says to them."""
    caller = Caller(form)
    caller.connects()
    return caller, Agent(caller)
