"""The statuses of a session and the moves between them: one literal table.

`docs/how-it-works.md` draws its diagram from it (`scripts/docs`); `evolve` refuses what is not in
it.
"""

from turnkeeper.contract import HandOff, Status

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
"""A session that takes turns."""

CLOSED: frozenset[Status] = frozenset({"completed", "cancelled", "abandoned", "expired", "failed"})
"""A session that has ended. `submitting` and `handed_off` are neither: the form waits."""


def may_hand_off(status: Status, request: HandOff) -> bool:
    """Whether the request has an effect: one that gives attempts back has, where the form was
    handed off because none was left."""
    return "handed_off" in MOVES[status] or (request.unlock and status == "handed_off")
