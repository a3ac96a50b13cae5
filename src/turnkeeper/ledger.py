"""Which turn is which: legs that fence, stored replies, amendments.

Theory. A turn is named by its *utterance* (leg and utterance id) and its *content* (a digest).
What may happen to a turn that arrives:

    utterance      content        leg          then
    known          known          any          the stored reply again
    the newest     other          the newest   it amends: decided again from the state before it,
                                               even if it had these words before the present ones
    known, older   other          the newest   TurnConflict
    new            -              the newest   it is applied
    new            -              older        SupersededLeg
    new            -              of before    SupersededLeg: what it answers was asked by another
                                  a migration  version of the form

Temporal knows one sending again by its update id; whether two sendings are one turn is for the
ledger alone, since only it knows which content stands. It is carried over continue-as-new, where
Temporal forgets. Replies are kept for the newest
`KEPT_REPLIES` turns; of older utterances of the newest leg their names are, so that a very late
repetition is a conflict and never a second application.

A caller's next session has the same id and begins with leg 1 again. The *epoch* tells the two
apart: what a finished session's leg sends late does not reach the new one.
"""

import hashlib
from datetime import datetime
from typing import TypeVar

from turnkeeper.contract import (
    Cancel,
    Connect,
    HandOff,
    Leg,
    Outcome,
    Reply,
    Turn,
    searched_transport,
    utterance_name,
)
from turnkeeper.errors import SupersededLeg, TurnConflict
from turnkeeper.forms.model import Frozen

KEPT_REPLIES = 60
"""More than the turns of one run, so that whatever Temporal still knows, the ledger knows too."""
KEPT_LEGS = 20

T = TypeVar("T")


class LedgerRecord(Frozen):
    """A ledger as it is carried over continue-as-new."""

    epoch: str = ""
    legs: tuple[Leg, ...] = ()
    replies: dict[str, Reply] = {}
    failures: dict[str, Outcome] = {}
    utterances: tuple[str, ...] = ()
    newest: str | None = None
    content: str | None = None
    """The digest of the newest turn."""
    requests: tuple[str, ...] = ()
    transport: str = ""
    fenced: int = 0
    """The leg that was the newest when the session went to another version of its form."""


class Ledger:
    """The legs and the replies of one session. Not a model: it changes in place, turn by turn."""

    def __init__(self, record: LedgerRecord) -> None:
        self.epoch = record.epoch
        self.legs = list(record.legs)
        self._replies = dict(record.replies)
        self._failures = dict(record.failures)
        self._utterances = set(record.utterances)
        self._newest = record.newest
        self._content = record.content
        self._requests = list(record.requests)
        self._fence = record.fenced
        self.transport = record.transport or _indexed_in_clear(self.legs)
        """What the session is found by: that of the newest leg with a transport's id."""

    @property
    def leg(self) -> int:
        """The number of the newest leg; 0 before the first."""
        return self.legs[-1].number if self.legs else 0

    @property
    def is_on_line(self) -> bool:
        """Whether the newest leg is open, as far as it was told."""
        return bool(self.legs) and self.legs[-1].closed_at is None

    # --- turns ------------------------------------------------------------------------------------

    def stored(self, key: str) -> Reply | None:
        """The reply that was given under this key: an update id, `connect_key`, `request_key`."""
        return self._replies.get(key)

    def answered(self, turn: Turn) -> Reply | None:
        """The reply that this turn had, unless its utterance has other words by now and can still
        go back to these."""
        stands = self._content in (None, turn.digest())
        if _short(turn.name()) == self._newest and not stands:
            return None
        return self._replies.get(turn.update_id())

    def outcome(self, key: str) -> Outcome:
        """How a turn ended, by its update id; or the newest outcome of an utterance, by its name
        (`turnkeeper.contract.utterance_name`). Empty while there is none."""
        if key.startswith("."):  # Asked by one who does not know the epoch.
            key = self.epoch + key
        if key in self._failures:
            return self._failures[key]
        reply = self._replies.get(key) or next(
            (reply for reply in reversed(self._replies.values()) if _name_of(reply) == key), None
        )
        return Outcome(reply=reply)

    def admit(self, turn: Turn) -> bool:
        """Whether `turn`, which is not answered yet, amends the newest one.

        Raises:
            SupersededLeg: it comes from a leg that is not the newest, or of before a migration.
            TurnConflict: its utterance was answered with other content, and newer turns followed.
        """
        if turn.leg != self.leg or turn.leg <= self._fence:
            raise SupersededLeg(self._fenced(turn.leg))
        name = _short(turn.name())
        if name == self._newest:
            return True
        if name in self._utterances:
            raise TurnConflict(
                "this utterance was already answered with other content, or too long ago to "
                "answer again; send a new utterance id for new words"
            )
        return False

    def own(self, turn: Turn) -> Turn:
        """The turn under this session's epoch, which a sender need not know.

        Raises:
            SupersededLeg: it is of a session of this id that has ended.
        """
        if not turn.epoch:
            return turn.model_copy(update={"epoch": self.epoch})
        if turn.epoch != self.epoch:
            raise SupersededLeg(
                "the session of this leg has ended, and the caller has begun another since"
            )
        return turn

    def take(self, turn: Turn, reply: Reply) -> None:
        """Store a turn's reply; the turn is now the newest, and its leg is on the line."""
        self._reopen()
        self._newest, self._content = _short(turn.name()), turn.digest()
        self._utterances.add(self._newest)
        self._failures.pop(turn.name(), None)
        _keep(self._replies, turn.update_id(), reply)

    def fail(self, turn: Turn, error: str, message: str) -> None:
        """Store how a turn failed that nobody waits for."""
        named = turn if turn.epoch else self.own(turn)
        _keep(self._failures, named.name(), Outcome(error=error, message=message))

    # --- legs -------------------------------------------------------------------------------------

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
        self.transport = (
            connect.transport_key or searched_transport(connect.transport_id) or self.transport
        )
        self._utterances.clear()
        self.settle()
        _keep(self._replies, connect_key(connect.connect_id), reply)

    def close_leg(self, number: int, reason: str, at: datetime) -> bool:
        """Note that a leg ended; False when it is unknown or had ended before."""
        for index, leg in enumerate(self.legs):
            if leg.number == number and leg.closed_at is None:
                self.legs[index] = leg.model_copy(update={"closed_at": at, "reason": reason})
                return True
        return False

    def fence(self, reason: str, at: datetime) -> None:
        """Every leg is over for good: the caller has to connect again."""
        self.close_leg(self.leg, reason, at)
        self._fence = self.leg

    def _reopen(self) -> None:
        """Whoever is heard has not hung up, or is back on the same leg: a socket taken up again."""
        if self.legs and not self.is_on_line:
            self.legs[-1] = self.legs[-1].model_copy(update={"closed_at": None, "reason": ""})

    # --- the rest ---------------------------------------------------------------------------------

    def settle(self) -> None:
        """Something other than a turn changed the session: the newest turn can't be amended."""
        self._newest = self._content = None

    def has_request(self, request_id: str) -> bool:
        """Whether a request other than a turn has been carried out before."""
        return request_id in self._requests

    def take_request(self, request_id: str) -> None:
        self._requests = [*self._requests, request_id][-KEPT_REPLIES:]

    def keep(self, key: str, reply: Reply) -> None:
        """Store the reply to something other than a turn."""
        _keep(self._replies, key, reply)

    def record(self) -> LedgerRecord:
        return LedgerRecord(
            epoch=self.epoch,
            legs=tuple(self.legs),
            replies=self._replies,
            failures=self._failures,
            utterances=tuple(sorted(self._utterances)),
            newest=self._newest,
            content=self._content,
            requests=tuple(self._requests),
            transport=self.transport,
            fenced=self._fence,
        )

    def _fenced(self, leg: int) -> str:
        if leg > self.leg:
            return f"leg {leg} was never opened; the newest is {self.leg}"
        if leg == self.leg:
            return f"leg {leg} ended when the form went to another version: connect again"
        return f"leg {leg} was superseded by leg {self.leg}: the caller is on another line now"


def _indexed_in_clear(legs: list[Leg]) -> str:
    """What a session of before there were transport keys is found by."""
    named = (leg.transport_id for leg in reversed(legs) if leg.transport_id)
    return searched_transport(next(named, ""))


def connect_key(connect_id: str) -> str:
    """The key of a connect's stored reply; no turn's update id ends so."""
    return f"{connect_id}.connect"


def request_key(request: Cancel | HandOff) -> str:
    """The key of the stored reply of an operator's request."""
    return f"{request.request_id}.{request.kind}"


def _keep(kept: dict[str, T], key: str, value: T) -> None:
    """Add to a dict that remembers the newest `KEPT_REPLIES`."""
    kept.pop(key, None)
    kept[key] = value
    while len(kept) > KEPT_REPLIES:
        del kept[next(iter(kept))]


def _name_of(reply: Reply) -> str:
    return utterance_name(reply.epoch, reply.leg, reply.utterance_id)


def _short(name: str) -> str:
    """A name at a fixed length: thousands of them may be carried."""
    return hashlib.sha256(name.encode()).hexdigest()[:16]
