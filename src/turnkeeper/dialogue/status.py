"""The statuses of a session and the moves between them: one literal table.

`docs/how-it-works.md` draws its diagram from it (`scripts/docs`); `evolve` refuses what is not in
it.
"""

from datetime import datetime

from turnkeeper.contract import HandOff, Status
from turnkeeper.dialogue.state import DialogueState
from turnkeeper.forms.model import Form

MOVES: dict[Status, tuple[Status, ...]] = {
    "collecting": ("confirming", "submitting", "handed_off", "cancelled", "abandoned", "expired"),
    "confirming": ("collecting", "submitting", "handed_off", "cancelled", "abandoned", "expired"),
    "submitting": ("completed", "failed"),
    "handed_off": ("collecting", "confirming", "completed", "cancelled", "abandoned", "expired"),
    "completed": (),
    "cancelled": (),
    "abandoned": (),
    "expired": (),
    "failed": ("submitting",),
}

OPEN: frozenset[Status] = frozenset({"collecting", "confirming"})
"""A session whose form is worked on."""

CLOSED: frozenset[Status] = frozenset({"completed", "cancelled", "abandoned", "expired", "failed"})
"""A session that has ended. `submitting` and `handed_off` are neither: the form waits."""


def takes_turns(state: DialogueState) -> bool:
    """Whether a turn changes anything: the form is worked on; or a person has it, and keeps it for
    as long as whoever called back has not shown who they are."""
    asked = state.door is not None and state.door.asking
    return state.status in OPEN or (asked and state.status == "handed_off")


def may_hand_off(state: DialogueState, request: HandOff) -> bool:
    """Whether the request has an effect: on a form that a person has already it has one where
    somebody is on the line, and where it gives attempts back."""
    if state.status == "handed_off":
        return request.unlock or takes_turns(state)
    return "handed_off" in MOVES[state.status]


def runs_out(form: Form, state: DialogueState, now: datetime) -> tuple[datetime, Status]:
    """When a session that waits for its caller ends if nothing happens, and as what."""
    abandoned = (state.updated_at or now) + form.abandon_after
    expired = (state.created_at or now) + form.expire_after
    return (abandoned, "abandoned") if abandoned <= expired else (expired, "expired")
