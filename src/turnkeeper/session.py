"""One session without its host: what the workflow keeps, and what a fake in memory keeps too.

A host does three things in turn, one message at a time:

    base = session.admit(turn)                  a stored Reply, or the state to decide from
    decision = decide(form, base, turn, ...)    wherever that runs
    reply = session.take(turn, base, decision)  fold the events in, store the reply

Nothing here waits, so a session only ever changes in `take` and its like, between two messages.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NoReturn

from turnkeeper.contract import (
    Cancel,
    Connect,
    Delivery,
    Disconnect,
    HandOff,
    Migrate,
    Opening,
    Reply,
    SessionState,
    Status,
    Transcript,
    TranscriptEntry,
    Turn,
)
from turnkeeper.dialogue.events import Decision, Event, Moved, TurnTaken
from turnkeeper.dialogue.evolve import evolve, fold
from turnkeeper.dialogue.state import DialogueState
from turnkeeper.dialogue.status import CLOSED, MOVES, OPEN, may_hand_off, runs_out, takes_turns
from turnkeeper.dialogue.verify import charged, legs_outside, outside, verification
from turnkeeper.dialogue.view import confirming, progress, shown, shown_answers
from turnkeeper.errors import MigrationRefused, SessionClosed, StaleWrite
from turnkeeper.forms.model import Form, Frozen
from turnkeeper.forms.registry import digest_of, shared
from turnkeeper.ledger import Ledger, LedgerRecord, connect_key, request_key

AMENDABLE: frozenset[Status] = OPEN | {"handed_off"}
"""Where the newest turn may still get other words: a hand-off may have been half a sentence."""
GONE_AFTER = timedelta(minutes=15)
"""A caller who was silent for so long is off the line, though nobody hung up: agents die."""
SHOWN_FOR = timedelta(days=30)
"""How long `again: show` shows a session whose form has no `keep_for`."""
KEPT_EXCHANGES = 120
"""Exchanges that the transcript keeps; a form by phone rarely has forty."""


class SessionRecord(Frozen):
    """A whole session, as it is carried over continue-as-new."""

    form: Form
    state: DialogueState
    before: DialogueState | None = None
    """The state before the newest turn: what an amendment is decided from."""
    ledger: LedgerRecord = LedgerRecord()
    transcript: Transcript = Transcript()
    delivery: Delivery | None = None
    form_before: Form | None = None
    """The version of the form that the session was moved from, and can go back to."""


class Beginning(Opening):
    """What a run of the workflow begins with: a client's Opening, or the record of the run before.

    It stands here and not in workflow code: in the sandbox that would make the class anew for
    every session.
    """

    record: SessionRecord | None = None
    searchable: bool = False
    """Whether search attributes may be set, as when the form was loaded."""
    transports: bool = False
    """Whether the calls' own ids are among these: not in sessions that began before they were."""
    retains: bool = False
    """Whether its erasure is ordered when it ends: not in sessions that began before that was."""


class Session:
    """A form in progress, its legs and its replies."""

    def __init__(self, session_id: str, record: SessionRecord) -> None:
        self.id = session_id
        self.form = shared(record.form)
        self.form_digest = digest_of(self.form)
        self.dialogue = record.state
        self.delivery = record.delivery
        self.form_before = record.form_before
        self.ledger = Ledger(record.ledger)
        self._before = record.before
        self._exchanges = list(record.transcript.entries)
        self._omitted = record.transcript.omitted

    @classmethod
    def begin(cls, session_id: str, form: Form, epoch: str) -> "Session":
        """A new session; `epoch` is like that of no other session of this id."""
        record = SessionRecord(form=form, state=DialogueState(), ledger=LedgerRecord(epoch=epoch))
        return cls(session_id, record)

    @property
    def is_open(self) -> bool:
        """Whether its form is worked on."""
        return self.dialogue.status in OPEN

    @property
    def is_closed(self) -> bool:
        """Whether it has ended for good."""
        return self.dialogue.status in CLOSED

    # --- turns ------------------------------------------------------------------------------------

    def admit(self, turn: Turn) -> Reply | DialogueState:
        """The reply that the turn already had, or the state that it is to be decided from.

        Raises:
            SupersededLeg, TurnConflict: see `turnkeeper.ledger`.
            SessionClosed: the form has been submitted, handed off, or the session has ended. The
                turn that handed it off may still be amended, to words that do not.
        """
        turn = self.ledger.own(turn)
        stored = self.ledger.answered(turn)
        if stored is not None:
            return stored
        amends = self.ledger.admit(turn) and self.dialogue.status in AMENDABLE
        if amends and self._before is not None:
            return charged(self._before, self.dialogue)
        self.require_open()
        return self.dialogue

    def take(self, turn: Turn, base: DialogueState, decision: Decision) -> Reply:
        """Apply what was decided from `base`, the state that `admit` gave."""
        turn = self.ledger.own(turn)
        amends = base is not self.dialogue
        reply = decision.reply.model_copy(
            update={
                "epoch": self.ledger.epoch,
                "leg": turn.leg,
                "utterance_id": turn.utterance_id,
            }
        )
        self._before = base
        self.dialogue = _newer(fold(base, decision.events), self.dialogue)
        self.ledger.take(turn, reply)
        if amends:
            self._exchanges.pop()
        self._cut_off(turn.said)
        self._note(decision, reply)
        return reply

    # --- legs -------------------------------------------------------------------------------------

    def admit_connect(self, connect: Connect) -> Reply | DialogueState:
        """The reply that this connect already had, or the state to decide from."""
        return self.ledger.stored(connect_key(connect.connect_id)) or self.dialogue

    def take_connect(self, connect: Connect, decision: Decision) -> Reply:
        """A new leg: it is the only one that is heard from now on."""
        reply = decision.reply.model_copy(
            update={"epoch": self.ledger.epoch, "leg": self.ledger.leg + 1}
        )
        self._change(decision.events)
        self.ledger.open_leg(connect, reply, decision.at)
        self._note(decision, reply)
        return reply

    # --- everything else that changes a session ---------------------------------------------------

    def admit_request(self, request: Cancel | HandOff) -> Reply | DialogueState:
        """The reply that this request already had, or the state to decide from.

        Raises:
            SessionClosed: nothing leads from the session's status to the one that is asked for.
        """
        stored = self.ledger.stored(request_key(request))
        if stored is None and not self._takes(request):
            self._refuse()
        return stored or self.dialogue

    def take_request(self, request: Cancel | HandOff, decision: Decision) -> Reply:
        """Apply what an operator asked for; asked again, the reply is the same."""
        reply = self.take_command(request.request_id, decision)
        self.ledger.keep(request_key(request), reply)
        return reply

    def take_command(self, request_id: str, decision: Decision) -> Reply:
        """Apply what an operator or a program decided on, outside any leg."""
        self._change(decision.events)
        self.ledger.take_request(request_id)
        return decision.reply.model_copy(
            update={"epoch": self.ledger.epoch, "leg": self.ledger.leg}
        )

    def admit_migration(self, migrate: Migrate) -> bool:
        """Whether there may be something to do: a session that went back is back already. Raises
        SessionClosed, and MigrationRefused where there is no version to go back to."""
        if self.dialogue.status not in AMENDABLE:
            self._refuse()
        if not migrate.back or self.form_before is not None:
            return True
        if self.dialogue.migrations and self.dialogue.migrations[-1].back:
            return False
        raise MigrationRefused("there is no version that the session can go back to")

    def hears(self, now: datetime) -> bool:
        """Whether a caller is on the line, and was heard of lately."""
        return self.ledger.is_on_line and now - (self.dialogue.updated_at or now) < GONE_AFTER

    def take_migration(self, migrate: Migrate, form: Form, events: Sequence[Event]) -> None:
        """Go by `form` from now on; without events it does already."""
        if not events:
            return
        self.form_before = None if migrate.back else self.form
        self.form = shared(form)
        self.form_digest = digest_of(self.form)
        self._change(events)
        self.ledger.fence("migrated", self.dialogue.migrations[-1].at)
        self.ledger.take_request(migrate.request_id)

    def disconnect(self, gone: Disconnect, at: datetime) -> None:
        """Note that a leg ended; of another session of this id: nothing to note."""
        if gone.epoch in ("", self.ledger.epoch):
            self.ledger.close_leg(gone.leg, gone.reason, at)

    def require_open(self) -> None:
        """Raises SessionClosed when the session takes no more turns."""
        if not takes_turns(self.dialogue):
            self._refuse()

    def require_version(self, version: int) -> None:
        """Raises StaleWrite when the session has changed since a writer read that version."""
        if not self.is_open:
            self._refuse()
        if version != self.dialogue.version:
            raise StaleWrite(
                f"the record is at version {self.dialogue.version}, the write was based on "
                f"{version}; get it again, change that, set it"
            )

    def move(self, status: Status, at: datetime) -> None:
        """Another status, for a reason outside the dialogue: a timer, a delivery."""
        self.dialogue = evolve(self.dialogue, Moved(status=status, at=at))
        self.ledger.settle()

    # --- time -------------------------------------------------------------------------------------

    def deadline(self, now: datetime) -> tuple[datetime, Status] | None:
        """When the session ends if nothing happens, and as what; None: it waits for something."""
        form, state = self.form, self.dialogue
        if state.status == "completed":
            ended = state.ended_at or state.updated_at or now
            return ended + (form.keep_for or SHOWN_FOR), "completed"
        return runs_out(form, state, now) if self.can_move("abandoned") else None

    def run_out(self, now: datetime) -> bool:
        """Abandon or expire the session if its time is up; whether it was."""
        due = self.deadline(now)
        if due is None or self.is_closed or now < due[0]:
            return False
        self.move(due[1], now)
        return True

    def is_over(self, now: datetime) -> bool:
        """Whether nothing more is answered under this id. A completed session that shows itself
        (`again: show`) goes on answering for as long as it is kept."""
        if not self.is_closed:
            return False
        if self.dialogue.status != "completed" or self.form.again != "show":
            return True
        due = self.deadline(now)
        return due is None or now >= due[0]

    # --- what it shows ----------------------------------------------------------------------------

    def state(self, now: datetime) -> SessionState:
        """The session as its readers see it; `now` stands in where nothing happened yet. The value
        of a secret field is not in it, nor anything that somebody at the door may not know: an
        agent may say what it reads."""
        dialogue, legs = self.dialogue, tuple(self.ledger.legs)
        if self.ledger.is_on_line:
            dialogue, legs = outside(dialogue, legs[-1]), legs_outside(dialogue, legs)
        return SessionState(
            session_id=self.id,
            form=self.form.form,
            form_version=self.form.version,
            form_answers=shown_answers(self.form, dialogue),
            last_turn=dialogue.last_turn,
            created_at=dialogue.created_at or now,
            updated_at=dialogue.updated_at or now,
            status=dialogue.status,
            field=dialogue.field,
            confirming=confirming(self.form, dialogue),
            progress=progress(self.form, dialogue),
            turns=dialogue.turns,
            epoch=self.ledger.epoch,
            leg=self.ledger.leg,
            legs=legs,
            delivery=self.delivery,
            verification=verification(self.form, self.dialogue, now),
            discarded=tuple(
                {name: shown(self.form, name, value) for name, value in answers.items()}
                for answers in dialogue.discarded
            ),
            migrations=dialogue.migrations,
            version=dialogue.version,
            definition=self.form,
        )

    def transcript(self) -> Transcript:
        """The newest exchanges; while somebody is at the door, only those of the newest leg, and
        on a call, only those since the form began anew."""
        began = self.dialogue.begun_anew
        if self._is_guarded:
            own = [entry for entry in self._exchanges if entry.leg == self.ledger.leg]
        elif self.ledger.is_on_line and began is not None:
            leg = self.ledger.leg
            own = [row for row in self._exchanges if row.leg == leg or row.at > began]
        else:
            return self._whole_transcript()
        return Transcript(entries=tuple(own))

    def _whole_transcript(self) -> Transcript:
        return Transcript(entries=tuple(self._exchanges), omitted=self._omitted)

    @property
    def _is_guarded(self) -> bool:
        """Whether somebody is on the line who has not shown yet who they are."""
        return self.ledger.is_on_line and self.dialogue.door is not None

    def record(self) -> SessionRecord:
        """All of it, for another run to go on from."""
        return SessionRecord(
            form=self.form,
            state=self.dialogue,
            before=self._before,
            ledger=self.ledger.record(),
            transcript=self._whole_transcript(),
            delivery=self.delivery,
            form_before=self.form_before,
        )

    def can_move(self, status: Status) -> bool:
        """Whether the session may go on to that status from where it stands."""
        return status in MOVES[self.dialogue.status]

    def _takes(self, request: Cancel | HandOff) -> bool:
        if request.kind == "cancel":
            return self.can_move("cancelled")
        return may_hand_off(self.dialogue, request)

    def _refuse(self) -> NoReturn:
        status = self.dialogue.status
        raise SessionClosed(f"this session takes no more turns: it is {status}", status)

    def _change(self, events: Iterable[Event]) -> None:
        self.dialogue = fold(self.dialogue, events)
        self._before = None
        self.ledger.settle()

    def _cut_off(self, heard: str | None) -> None:
        """Note up to where the newest reply was heard. It is no longer than that reply."""
        if heard is not None and self._exchanges:
            last = self._exchanges[-1]
            until = heard[: len(last.said)]
            self._exchanges[-1] = last.model_copy(update={"heard_until": until})

    def _note(self, decision: Decision, reply: Reply) -> None:
        """Add an exchange to the transcript."""
        turn = next((event for event in decision.events if isinstance(event, TurnTaken)), None)
        entry = TranscriptEntry(
            at=decision.at,
            leg=reply.leg,
            utterance_id=reply.utterance_id,
            heard=turn.heard if turn else "",
            said=reply.say,
            recorded=tuple(reply.recorded),
        )
        self._exchanges.append(entry)
        surplus = len(self._exchanges) - KEPT_EXCHANGES
        if surplus > 0:
            del self._exchanges[:surplus]
            self._omitted += surplus


def _newer(state: DialogueState, than: DialogueState) -> DialogueState:
    """The state under a version that its readers have not seen: an amendment folds fewer or as
    many events in as the turn that it replaces."""
    if state.version > than.version:
        return state
    return state.model_copy(update={"version": than.version + 1})
