"""Everything that a caller of Turnkeeper may have to handle, as one tree.

    TurnkeeperError
    ├── FormError                 a form has mistakes; all of them are in the message
    ├── StoreUnavailable          Temporal (or where its keys are) could not be reached in time:
    │                             nothing is known, try again
    ├── KeyUnknown                a key is not here (yet); what needs it goes on once it is
    ├── KeyShredded               the session was erased: nobody can read it again
    ├── PayloadRefused            stored content was changed, moved or never encrypted
    ├── AccessError               at the gateway
    │   ├── Unauthenticated       no token or key, or none that is good here (any more)
    │   ├── Forbidden             who asks is known, and may not do this
    │   └── TooManyRequests       over a limit; `retry_after` says when to come back
    ├── SessionError
    │   ├── SessionNotFound       no session of this id, running or kept
    │   ├── SessionClosed         the session has ended; `status` says how
    │   ├── UnknownForm           no worker has a form of this id
    │   ├── SupersededLeg         a newer leg (call, socket) has taken the session over
    │   ├── TurnConflict          this utterance was already answered with other content
    │   ├── TurnFailed            the turn could not be interpreted; nothing of it was recorded
    │   ├── StaleWrite            SessionStore: the record was changed since it was read
    │   └── MigrationRefused      the session can't go on under that version of its form, or not now
    └── InvalidInput
        ├── SettingsError         a setting (environment variable, option) has a wrong value
        ├── TurnTooLarge          more than a turn may carry; it was not sent
        └── InvalidCaller         neither a phone number nor an id that can be a subject

`StoreUnavailable` is never a statement about the session: a turn whose sending ended so may or
may not be in history. Sending it again with the same utterance id is always safe.

Errors that a workflow raises cross the wire as an `ApplicationError` whose type is the class name;
`from_wire` turns them back. No message ever contains an answer.
"""


class TurnkeeperError(Exception):
    """The root of the tree."""


class FormError(TurnkeeperError):
    """A form that cannot be used; `mistakes` are all that were found, one sentence each."""

    def __init__(self, mistakes: "list[str] | tuple[str, ...]") -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(self.mistakes))


class StoreUnavailable(TurnkeeperError):
    """Temporal, every worker, or the place of the keys could not be reached before the deadline."""


class KeyUnknown(TurnkeeperError):
    """A session's key is not in the key store, or the version of the tenant key that wraps it is
    not among those that this process has."""


class KeyShredded(TurnkeeperError):
    """The session's key was destroyed: what it encrypted can't be read by anyone again."""


class PayloadRefused(TurnkeeperError):
    """Content that is not what this session stored: changed, moved from another, or in clear."""


class AccessError(TurnkeeperError):
    """Somebody may not come in, or not now."""


class Unauthenticated(AccessError):
    """Nobody knows who asks. The message is for the log: whoever asks is told nothing more.
    `key_id` is the known key that the token named; empty where it named none."""

    def __init__(self, message: str, key_id: str = "") -> None:
        super().__init__(message)
        self.key_id = key_id


class Forbidden(AccessError):
    """A scope is missing."""


class TooManyRequests(AccessError):
    """A limit is reached; nothing was done."""

    def __init__(self, message: str, retry_after: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class SessionError(TurnkeeperError):
    """Something about one session."""


class SessionNotFound(SessionError):
    """There is no such session. Only `open` makes one."""

    @classmethod
    def of(cls, session_id: str) -> "SessionNotFound":
        """In the words that are also another tenant's session's: the two can't be told apart."""
        return cls(f"there is no session {session_id}")


class SessionClosed(SessionError):
    """The session has ended and takes no more turns."""

    def __init__(self, message: str, status: str = "") -> None:
        super().__init__(message)
        self.status = status


class UnknownForm(SessionError):
    """No worker knows the form; no session was left behind."""


class SupersededLeg(SessionError):
    """A newer leg speaks for this caller, or the session went to another version of its form since:
    this one's turns are refused."""


class TurnConflict(SessionError):
    """The utterance was already answered with other content and is not the newest."""


class TurnFailed(SessionError):
    """The interpretation of the turn failed; the session is as it was."""


class StaleWrite(SessionError):
    """The stored record is newer than the one this write was based on."""


class MigrationRefused(SessionError):
    """The session stays under the version of its form that it has; the message says why."""


class InvalidInput(TurnkeeperError, ValueError):
    """Refused before anything was sent."""


class SettingsError(InvalidInput):
    """A setting that cannot be used: its name, its value and what it must be, in one sentence."""


class TurnTooLarge(InvalidInput):
    """The turn's content is over the limit (`turnkeeper.contract.MAX_TURN_BYTES`)."""


class InvalidCaller(InvalidInput):
    """The caller cannot be made into a subject."""


_WIRE: dict[str, type[SessionError]] = {
    cls.__name__: cls
    for cls in (
        *(SessionClosed, UnknownForm, SupersededLeg, TurnConflict, TurnFailed, StaleWrite),
        MigrationRefused,
    )
}


def from_wire(kind: str | None, message: str, details: tuple[object, ...] = ()) -> SessionError:
    """The error that a workflow meant by an `ApplicationError` of type `kind`."""
    if kind == SessionClosed.__name__:
        return SessionClosed(message, str(details[0]) if details else "")
    return _WIRE.get(kind or "", TurnFailed)(message)
