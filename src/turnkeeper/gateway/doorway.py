"""What all channels of a gateway share."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from turnkeeper.client import VoiceSession, VoiceSessions
from turnkeeper.errors import InvalidInput
from turnkeeper.forms.model import Form
from turnkeeper.gateway.events import Feeds

KEPT_LEGS = 10_000
"""Legs that a gateway remembers. One that is forgotten is attached anew: nothing is lost by it."""


class Catalogue(Protocol):
    """The forms that a gateway tells of; the workers have their own."""

    @property
    def names(self) -> Iterable[str]: ...

    def find(self, form: str) -> Form | None: ...


class NoForms:
    """A gateway that was given no forms: it opens what the workers have, and lists nothing."""

    names: tuple[str, ...] = ()

    def find(self, form: str) -> Form | None:
        return None


class Legs:
    """The legs that this process has spoken through, by what names a leg on the wire.

    One `VoiceSession` a leg: it sends one turn at a time, in order, and knows which words of an
    utterance came before which.
    """

    def __init__(self, sessions: VoiceSessions, kept: int = KEPT_LEGS) -> None:
        self._sessions = sessions
        self._kept = kept
        self._legs: OrderedDict[tuple[str, int, str], VoiceSession] = OrderedDict()

    def opened(self, session: VoiceSession) -> VoiceSession:
        """Remember a leg that was just opened."""
        return self._remember((session.id, session.leg, session.epoch), session)

    def get(self, session_id: str, leg: int, epoch: str) -> VoiceSession:
        """The leg; if it was opened elsewhere, or by this gateway before a restart, attached."""
        key = (session_id, leg, epoch)
        return self._remember(key, self._legs.get(key) or self._sessions.attach(*key))

    def _remember(self, key: tuple[str, int, str], session: VoiceSession) -> VoiceSession:
        self._legs[key] = session
        self._legs.move_to_end(key)
        while len(self._legs) > self._kept:
            self._legs.popitem(last=False)
        return session


@dataclass
class Doorway:
    """The sessions and the forms of one gateway, and where it is.

    `router(doorway)` of each channel gets it; nothing is global.
    """

    sessions: VoiceSessions
    forms: Catalogue = field(default_factory=NoForms)
    public_url: str | None = None
    """Where the gateway is reached from outside, without a slash at the end; None: as the request
    says."""
    ui_url: str | None = None
    """Of the Temporal UI's namespace page, for links."""
    kill_worker: Callable[[], Awaitable[None]] | None = None
    """SIGKILL for the worker, which is started again: `python -m worker dev` alone has it."""

    def __post_init__(self) -> None:
        self.legs = Legs(self.sessions)
        self.feeds = Feeds(self.sessions)
        settings = self.sessions.settings
        self._prefix = f"{settings.prefix}:{settings.tenant}:"

    def ours(self, session_id: str) -> str:
        """The id, as it came. Raises InvalidInput for other tenants' workflows and for those that
        are no sessions: they are not reached from here."""
        if not session_id.startswith(self._prefix):
            raise InvalidInput(f"session_id: at this gateway it begins with {self._prefix}")
        return session_id
