"""How a session stands: what a client that comes back is told, what is news to one that stayed."""

from turnkeeper.client import VoiceSession
from turnkeeper.contract import Progress, Reply, SessionState, Status
from turnkeeper.dialogue.status import CLOSED, OPEN
from turnkeeper.errors import SupersededLeg
from turnkeeper.gateway.stream.messages import Happened, StateView

Standing = tuple[Status, str | None, Progress]
"""What a client knows of its session from replies and events."""


def standing(of: Reply | SessionState | Happened) -> Standing:
    return of.status, of.field, of.progress


def view(state: SessionState) -> StateView:
    return StateView.model_validate(dict(state))


def is_newest(session: VoiceSession, state: SessionState) -> bool:
    """Whether this leg still speaks for the caller. Legs count anew in the caller's next session,
    so the epoch is compared as well."""
    return (state.epoch, state.leg) == (session.epoch or state.epoch, session.leg)


def require_newest(session: VoiceSession, state: SessionState) -> None:
    """Raises SupersededLeg: the caller has opened another leg since, or another session."""
    if not is_newest(session, state):
        raise SupersededLeg(
            f"leg {session.leg} is not the newest, which is {state.leg} of the caller's newest"
            " session: the caller is on another line now"
        )


def happened(state: SessionState, session: VoiceSession) -> Happened:
    """A state, told to a leg that did not bring it about."""
    superseded = not is_newest(session, state)
    return Happened(
        event="superseded" if superseded else "changed" if state.status in OPEN else "ended",
        status=state.status,
        field=state.field,
        progress=state.progress,
        leg=state.leg,
        version=state.version,
    )


async def standing_reply(session: VoiceSession) -> Reply:
    """The reply that the caller of this leg had last, with the status that the session has now.

    Raises:
        SupersededLeg: the caller has opened another leg since, or another session.
        SessionNotFound, StoreUnavailable: as of `VoiceSession.state`.
    """
    state = await session.state()
    require_newest(session, state)
    reply = await _last_said(session, state)
    over = {"next": "hang_up"} if state.status in CLOSED else {}
    now = {"status": state.status, "field": state.field, "progress": state.progress}
    return reply.model_copy(update={**now, **over})


async def _last_said(session: VoiceSession, state: SessionState) -> Reply:
    """The reply to the leg's newest turn; before its first, the greeting's words."""
    last = state.last_turn
    if last is None or last.leg != session.leg:
        spoken = (await session.transcript()).entries
        said = spoken[-1].said if spoken else ""
        return Reply(say=said, epoch=session.epoch, leg=session.leg, confirming=state.confirming)
    reply = await session.reply_to(last.utterance_id)
    if reply is None:  # Utterances have the epoch in their names.
        raise SupersededLeg(
            "the session of this leg has ended, and the caller has begun another since"
        )
    return reply
