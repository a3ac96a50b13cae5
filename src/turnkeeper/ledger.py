"""Which turn is which: legs that fence, stored replies, amendments.

Theory. A turn is named by its *utterance* (leg and utterance id) and its *content* (a digest).
What may happen to a turn that arrives:

    utterance      content        leg          then
    known          known          any          the stored reply again
    the newest     other          the newest   it amends: decided again from the state before it
    known, older   other          the newest   TurnConflict
    new            -              the newest   it is applied
    new            -              older        SupersededLeg

Temporal does the first row by itself while a run lasts (the update id is utterance and content);
over continue-as-new it forgets, so the ledger is carried. Replies are kept for the newest
`KEPT_REPLIES` turns; of older utterances of the newest leg their names are, so that a very late
repetition is a conflict and never a second application.
"""

import hashlib
from datetime import datetime

from turnkeeper.contract import Connect, Leg, Reply, Turn
from turnkeeper.errors import SupersededLeg, TurnConflict
from turnkeeper.forms.model import Frozen

KEPT_REPLIES = 60
"""More than the turns of one run, so that whatever Temporal still knows, the ledger knows too."""
KEPT_LEGS = 20


class LedgerRecord(Frozen):
    """A ledger as it is carried over continue-as-new."""

    legs: tuple[Leg, ...] = ()
    replies: dict[str, Reply] = {}
    utterances: tuple[str, ...] = ()
    newest: str | None = None


class Ledger:
    """The legs and the replies of one session. Not a model: it changes in place, turn by turn."""

    def __init__(self, record: LedgerRecord | None = None) -> None:
        record = record or LedgerRecord()
        self.legs = list(record.legs)
        self._replies = dict(record.replies)
        self._utterances = set(record.utterances)
        self._newest = record.newest

    @property
    def leg(self) -> int:
        """The number of the newest leg; 0 before the first."""
        return self.legs[-1].number if self.legs else 0

    def stored(self, key: str) -> Reply | None:
        """The reply that was given under this key: an update id, or `connect_key`."""
        return self._replies.get(key)

    def newest_reply(self, utterance_id: str) -> Reply | None:
        """The last reply that was given to an utterance, whatever its leg and content."""
        replies = reversed(self._replies.values())
        return next((reply for reply in replies if reply.utterance_id == utterance_id), None)

    def admit(self, turn: Turn) -> bool:
        """Whether `turn`, which has no stored reply, amends the newest one.

        Raises:
            SupersededLeg: it comes from a leg that is not the newest.
            TurnConflict: its utterance was answered with other content, and newer turns followed.
        """
        if turn.leg != self.leg:
            raise SupersededLeg(self._fenced(turn.leg))
        name = _name(turn)
        if name == self._newest:
            return True
        if name in self._utterances:
            raise TurnConflict(
                "this utterance was already answered with other content, or too long ago to "
                "answer again; send a new utterance id for new words"
            )
        return False

    def take(self, turn: Turn, reply: Reply) -> None:
        """Store a turn's reply; the turn is now the newest."""
        self._newest = _name(turn)
        self._utterances.add(self._newest)
        self._store(turn.update_id(), reply)

    def open_leg(self, connect: Connect, reply: Reply, at: datetime) -> None:
        """A newer leg begins: all older ones are fenced."""
        self.close_leg(self.leg, "superseded", at)
        leg = Leg(
            number=self.leg + 1,
            transport_id=connect.transport_id,
            channel=connect.channel,
            opened_at=at,
        )
        self.legs = [*self.legs, leg][-KEPT_LEGS:]
        self._utterances.clear()
        self.settle()
        self._store(connect_key(connect.connect_id), reply)

    def close_leg(self, number: int, reason: str, at: datetime) -> bool:
        """Note that a leg ended; False when it is unknown or had ended before."""
        for index, leg in enumerate(self.legs):
            if leg.number == number and leg.closed_at is None:
                self.legs[index] = leg.model_copy(update={"closed_at": at, "reason": reason})
                return True
        return False

    def settle(self) -> None:
        """Something other than a turn changed the session: the newest turn can't be amended."""
        self._newest = None

    def record(self) -> LedgerRecord:
        return LedgerRecord(
            legs=tuple(self.legs),
            replies=self._replies,
            utterances=tuple(sorted(self._utterances)),
            newest=self._newest,
        )

    def _store(self, key: str, reply: Reply) -> None:
        self._replies[key] = reply
        while len(self._replies) > KEPT_REPLIES:
            del self._replies[next(iter(self._replies))]

    def _fenced(self, leg: int) -> str:
        if leg > self.leg:
            return f"leg {leg} was never opened; the newest is {self.leg}"
        return f"leg {leg} was superseded by leg {self.leg}: the caller is on another line now"


def connect_key(connect_id: str) -> str:
    """The key of a connect's stored reply; no update id has it, for these begin with a number."""
    return f"connect.{connect_id}"


def _name(turn: Turn) -> str:
    """An utterance's name, at a fixed length: thousands of them may be carried."""
    return hashlib.sha256(f"{turn.leg}.{turn.utterance_id}".encode()).hexdigest()[:16]
