"""What all channels of a gateway share: what is the same for everyone (`Site`), what is kept of a
tenant (`TenantSessions`), and both as one principal sees them (`Doorway`)."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from turnkeeper.client import VoiceSession, VoiceSessions
from turnkeeper.errors import Forbidden, InvalidInput, SessionNotFound, UnknownForm
from turnkeeper.forms.model import Form
from turnkeeper.gateway.access.limits import Limits
from turnkeeper.gateway.access.principal import Principal, Scope
from turnkeeper.gateway.events import Feeds
from turnkeeper.gateway.signatures.accounts import Accounts
from turnkeeper.security.identity import form_of, is_session_of
from turnkeeper.telemetry import logger

KEPT_LEGS = 10_000
"""Legs that a gateway remembers. One that is forgotten is attached anew: nothing is lost by it."""

_log = logger(__name__)


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


@dataclass(frozen=True)
class Site:
    """What of a gateway is the same for everyone."""

    forms: Catalogue = field(default_factory=NoForms)
    public_url: str | None = None
    """Where the gateway is reached from outside, without a slash at the end; None: as the request
    says."""
    ui_url: str | None = None
    """Of the Temporal UI's namespace page, for links."""
    kill_worker: Callable[[], Awaitable[None]] | None = None
    """SIGKILL for the worker, which is started again: `python -m worker dev` alone has it."""
    accounts: Accounts = field(default_factory=Accounts)
    """At telephony platforms: their signatures let calls in."""


class TenantSessions:
    """The sessions of one tenant, and what this process keeps of them."""

    def __init__(self, sessions: VoiceSessions) -> None:
        self.sessions = sessions
        self.legs = Legs(sessions)
        self.feeds = Feeds(sessions)


class Doorway:
    """The sessions of a tenant as one principal sees them. Cheap: made for each request."""

    def __init__(
        self, site: Site, tenant: TenantSessions, principal: Principal, limits: Limits
    ) -> None:
        self.site = site
        self.principal = principal
        self.limits = limits
        self.sessions = tenant.sessions
        self.legs = tenant.legs
        self.feeds = tenant.feeds

    @property
    def forms(self) -> Catalogue:
        return self.site.forms

    @property
    def public_url(self) -> str | None:
        return self.site.public_url

    def require(self, *scopes: Scope) -> None:
        """Raises Forbidden."""
        try:
            self.principal.require(*scopes)
        except Forbidden as error:
            _log.warning("a scope was missing", reason=str(error), key_id=self.principal.key_id)
            raise

    def caller(self, form: str, caller: str | None) -> str:
        """The caller that a request names; an end user need not name theirs.

        Raises:
            Forbidden: an end user names somebody else.
            InvalidCaller, InvalidInput: nobody is named.
        """
        own = self.principal.caller
        if own is None and caller is None:
            raise InvalidInput("body.caller: this is required")
        if own is None or caller is None:
            return caller or own or ""
        normal = self.sessions.check_caller
        if normal(form, caller) != normal(form, own):
            raise Forbidden("this token is for another caller")
        return own

    async def session_id(self, form: str, caller: str | None) -> str:
        """The id under which a caller's form is kept. Raises as `caller` does."""
        return await self.sessions.session_id(form, self.caller(form, caller))

    async def open(
        self,
        form: str,
        caller: str | None,
        *,
        transport_id: str = "",
        channel: str = "",
        connect_id: str | None = None,
    ) -> VoiceSession:
        """As `VoiceSessions.open`: a new leg, which is remembered, and told to who watches.

        Raises Forbidden and TooManyRequests too, and UnknownForm before anything is sent where
        this gateway has forms and this is none of them, unless the caller's has begun already.
        """
        self.require("talk")
        await self.limits.opening(self.principal)
        who = self.caller(form, caller)
        await self._require_form(form, who)
        session = await self.sessions.open(
            form,
            who,
            transport_id=transport_id,
            channel=channel,
            connect_id=connect_id,
        )
        self.feeds.changed(session.id)
        return self.legs.opened(session)

    async def _require_form(self, form: str, caller: str) -> None:
        """What is sent is encrypted first, under a key that is made for the session: a made-up form
        must not get that far, or each would leave a key."""
        if not any(True for _ in self.forms.names) or self.forms.find(form) is not None:
            return
        try:
            await self.sessions.state(await self.sessions.session_id(form, caller))
        except SessionNotFound:
            raise UnknownForm(f"this gateway knows of no form {form!r}") from None

    async def ours(self, session_id: str) -> str:
        """The id, as it came. Raises SessionNotFound for what this principal is to know nothing
        of: other tenants' sessions, other callers', workflows that are no sessions."""
        settings = self.sessions.settings
        known = is_session_of(session_id, settings.prefix, settings.tenant)
        if not known or not await self._is_caller_s(session_id):
            raise SessionNotFound("there is no such session")
        return session_id

    async def _is_caller_s(self, session_id: str) -> bool:
        own = self.principal.caller
        return own is None or session_id == await self.sessions.session_id(form_of(session_id), own)
