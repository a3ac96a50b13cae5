"""What an agent holds of a session between two calls: `{session id}#{leg}.{epoch}`, as one text.

It is all that `VoiceSessions.attach` needs, so the server need not remember to whom it gave one. No
part of a session's id can have a `#` in it (`turnkeeper.security.identity`).
"""

import re
from typing import NamedTuple

from turnkeeper.client import VoiceSession
from turnkeeper.errors import InvalidInput

_HANDLE = re.compile(r"([^#\s]{1,1000})#([1-9][0-9]{0,8})\.([0-9a-zA-Z-]{1,64})")


class Handle(NamedTuple):
    """One leg of one session."""

    session_id: str
    leg: int
    epoch: str

    @classmethod
    def of(cls, session: VoiceSession) -> "Handle":
        return cls(session.id, session.leg, session.epoch)

    @classmethod
    def read(cls, text: str) -> "Handle":
        """The handle that an agent passes, as `open_form` gave it.

        Raises:
            InvalidInput: it is no handle.
        """
        parts = _HANDLE.fullmatch(text.strip())
        if parts is None:
            raise InvalidInput(
                "this is no session of this server: pass `session` exactly as open_form gave it"
            )
        return cls(parts[1], int(parts[2]), parts[3])

    def __str__(self) -> str:
        return f"{self.session_id}#{self.leg}.{self.epoch}"
