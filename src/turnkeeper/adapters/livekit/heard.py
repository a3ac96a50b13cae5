"""What a chat context says that the caller said: user messages as the content of turns."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

from livekit.agents import llm

from turnkeeper.client import TurnContent
from turnkeeper.contract import TurnEvent

DTMF = "turnkeeper.dtmf"
EVENT = "turnkeeper.event"
"""Keys of a `ChatMessage.extra`: the message stands for keys, or for an event, not for words."""

_SILENCE = "(silence)"


@dataclass(frozen=True, slots=True)
class Utterance:
    """One user message: its text, None when it has none, and the rest of the turn."""

    id: str
    text: str | None
    content: TurnContent


def keyed(digits: str) -> llm.ChatMessage:
    """A user message for keys; it reads like them in LiveKit's history."""
    return llm.ChatMessage(role="user", content=[digits], extra={DTMF: digits})


def silence() -> llm.ChatMessage:
    """A user message for a caller who said nothing in time."""
    event: TurnEvent = "noinput"
    return llm.ChatMessage(role="user", content=[_SILENCE], extra={EVENT: event})


def silences(chat_ctx: llm.ChatContext) -> int:
    """How often in a row the caller said nothing, up to now."""
    users = [message for message in chat_ctx.messages() if message.role == "user"]
    return sum(1 for _ in takewhile(lambda message: EVENT in message.extra, reversed(users)))


def user_ids(chat_ctx: llm.ChatContext) -> set[str]:
    """The ids of all user messages."""
    return {message.id for message in chat_ctx.messages() if message.role == "user"}


def utterances(chat_ctx: llm.ChatContext) -> Iterator[Utterance]:
    """The user messages as turns, oldest first."""
    since: list[llm.ChatMessage] = []
    first = True
    for message in chat_ctx.messages():
        if message.role == "user":
            yield _utterance(message, _said(since, first=first))
            since, first = [], False
        elif message.role == "assistant":
            since.append(message)


def _utterance(message: llm.ChatMessage, said: str | None) -> Utterance:
    digits, event = message.extra.get(DTMF), message.extra.get(EVENT)
    content: TurnContent = {"utterance_id": message.id, "said": said}
    if digits is not None:
        return Utterance(message.id, None, {**content, "dtmf": digits})
    if event is not None:
        return Utterance(message.id, None, {**content, "event": event})
    # 0.0 is LiveKit's default for a recogniser that scores nothing, not a low score; and some round
    # to over 1.
    content["confidence"] = min(max(message.transcript_confidence or 0.0, 0.0), 1.0) or None
    return Utterance(message.id, message.text_content or "", content)


def _said(replies: Sequence[llm.ChatMessage], *, first: bool) -> str | None:
    """Up to where the caller heard what was said since their last words; None when they heard all
    of it. LiveKit keeps of an interrupted reply what was played, and no message when that is
    nothing."""
    if not replies:
        return None if first else ""
    newest = replies[-1]
    return newest.text_content or "" if newest.interrupted else None
