"""Twilio ConversationRelay: what a caller on the line gets, frame by frame."""

import asyncio
import os
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import pytest
from fastapi import FastAPI
from structlog.testing import capture_logs

from tests.channels.claim import CALLER, state_of
from tests.channels.stand import ROOT, TWILIO_TOKEN, Stand
from tests.channels.twilio.calls import posted
from turnkeeper.gateway.twilio import sentences
from turnkeeper.gateway.twilio.frames import parse
from turnkeeper.relay_caller import RelayCaller, calling
from turnkeeper.telemetry.logs import KEYS
from turnkeeper.testing import MemorySessions

pytest_plugins = ["turnkeeper.pytest_relay"]


async def test_the_shipped_fixture_plays_a_whole_call(
    app: FastAPI,
    sessions: MemorySessions,
    twilio_call: Callable[..., AbstractAsyncContextManager[RelayCaller]],
) -> None:
    async with twilio_call(app, form="claim") as call:
        assert await call.ring() == "Hello. Policy number?"
        assert await call.say("4321") == "Was anything stolen?"
        assert await call.press("2") == "Is any glass broken?"
        assert await call.say("yes") == "Report number?"
        assert await call.press("77#") == "Thank you."
        assert [verb.tag for verb in await call.finish()] == ["Hangup"]
    state = await state_of(sessions)
    assert call.handoff == {"reason": "submitting"}
    assert state.status == "completed"
    expected = {"policy": "4321", "theft": False, "glass": True, "report": "77"}
    assert state.form_answers == expected
    (leg,) = state.legs
    assert (leg.transport_id, leg.channel, leg.reason) == (call.call_sid, "twilio", "submitting")


async def test_the_session_is_ended_after_its_last_words_were_spoken(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`end` cuts off in mid-word."""
    async with calling(app, "claim") as call:
        await call.ring()
        monkeypatch.setattr(call, "_played", lambda: asyncio.sleep(0))  # Still being spoken.
        await call.say("cancel")
        await call.say("yes")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await call.finish()
        await call.send("info", name="agentSpeaking", value="on")
        await call.send("info", name="agentSpeaking", value="off")
        await call.finish()
    assert call.handoff == {"reason": "cancelled"}


async def test_a_new_socket_of_the_same_call_is_a_new_leg_with_the_pending_question(
    app: FastAPI, sessions: MemorySessions
) -> None:
    async with calling(app, "claim") as call:
        await call.ring()
        await call.say("4321")
        await call.drop()
        assert (await call.carry_on()).endswith("Was anything stolen?")
        assert await call.say("no") == "Is any glass broken?"
    legs = (await state_of(sessions)).legs
    assert [leg.transport_id for leg in legs] == [call.call_sid] * 2


async def test_an_answer_that_is_interrupted_or_talked_over_is_kept_in_order(
    app: FastAPI, sessions: MemorySessions
) -> None:
    async with calling(app, "claim") as call:
        await call.ring()
        for words in ("4321", "no", "yes"):
            await call.utter(words)
        heard = [await call.listen() for _ in range(3)]
    assert heard == ["Was anything stolen?", "Is any glass broken?", "Report number?"]
    assert (await state_of(sessions)).turns == 3


async def test_words_before_the_final_transcript_are_no_turn(
    app: FastAPI, sessions: MemorySessions
) -> None:
    async with calling(app, "claim") as call:
        await call.ring()
        await call.send("prompt", voicePrompt="1234", lang="en-US", last=False)
        assert await call.say("4321") == "Was anything stolen?"
    state = await state_of(sessions)
    assert (state.turns, state.form_answers) == (1, {"policy": "4321"})


async def test_what_was_heard_before_a_barge_in_is_in_the_transcript(
    app: FastAPI, sessions: MemorySessions
) -> None:
    async with calling(app, "claim") as call:
        await call.ring()
        await call.say("4321")
        await call.interrupt("Was any")
        await call.say("no")
    transcript = await sessions.transcript(await sessions.session_id("claim", CALLER))
    heard = {entry.said: entry.heard_until for entry in transcript.entries}
    assert heard["Was anything stolen?"] == "Was any"
    assert heard["Hello. Policy number?"] is None


async def test_what_was_said_before_the_socket_broke_is_kept_without_being_answered(
    app: FastAPI, sessions: MemorySessions
) -> None:
    async with calling(app, "claim") as call:
        await call.ring()
        for words in ("4321", "no"):
            await call.utter(words)
        await call.drop()
        assert (await call.carry_on()).endswith("Is any glass broken?")
    assert (await state_of(sessions)).form_answers == {"policy": "4321", "theft": False}


async def test_a_newer_call_takes_over_and_the_older_one_is_told_so(
    app: FastAPI, sessions: MemorySessions
) -> None:
    async with calling(app, "claim") as older, calling(app, "claim") as newer:
        await older.ring()
        await newer.ring()
        assert await older.say("4321") == sentences.OTHER_LINE
        assert [verb.tag for verb in await older.finish()] == ["Hangup"]
        assert await newer.say("1234") == "Was anything stolen?"
    assert (await state_of(sessions)).form_answers == {"policy": "1234"}


async def test_a_caller_who_asks_for_a_person_is_transferred(
    app: FastAPI, sessions: MemorySessions
) -> None:
    async with calling(app, "claim") as call:
        await call.ring()
        await call.say("4321")
        await call.say("let me talk to a person")
        (dial,) = await call.finish()
    assert [(each.tag, each.text) for each in dial] == [("Number", "+1 415 555 0123")]
    assert call.handoff == {"reason": "handed_off", "transfer_to": "+1 415 555 0123"}
    assert (await state_of(sessions)).status == "handed_off"


async def test_a_caller_whom_an_operator_hands_off_is_transferred_at_the_next_word(
    app: FastAPI, sessions: MemorySessions
) -> None:
    async with calling(app, "claim") as call:
        await call.ring()
        await sessions.hand_off(await sessions.session_id("claim", CALLER))
        await call.say("4321")
        (dial,) = await call.finish()
    assert dial.tag == "Dial"


async def test_a_session_that_an_operator_cancels_says_so_and_ends(
    app: FastAPI, sessions: MemorySessions
) -> None:
    async with calling(app, "claim") as call:
        await call.ring()
        await sessions.cancel(await sessions.session_id("claim", CALLER))
        assert "cancelled" in await call.say("4321")
        assert [verb.tag for verb in await call.finish()] == ["Hangup"]


async def test_frames_that_we_do_not_know_change_nothing(app: FastAPI) -> None:
    async with calling(app, "claim") as call:
        await call.ring()
        await call.send("debug", what="ever")
        await call.send("prompt")
        await call.send("error", description="Invalid message received: 4321")
        await call.send("dtmf", digit="A")
        await call.send("prompt", voicePrompt="  ", last=True)
        assert await call.say("4321") == "Was anything stolen?"


@pytest.mark.parametrize("text", ["", "[", "[]", '{"type": 1}', '{"type": "setup"}', "null"])
def test_what_is_no_frame_is_none(text: str) -> None:
    assert parse(text) is None


async def test_no_log_line_says_who_called_or_what_they_said(app: FastAPI) -> None:
    with capture_logs() as lines:
        async with calling(app, "claim") as call:
            await call.ring()
            await call.say("4321")
            await call.send("error", description="Invalid message: 4321")
            await call.drop()
            await call.carry_on()
            await call.say("cancel")
            await call.say("yes")
            await call.finish()
        await posted(app, "/twilio/voice?form=nosuch", From=CALLER)
    assert len(lines) >= 6
    assert {key for line in lines for key in line} <= KEYS | {"log_level"}
    for secret in ("4321", CALLER[2:], call.call_sid):
        assert secret not in str(lines)


async def test_the_example_plays_a_call_with_a_drop(channels: Stand) -> None:
    example = str(ROOT / "examples" / "twilio_caller.py")
    words = ("4321#", "drop", "no", "Ada Lovelace", "yes")
    options = ("--gateway", channels.gateway.url, "--caller", "+14155559901")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, example, "claim", *words, *options),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "TURNKEEPER_TWILIO_AUTH_TOKEN": TWILIO_TOKEN},
    )
    output, errors = await asyncio.wait_for(process.communicate(), 60)
    said = output.decode()
    assert (process.returncode, errors) == (0, b"")
    assert "caller: (the line is lost)\nagent:  Welcome back." in said
    assert said.endswith("(the gateway answers Hangup)\n")
    session = await channels.sessions.session_id("claim", "+14155559901")
    assert (await channels.sessions.state(session)).status == "completed"
