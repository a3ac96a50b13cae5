"""What is no message of the protocol is refused in a sentence that quotes nothing of it."""

import json

import pytest

from tests.channels.streaming import NOBODY, Caller, Gateway, leg_of, problem
from turnkeeper.gateway.stream.messages import BadMessage, read

UNREADABLE = {
    "not JSON": "policy 4321",
    "half JSON": '{"type": "turn", "text": "4321',
    "a list": '[{"type": "ping"}]',
    "no type": '{"text": "4321"}',
    "a type that is no name": '{"type": 4321}',
    "very deep": "[" * 100_000,
    "binary": b'{"type": "ping"}',
}


@pytest.mark.parametrize("frame", UNREADABLE.values(), ids=UNREADABLE)
async def test_what_is_no_message_is_said_in_a_sentence_and_closes(
    here: Gateway, frame: str | bytes
) -> None:
    line = await Caller.on(here)
    await line.socket.send(frame)
    refused = await line.hears()
    assert problem(refused) == "invalid-input"
    assert "4321" not in json.dumps(refused)
    assert await line.closed() == (4400, "not a message of this protocol")
    assert await leg_of(here) == "drop"


WRONG: dict[str, dict[str, object]] = {
    "an unknown type": {"type": "secret4321", "utterance_id": "u1"},
    "a turn without an id": {"type": "turn", "text": "4321"},
    "words that are a number": {"type": "turn", "utterance_id": "u1", "text": 4321},
    "an answer that is a list": {"type": "turn", "utterance_id": "u1", "answers": {"a": [4321]}},
    "an unknown event": {"type": "turn", "utterance_id": "u1", "event": "e4321"},
    "a confidence that is infinite": {
        "type": "turn", "utterance_id": "u1", "text": "4321", "confidence": float("inf")
    },
    "half of a character": {"type": "turn", "utterance_id": "u1", "text": "4321\ud800"},
    "a second open": {"type": "open", "form": "claim", "caller": "4321"},
}  # fmt: skip


@pytest.mark.parametrize("message", WRONG.values(), ids=WRONG)
async def test_a_wrong_message_is_refused_without_its_values_and_the_socket_goes_on(
    here: Gateway, message: dict[str, object]
) -> None:
    line = await Caller.on(here)
    refused = await line.asks(**message)
    assert problem(refused) == "invalid-input"
    assert refused["retryable"] is False
    assert refused["utterance_id"] == message.get("utterance_id")
    assert "4321" not in json.dumps(refused)
    assert (await line.turn("4321", "u9"))["type"] == "reply"


@pytest.mark.parametrize("kind", ["turn", "state", "hangup", "cancel", "hand_off", "greet"])
async def test_nothing_goes_before_open_or_resume(here: Gateway, kind: str) -> None:
    line = await Caller.of(here)
    refused = await line.asks(type=kind, utterance_id="u1")
    assert problem(refused) == "invalid-input"
    assert (await line.closed())[0] == 4400


@pytest.mark.parametrize(
    ("form", "caller", "kind"),
    [("nothing", "ada", "unknown-form"), ("claim", "anonymous", "invalid-caller")],
)
async def test_an_open_that_is_refused_may_be_mended_on_the_same_socket(
    here: Gateway, form: str, caller: str, kind: str
) -> None:
    line = await Caller.of(here)
    assert problem(await line.asks(type="open", form=form, caller=caller)) == kind
    assert (await line.asks(type="open", form="claim", caller="ada"))["type"] == "opened"


TOO_LONG: dict[str, dict[str, object]] = {
    "transport_id": {"type": "open", "form": "claim", "caller": "a", "transport_id": "x" * 201},
    "channel": {"type": "open", "form": "claim", "caller": "a", "channel": "x" * 65},
    "reason of cancel": {"type": "cancel", "reason": "x" * 201},
    "reason of hand_off": {"type": "hand_off", "reason": "x" * 201},
    "epoch": {"type": "resume", "session_id": NOBODY, "leg": 1, "epoch": ""},
    "session_id": {"type": "resume", "session_id": "x", "leg": 1, "epoch": "e"},
}


@pytest.mark.parametrize(("name", "message"), TOO_LONG.items(), ids=TOO_LONG)
def test_what_is_kept_of_a_message_has_the_bounds_that_it_has_over_http(
    name: str, message: dict[str, object]
) -> None:
    with pytest.raises(BadMessage, match=f": {name.split()[0]}: String should"):
        read(json.dumps(message))


async def test_fields_of_a_newer_client_are_ignored(here: Gateway) -> None:
    line = await Caller.on(here)
    reply = await line.asks(type="turn", utterance_id="u1", text="4321", mood="calm")
    assert reply["type"] == "reply"
