"""Which fields of a session's form are secret: what the codec server masks by.

A session says it itself, since it keeps the form that it began with. A payload does not tell which
of a caller's sessions of one id it is of, and a field that is secret in one of them may be so no
longer in the next: so all that Temporal has are asked, and what any of them calls secret is. The
forms of this process say it too. Where one can't be asked (no worker runs, they are gone) nothing
is known: the forms of this process may be newer.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from turnkeeper.client import VoiceSessions
from turnkeeper.errors import TurnkeeperError
from turnkeeper.forms.model import Form
from turnkeeper.gateway.doorway import Catalogue
from turnkeeper.gateway.masking import FieldNames
from turnkeeper.security.identity import tenant_of
from turnkeeper.security.key_store import SessionId

ASKED_FOR = 2.0
"""Seconds that a session is waited for: a person looks at a page meanwhile."""
KNOWN_FOR = 15.0
"""Seconds that an answer stands; a caller may be in another session of the same id after it."""
CAPACITY = 1000


@dataclass(frozen=True, slots=True)
class _Asking:
    names: "asyncio.Future[FieldNames | None]"
    since: float = field(default_factory=time.monotonic)


class SecretFields:
    """Which fields are secret, by session.

    Args:
        sessions: those of a tenant, by its name.
        forms: what this process knows of forms.
    """

    def __init__(self, sessions: Callable[[str], VoiceSessions], forms: Catalogue) -> None:
        self._sessions = sessions
        self._forms = forms
        self._asked: OrderedDict[SessionId, _Asking] = OrderedDict()

    async def of(self, session: SessionId) -> FieldNames | None:
        """The form's fields; None where the session doesn't say. A page asks for all payloads of a
        session at once, and the session is asked once."""
        asking = self._asked.get(session)
        if asking is None or time.monotonic() - asking.since > KNOWN_FOR:
            asking = _Asking(asyncio.ensure_future(self._ask(session)))
            self._asked[session] = asking
            while len(self._asked) > CAPACITY:
                self._asked.popitem(last=False)
        return await asyncio.shield(asking.names)

    async def _ask(self, session: SessionId) -> FieldNames | None:
        own = await self._definitions(session)
        if not own:
            return None
        deployed = self._forms.find(own[0].form)
        fields = [field for form in (*own, deployed or own[0]) for field in form.fields]
        secret = frozenset(field.name for field in fields if field.secret)
        return FieldNames(secret, frozenset(field.name for field in fields) - secret)

    async def _definitions(self, session: SessionId) -> list[Form]:
        """The forms as the sessions of this id have them; none where one of them doesn't say."""
        try:
            async with asyncio.timeout(ASKED_FOR):
                sessions = self._sessions(tenant_of(session.workflow_id))
                found = (await sessions.export(session.workflow_id)).sessions
        except (TurnkeeperError, TimeoutError):
            return []
        forms = [row.state.definition for row in found if row.state.definition is not None]
        return forms if len(forms) == len(found) else []
