"""What a caller hears when a turn, or a call, is refused: one table, by the error's type.

`StoreUnavailable` is not in it: nothing is known then, and the turn is sent again.
"""

from typing import Literal, TypeAlias

from turnkeeper.contract import Next, Reply, Status
from turnkeeper.dialogue.phrases import phrases
from turnkeeper.errors import (
    SessionClosed,
    SessionNotFound,
    SupersededLeg,
    TurnConflict,
    TurnFailed,
    TurnkeeperError,
    TurnTooLarge,
)

_SPOKEN: dict[type[TurnkeeperError], tuple[str, Next]] = {
    SupersededLeg: ("You are connected on another line now. Goodbye.", "hang_up"),
    SessionNotFound: ("This is no longer there. Goodbye.", "hang_up"),
    TurnTooLarge: ("Sorry, that was too long for me.", "listen"),
    TurnFailed: ("Sorry, I could not take that.", "listen"),
    TurnConflict: ("Sorry, I could not take that.", "listen"),
    TurnkeeperError: ("Sorry, I can't take this call now. Goodbye.", "hang_up"),
}
Ended: TypeAlias = Literal[
    "submitting", "completed", "handed_off", "cancelled", "abandoned", "expired", "failed",
]  # fmt: skip
_ENDED: dict[Ended, Next] = {
    "submitting": "hang_up",
    "completed": "hang_up",
    "handed_off": "listen",  # The caller is being connected.
    "cancelled": "hang_up",
    "abandoned": "hang_up",
    "expired": "hang_up",
    "failed": "hang_up",
}
"""What follows a turn to a form that takes no more; the form's language has words for each."""

ONE_MOMENT = "One moment, please."
"""Said to a caller for whom the store cannot be reached yet."""
NOBODY_THERE = "I can't hear you, so I'll hang up. Call again, and we go on from here. Goodbye."
"""Said to a line on which nobody has spoken for several questions."""


def refusal(error: TurnkeeperError, before: Reply) -> Reply:
    """The reply that a refused turn gets; where the call goes on, with the question again.

    Args:
        error: what the session, or `open`, raised.
        before: the newest reply that was given; what it asked is still asked.
    """
    if isinstance(error, SessionClosed):
        return _closed(error, before)
    words, then = next(_SPOKEN[kind] for kind in type(error).__mro__ if kind in _SPOKEN)
    if then == "listen" and before.say:
        words = f"{words} {before.say}"
    return _instead(before, words, then, before.status)


def _closed(error: SessionClosed, before: Reply) -> Reply:
    status: Ended = next((known for known in _ENDED if known == error.status), "completed")
    words = phrases(before.expects.language if before.expects else "en")
    return _instead(before, words[status], _ENDED[status], status)


def _instead(before: Reply, say: str, then: Next, status: Status) -> Reply:
    return Reply(
        say=say,
        epoch=before.epoch,
        leg=before.leg,
        status=status,
        next=then,
        field=before.field,
        expects=before.expects,
    )
