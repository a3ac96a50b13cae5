"""What is spoken next, and what follows: from a reply, or from an error in place of one."""

from collections.abc import Mapping
from dataclasses import dataclass

from turnkeeper.contract import Expects, Reply, SessionState
from turnkeeper.dialogue.phrases import phrases
from turnkeeper.dialogue.speak import STANDING
from turnkeeper.errors import (
    SessionClosed,
    SessionNotFound,
    SupersededLeg,
    TurnkeeperError,
    UnknownForm,
)
from turnkeeper.gateway.twilio import sentences


@dataclass(frozen=True, slots=True)
class Words:
    """What is spoken next, and what follows."""

    text: str
    expects: Expects | None = None
    ending: Mapping[str, str] | None = None
    """The hand-off data with which the session ends; None: the caller is listened to."""


def words_of(reply: Reply) -> Words:
    """What a reply has the relay do."""
    if reply.next == "listen":
        return Words(reply.say, reply.expects)
    if reply.next == "hang_up":
        return Words(reply.say, ending={"reason": reply.status})
    return Words(reply.say, ending=handed_off(reply.transfer_to))


def handed_off(transfer_to: str | None) -> dict[str, str]:
    """The hand-off data for `POST /twilio/action`; it is in the platform's logs, too."""
    return {"reason": "handed_off"} | ({"transfer_to": transfer_to} if transfer_to else {})


ENDINGS: dict[type[TurnkeeperError], Words] = {
    SupersededLeg: Words(sentences.OTHER_LINE, ending={"reason": "superseded"}),
    SessionNotFound: Words(sentences.NO_SESSION, ending={"reason": "session_not_found"}),
    UnknownForm: Words(sentences.NO_FORM, ending={"reason": "unknown_form"}),
}
"""Errors after which there is nothing to listen for."""

UNAVAILABLE = Words("", ending={"reason": "unavailable"})
"""Nothing is said: `POST /twilio/action` tries again a few times, and then says `CALL_LATER`."""


def closed(error: SessionClosed, state: SessionState | None, language: str) -> Words:
    """Somebody ended the session in mid-call, or left the caller to a person."""
    phrase = next((name for status, name in STANDING.items() if status == error.status), None)
    text = phrases(language)[phrase] if phrase else sentences.NO_SESSION
    if error.status != "handed_off":
        return Words(text, ending={"reason": error.status})
    form = state.definition if state else None
    return Words(text, ending=handed_off(form.hand_off if form else None))
