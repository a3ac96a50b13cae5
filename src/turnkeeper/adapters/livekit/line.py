"""Who is calling: from a room's participant to a caller."""

from collections.abc import Callable
from typing import TypeAlias

from livekit import rtc
from livekit.agents import AgentSession

from turnkeeper.adapters.livekit.call import Line
from turnkeeper.errors import InvalidCaller
from turnkeeper.security.identity import normal_caller

PHONE_NUMBER = "sip.phoneNumber"
CALL_ID = "sip.callID"
"""Attributes of a SIP participant (LiveKit, "SIP participant")."""

Caller: TypeAlias = str | Callable[[rtc.RemoteParticipant], str]
"""A caller, or what tells it from the participant."""


async def line_of(session: AgentSession[object], caller: Caller | None) -> Line:
    """The line of a session's call; waits for the participant where there is a room.

    Raises:
        InvalidCaller: there is no room, and no text as the caller.
    """
    participant = await _participant(session)
    if participant is None:
        if isinstance(caller, str):
            return Line(caller)
        raise InvalidCaller(
            "there is no room, so nobody is calling: pass `caller=` a phone number or an id"
        )
    if caller is None:
        caller = caller_of(participant)
    who = caller if isinstance(caller, str) else caller(participant)
    return Line(who, participant.attributes.get(CALL_ID) or participant.sid)


def caller_of(participant: rtc.RemoteParticipant) -> str:
    """The phone number of who calls by phone, the identity of anyone else.

    A withheld number identifies nobody, and the identity that LiveKit makes of it is many people's:
    the form is then kept for this call alone.
    """
    if participant.kind != rtc.ParticipantKind.PARTICIPANT_KIND_SIP:
        return participant.identity
    number = participant.attributes.get(PHONE_NUMBER, "")
    try:
        normal_caller(number)
    except InvalidCaller:
        return f"call-{participant.attributes.get(CALL_ID) or participant.sid}"
    return number


def room_of(session: AgentSession[object]) -> rtc.Room | None:
    """The session's room; None when it was started without one."""
    try:
        return session.room_io.room
    except RuntimeError:  # LiveKit's way to say that there is none
        return None


async def _participant(session: AgentSession[object]) -> rtc.RemoteParticipant | None:
    if room_of(session) is None:
        return None
    await session.room_io.wait_for_ready()
    return session.room_io.linked_participant
