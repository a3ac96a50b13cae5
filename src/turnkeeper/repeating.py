"""A cancel or a hand-off that was carried out before: it gets the answer that the first one had.

Who lost that answer sends it again, from another process perhaps, and so under another request id.
By then the session stands as they want it, and its run may be closed: the answer is made from its
state, in the words of the first.
"""

from turnkeeper.backend import Backend
from turnkeeper.contract import Cancel, HandOff, Next, Reply, SessionState, Status
from turnkeeper.dialogue.phrases import PhraseName, phrases
from turnkeeper.errors import SessionClosed

_ANSWERS: dict[Status, tuple[PhraseName, Next]] = {
    "cancelled": ("cancelled", "hang_up"),
    "handed_off": ("hand_off", "transfer"),
}
"""By how the session stands then: the words of `dialogue.decide`, and what the agent does next."""


async def once(backend: Backend, session_id: str, request: Cancel | HandOff) -> Reply:
    """The reply to the request, or the one that it had. Raises SessionClosed where the session
    stands otherwise, and what the backend raises."""
    try:
        if request.kind == "cancel":
            return await backend.cancel(session_id, request)
        return await backend.hand_off(session_id, request)
    except SessionClosed:
        state = await backend.state(session_id)
        if state.status != ("cancelled" if request.kind == "cancel" else "handed_off"):
            raise
        return _answer(state)


def _answer(state: SessionState) -> Reply:
    form = state.definition
    words, then = _ANSWERS[state.status]
    return Reply(
        say=phrases(form.language if form else "en")[words],
        epoch=state.epoch,
        leg=state.leg,
        status=state.status,
        next=then,
        progress=state.progress,
        transfer_to=form.hand_off if form and then == "transfer" else None,
    )
