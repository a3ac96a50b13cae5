"""Why a socket is closed: one literal table of the codes, ours (4xxx) and the protocol's.

No code says that a session is over: a session ends in a reply or an event, a socket for itself. A
store that cannot be reached closes nothing.
"""

from enum import IntEnum
from typing import NamedTuple

from turnkeeper.errors import SessionNotFound, SupersededLeg, TurnkeeperError, Unauthenticated


class Code(IntEnum):
    """RFC 6455, section 7.4.1, and its private range: 4000 and, where there is one, the HTTP
    status that means the same."""

    HUNG_UP = 1000
    TOO_MANY = 1008
    TOO_LARGE = 1009
    DEFECT = 1011
    RESTART = 1012
    NOT_READING = 1013
    BAD_MESSAGE = 4400
    UNAUTHENTICATED = 4401
    NOT_FOUND = 4404
    IDLE = 4408
    SUPERSEDED = 4409
    TOO_MANY_WAIT = 4429


class Close(NamedTuple):
    """A row of the table."""

    reason: str
    """In the close frame, where we write it: fixed words, at most 123 bytes (RFC 6455, 5.5)."""
    when: str
    then: str
    """What the client does."""


CLOSES: dict[Code, Close] = {
    Code.HUNG_UP: Close("hung up", "the client sent `hangup`", "is done"),
    Code.TOO_MANY: Close(
        "too many messages",
        "the client went on sending more than 20 messages a second after an `error` had said so",
        "sends less; connects and resumes",
    ),
    Code.TOO_LARGE: Close(
        "", "a frame was over 256 KiB", "sends less; connects and resumes"
    ),
    Code.DEFECT: Close(
        "internal error",
        "no pong came for 20 s after a ping of the server's, or there is a defect",
        "connects and resumes",
    ),
    Code.RESTART: Close("", "the gateway stops", "connects, to any gateway, and resumes"),
    Code.NOT_READING: Close(
        "the client does not read",
        "a message could not be written for 20 s",
        "connects and resumes; it may see the socket lost, since nothing gets through",
    ),
    Code.BAD_MESSAGE: Close(
        "not a message of this protocol",
        "a frame was not a JSON object with a type, or the first was not `open` or `resume`;"
        " the `error` before says which",
        "is to be mended",
    ),
    Code.UNAUTHENTICATED: Close(
        "not authenticated",
        "there was no `hello` within 10 s or before another message, its token or ticket is not"
        " good, or is no longer good",
        "connects with a token that is, and resumes",
    ),
    Code.NOT_FOUND: Close(
        "there is no such session",
        "`resume` named one that is not there, or it was deleted",
        "opens",
    ),
    Code.IDLE: Close(
        "idle", "the client sent nothing for 10 minutes, not even `ping`", "connects and resumes"
    ),
    Code.SUPERSEDED: Close(
        "a newer leg speaks for this caller",
        "the caller is on another line now",
        "lets go of this one",
    ),
    Code.TOO_MANY_WAIT: Close(
        "too many sockets wait for their hello",
        "100 sockets from this address, or 1000 in all, had not said `hello` yet",
        "connects again in some seconds, and says `hello` at once",
    ),
}  # fmt: skip
"""Every code that a client may see; the server itself sends those without a reason."""

FINAL: dict[type[TurnkeeperError], Code] = {
    SupersededLeg: Code.SUPERSEDED,
    SessionNotFound: Code.NOT_FOUND,
    Unauthenticated: Code.UNAUTHENTICATED,
}
"""Errors after which a socket has nothing to do, each told by an `error` first."""

LEFT: dict[Code | None, str] = {
    None: "drop",
    Code.DEFECT: "drop",
    Code.NOT_READING: "drop",
    Code.BAD_MESSAGE: "drop",
    Code.UNAUTHENTICATED: "drop",
    Code.TOO_MANY: "drop",
    Code.IDLE: "idle",
}
"""How the leg ends with the socket; None: it was lost. A leg that is not here has ended before."""


class Ended(Exception):
    """The socket is over: closed by us with a code, or lost (None)."""

    def __init__(self, code: Code | None) -> None:
        super().__init__("lost" if code is None else CLOSES[code].reason)
        self.code = code
