"""Retell's custom-LLM socket, frame by frame, over a real socket."""

import asyncio
import json

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.channels.claim import CALLER, state_of
from tests.channels.retell.calls import Retell, until
from turnkeeper.contract import Connect, Opening, Reply
from turnkeeper.testing import MemorySessions

# --- frames ---------------------------------------------------------------------------------------


async def test_a_call_begins_with_our_config_and_its_greeting(url: str) -> None:
    async with connect(f"{url}/call-1") as socket:
        call = Retell(socket)
        config = json.loads(await socket.recv())
        assert config == {
            "response_type": "config",
            "config": {"auto_reconnect": True, "call_details": True},
        }
        await call.details()
        assert await call.response() == {
            "response_type": "response",
            "response_id": 0,
            "content": "Hello. Policy number?",
            "content_complete": True,
            "end_call": False,
        }


async def test_a_ping_is_answered_even_while_the_store_is_away(
    url: str, sessions: MemorySessions
) -> None:
    async with connect(f"{url}/call-1") as socket:
        call = Retell(socket)
        await socket.recv()
        with sessions.unreachable():
            await call.details()
            await call.send(interaction_type="ping_pong", timestamp=17)
            pong = json.loads(await socket.recv())
        assert pong == {"response_type": "ping_pong", "timestamp": 17}


async def test_a_response_has_the_id_of_its_request(call: Retell) -> None:
    call.response_id = 6
    response = await call.says("4321")
    assert (response["response_id"], response["content"]) == (7, "Was anything stolen?")


async def test_updates_and_frames_of_kinds_to_come_are_no_turns(
    call: Retell, sessions: MemorySessions
) -> None:
    partly = [*call.transcript, {"role": "user", "content": "43"}]
    await call.send(interaction_type="update_only", transcript=partly, turntaking="user_turn")
    await call.send(interaction_type="something_new", why=["not"])
    assert (await call.says("4321"))["content"] == "Was anything stolen?"
    assert (await state_of(sessions)).turns == 1


@pytest.mark.parametrize("frame", ["{", "[]", '{"interaction_type": 5}', b"\x00"], ids=str)
async def test_what_is_no_frame_closes_the_socket_with_a_sentence(
    url: str, frame: str | bytes
) -> None:
    async with connect(f"{url}/call-1") as socket:
        await socket.send(frame)
        with pytest.raises(ConnectionClosed) as closed:
            await Retell(socket).response()
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (
        1007,
        "this socket takes Retell's frames: JSON, as text",
    )


# --- turns ----------------------------------------------------------------------------------------


async def test_more_words_with_a_newer_id_amend(call: Retell, sessions: MemorySessions) -> None:
    await call.says("4321")
    await call.says("yes")
    call.transcript[-2:] = []
    assert (await call.says("no, nothing"))["content"] == "What is your name?"
    state = await state_of(sessions)
    assert (state.form_answers["theft"], state.turns) == (False, 2)


async def test_only_the_newest_response_is_spoken_and_no_utterance_is_lost(
    call: Retell, sessions: MemorySessions
) -> None:
    for words in ("4321", "no"):
        call.transcript.append({"role": "user", "content": words})
        await call.require()
    response = await call.response()
    assert (response["response_id"], response["content"]) == (2, "What is your name?")
    assert (await state_of(sessions)).form_answers == {"policy": "4321", "theft": False}


async def test_an_older_response_id_is_not_answered(call: Retell, sessions: MemorySessions) -> None:
    await call.says("4321")
    late = [{"role": "user", "content": "1234"}]
    await call.send(interaction_type="response_required", response_id=1, transcript=late)
    assert await call.is_told_nothing()
    assert (await call.says("no"))["response_id"] == 2
    assert (await state_of(sessions)).form_answers["policy"] == "4321"


async def test_a_reminder_is_no_input(call: Retell, sessions: MemorySessions) -> None:
    await call.require("reminder_required")
    assert str((await call.response())["content"]).endswith("Four digits please.")
    assert (await call.says("4321"))["content"] == "Was anything stolen?"
    assert (await state_of(sessions)).turns == 2


async def test_what_was_heard_of_an_interrupted_reply_is_noted(
    call: Retell, sessions: MemorySessions
) -> None:
    await call.says("4321")
    call.transcript[-1]["content"] = "Was any"
    await call.says("no")
    transcript = await sessions.transcript(await sessions.session_id("claim", CALLER))
    assert [entry.heard_until for entry in transcript.entries] == [None, "Was any", None]


async def test_a_request_before_anything_was_said_repeats_the_greeting(call: Retell) -> None:
    call.transcript = []
    await call.require()
    assert (await call.response())["content"] == "Hello. Policy number?"


async def test_an_answer_is_kept_though_the_line_is_cut_before_the_reply(
    call: Retell, sessions: MemorySessions
) -> None:
    call.transcript.append({"role": "user", "content": "4321"})
    await call.require()
    call.socket.transport.abort()
    await until(lambda state: state.form_answers == {"policy": "4321"}, sessions)


async def test_an_answer_is_kept_though_its_call_ends_before_it_was_found(
    url: str, sessions: MemorySessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store is slow to open the session, and the caller quick to speak and to hang up."""
    gate, opened, connecting = asyncio.Event(), asyncio.Event(), sessions._memory.connect

    async def slow(session_id: str, opening: Opening, message: Connect) -> Reply:
        await gate.wait()
        reply = await connecting(session_id, opening, message)
        opened.set()
        return reply

    monkeypatch.setattr(sessions._memory, "connect", slow)
    async with connect(f"{url}/call-1") as socket:
        call = Retell(socket)
        await call.details()
        call.transcript.append({"role": "user", "content": "4321"})
        await call.require()
        assert await call.is_told_nothing()
    gate.set()
    await opened.wait()
    await until(lambda state: state.form_answers == {"policy": "4321"}, sessions)


# --- legs -----------------------------------------------------------------------------------------


async def test_a_socket_that_was_lost_is_the_same_leg_and_the_turn_the_same_turn(
    call: Retell, url: str, sessions: MemorySessions
) -> None:
    await call.says("4321")
    call.socket.transport.abort()
    await until(lambda state: state.legs[0].reason == "socket_closed", sessions)
    async with connect(f"{url}/call-1") as socket:
        again = Retell(socket)
        again.transcript, again.response_id = call.transcript[:-1], 1
        await again.details()
        assert await again.is_told_nothing()
        await again.require()
        assert (await again.response())["content"] == "Was anything stolen?"
        again.transcript.append({"role": "agent", "content": "Was anything stolen?"})
        assert (await again.says("no"))["content"] == "What is your name?"
    state = await state_of(sessions)
    assert (len(state.legs), state.turns) == (1, 2)


async def test_a_redial_is_welcomed_back_and_the_older_call_ends(
    call: Retell, url: str, sessions: MemorySessions
) -> None:
    await call.says("4321")
    async with connect(f"{url}/call-2") as socket:
        again = Retell(socket)
        await again.details()
        assert str((await again.response())["content"]).startswith("Welcome back.")
        older = await call.says("no")
        assert (older["content"], older["end_call"]) == ("", True)
    assert (await state_of(sessions)).form_answers == {"policy": "4321"}


async def test_the_end_of_the_form_ends_the_call_and_words_after_it_begin_nothing(
    call: Retell, sessions: MemorySessions
) -> None:
    for words in ("4321", "no"):
        await call.says(words)
    for words in ("Ada Lovelace", "thanks"):
        last = await call.says(words)
        assert (last["content"], last["end_call"]) == ("Thank you.", True)
    assert len(sessions.delivered) == 1


async def test_a_caller_who_wants_a_person_is_transferred(call: Retell) -> None:
    last = await call.says("let me talk to a person")
    assert (last["transfer_number"], last["end_call"]) == ("+1 415 555 0123", False)
