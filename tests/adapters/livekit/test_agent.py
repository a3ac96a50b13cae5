"""The form is the agent."""

import asyncio

import pytest

pytest.importorskip("livekit.agents", reason="scripts/adapters has an environment for it")

from livekit.agents.voice.events import CloseReason

from tests.adapters.livekit.calls import call, until
from tests.adapters.livekit.conftest import CALLER, CLAIM, GREETING
from turnkeeper.adapters.livekit import DurableFormAgent, conversation
from turnkeeper.contract import Reply, SessionState
from turnkeeper.forms.load import parse_form
from turnkeeper.testing import MemorySessions


def agent(memory: MemorySessions, noinput_timeout: float | None = None) -> DurableFormAgent:
    return DurableFormAgent(memory, "claim", caller=CALLER, noinput_timeout=noinput_timeout)


async def state(memory: MemorySessions) -> SessionState:
    return await memory.state(await memory.session_id("claim", CALLER))


async def test_the_caller_is_greeted_and_asked(memory: MemorySessions) -> None:
    async with call(agent(memory)) as phone:
        assert phone.greeting == GREETING


async def test_an_answer_is_recorded_and_the_next_question_asked(memory: MemorySessions) -> None:
    async with call(agent(memory)) as phone:
        assert await phone.say("one two three four") == "Was anything stolen?"
    assert (await state(memory)).form_answers == {"policy": "1234"}


async def test_the_session_closes_when_the_last_words_were_said(memory: MemorySessions) -> None:
    async with call(agent(memory)) as phone:
        await phone.say("1234")
        await phone.say("no")
        assert await phone.say("Ada") == "Thank you. Goodbye."
        closed = await asyncio.wait_for(phone.closed, 5)
    assert closed.reason is CloseReason.USER_INITIATED
    assert phone.heard()[-1] == "Thank you. Goodbye."
    (delivered,) = memory.delivered
    assert delivered.answers == {"policy": "1234", "theft": False, "name": "Ada"}


async def test_a_caller_who_rings_back_hears_the_question_where_they_were(
    memory: MemorySessions,
) -> None:
    async with call(agent(memory)) as phone:
        await phone.say("1234")
    async with call(agent(memory)) as phone:
        assert phone.greeting.startswith("Welcome back.")
        assert phone.greeting.endswith("Was anything stolen?")
        assert await phone.say("yes") == "What is your name?"


async def test_a_call_that_ends_closes_its_leg(memory: MemorySessions) -> None:
    async with call(agent(memory)):
        assert (await state(memory)).legs[-1].closed_at is None
    leg = (await state(memory)).legs[-1]
    assert leg.closed_at is not None
    assert (leg.channel, leg.reason) == ("livekit", "hang_up")


async def test_the_older_of_two_calls_is_told_and_closed(memory: MemorySessions) -> None:
    async with call(agent(memory)) as older, call(agent(memory)) as newer:
        assert "another line" in await older.say("1234")
        await asyncio.wait_for(older.closed, 5)
        assert await newer.say("1234") == "Was anything stolen?"
    assert (await state(memory)).turns == 1


async def test_silence_is_a_noinput(memory: MemorySessions) -> None:
    async with call(agent(memory, noinput_timeout=0.05)) as phone:
        await phone.until_heard("Four digits please.")
    transcript = await memory.transcript(await memory.session_id("claim", CALLER))
    assert transcript.entries[1].heard == "noinput"


async def test_a_line_on_which_nobody_speaks_is_hung_up_and_the_form_stays(
    memory: MemorySessions,
) -> None:
    async with call(agent(memory, noinput_timeout=0.02)) as phone:
        await asyncio.wait_for(phone.closed, 10)
    assert phone.heard()[-1].startswith("I can't hear you")
    assert (await state(memory)).turns == 3
    assert (await state(memory)).status == "collecting"


async def test_a_turn_that_the_store_did_not_take_is_sent_again(memory: MemorySessions) -> None:
    async with call(agent(memory)) as phone:
        failures: list[object] = []
        phone.session.on("error", failures.append)
        with memory.unreachable():
            handle = phone.session.generate_reply(user_input="1234")
            await until(lambda: failures)
        await handle
        assert phone.heard()[-1] == "Was anything stolen?"
    assert (await state(memory)).turns == 1


async def test_an_answer_that_no_retry_could_store_is_stored_with_the_next(
    memory: MemorySessions,
) -> None:
    async with call(agent(memory)) as phone:
        with memory.unreachable():
            await phone.session.generate_reply(user_input="1234")
        assert phone.heard() == [GREETING]
        assert await phone.say("yes") == "What is your name?"
    assert (await state(memory)).form_answers == {"policy": "1234", "theft": True}


async def test_a_caller_whose_form_is_out_of_reach_waits_and_is_no_new_caller(
    memory: MemorySessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation, "REOPEN_AFTER", 0.02)
    async with call(agent(memory)) as phone:
        await phone.say("1234")
    with memory.unreachable():
        held = call(agent(memory))
        phone = await held.__aenter__()
        assert phone.greeting == "One moment, please."
    await phone.until_heard("Was anything stolen?")
    await held.__aexit__(None, None, None)


async def test_a_call_that_cannot_be_opened_is_ended_in_one_sentence(
    memory: MemorySessions,
) -> None:
    async with call(DurableFormAgent(memory, "no-such-form", caller=CALLER)) as phone:
        assert phone.greeting == "Sorry, I can't take this call now. Goodbye."
        await asyncio.wait_for(phone.closed, 5)


async def test_a_turn_too_long_to_send_is_refused_and_the_question_asked_again(
    memory: MemorySessions,
) -> None:
    async with call(agent(memory)) as phone:
        said = await phone.say("word " * 20_000)
        assert said == f"Sorry, that was too long for me. {GREETING}"
        assert await phone.say("1234") == "Was anything stolen?"


async def test_a_caller_who_asks_for_a_person_is_handed_to_the_hook() -> None:
    class Transferring(DurableFormAgent):
        async def on_transfer(self, reply: Reply) -> None:
            transfers.append(reply.transfer_to)

        async def on_hang_up(self, reply: Reply) -> None:
            hang_ups.append(reply.say)

    transfers: list[str | None] = []
    hang_ups: list[str] = []
    memory = MemorySessions([parse_form(f"{CLAIM}hand_off: '+14155550199'")])
    form_agent = Transferring(memory, "claim", caller=CALLER, noinput_timeout=0.05)
    async with call(form_agent) as phone:
        await phone.say("1234")
        await phone.say("I want to talk to a person")
        await until(lambda: transfers)
        heard = len(phone.heard())
        await asyncio.sleep(0.5)  # Ten times what silence takes to be one.
        assert len(phone.heard()) == heard
        assert "hold" in await phone.say("hello?")
        assert "hold" in await phone.say("are you there?")
    assert hang_ups == []
    assert transfers == ["+14155550199"]
    assert (await state(memory)).status == "handed_off"
