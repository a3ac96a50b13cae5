"""What a refused turn leads to: one table, by the error's type.

`StoreUnavailable` is not in it: nothing is known then, and the turn is sent again.
"""

from dataclasses import dataclass

from turnkeeper.errors import (
    SessionClosed,
    SessionNotFound,
    SupersededLeg,
    TurnConflict,
    TurnFailed,
    TurnkeeperError,
    TurnTooLarge,
)

ONE_MOMENT = "One moment, please."
"""Said to a caller for whom the store cannot be reached yet."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """What the caller hears; and why the call ends, where nothing more can come of it."""

    say: str
    ends: str = ""


_REFUSALS: dict[type[TurnkeeperError], Refusal] = {
    SupersededLeg: Refusal("You are connected on another line now. Goodbye.", "superseded"),
    SessionClosed: Refusal("This is already done. Goodbye.", "closed"),
    SessionNotFound: Refusal("This is no longer there. Goodbye.", "closed"),
    TurnTooLarge: Refusal("Sorry, that was too long for me."),
    TurnFailed: Refusal("Sorry, I could not take that."),
    TurnConflict: Refusal("Sorry, I could not take that."),
    TurnkeeperError: Refusal("Sorry, I can't take this call now. Goodbye.", "failed"),
}


def refusal(error: TurnkeeperError) -> Refusal:
    """What an error that a session, or `open`, raised leads to."""
    return next(_REFUSALS[kind] for kind in type(error).__mro__ if kind in _REFUSALS)


def reported(error: TurnkeeperError) -> str:
    """The error for logs and events. A session's id names the caller."""
    if isinstance(error, SessionNotFound):
        return "there is no such session; a new call opens one"
    return str(error)
