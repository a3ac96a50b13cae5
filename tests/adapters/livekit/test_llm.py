"""The form in the language-model slot of an agent that is not ours."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

pytest.importorskip("livekit.agents", reason="scripts/adapters has an environment for it")

from livekit.agents import Agent, AgentSession
from livekit.agents.llm import ChatContext, ChatMessage

from tests.adapters.livekit.calls import call, impatient, spoken, until
from tests.adapters.livekit.conftest import CALLER, GREETING
from tests.adapters.livekit.speech import ScriptedSTT, speaking
from turnkeeper.adapters.livekit import DurableFormAgent, DurableFormLLM
from turnkeeper.adapters.livekit.heard import utterances
from turnkeeper.contract import SessionState, Transcript
from turnkeeper.testing import MemorySessions


@dataclass
class Speculation:
    """A spoken call to a plain agent, with LiveKit's preemptive generation."""

    session: AgentSession[None]
    recogniser: ScriptedSTT
    speeches: list[object]
    """Replies that LiveKit has begun, greeting excluded."""


@asynccontextmanager
async def speculating(model: DurableFormLLM) -> AsyncIterator[Speculation]:
    """A call that has heard the greeting."""
    recogniser = ScriptedSTT()
    async with speaking(recogniser) as session:
        await session.start(Agent(instructions="", llm=model))
        await session.generate_reply()
        speeches: list[object] = []
        session.on("speech_created", speeches.append)
        yield Speculation(session, recogniser, speeches)


async def state(memory: MemorySessions) -> SessionState:
    return await memory.state(await memory.session_id("claim", CALLER))


async def transcript(memory: MemorySessions) -> Transcript:
    return await memory.transcript(await memory.session_id("claim", CALLER))


def model(memory: MemorySessions) -> DurableFormLLM:
    return DurableFormLLM(memory, "claim", caller=CALLER)


async def test_the_first_reply_is_the_greeting_whatever_was_said(memory: MemorySessions) -> None:
    async with impatient() as session:
        await session.start(Agent(instructions="", llm=model(memory)))
        assert spoken(await session.run(user_input="9999")) == GREETING
        assert spoken(await session.run(user_input="1234")) == "Was anything stolen?"
    assert (await state(memory)).turns == 1


async def test_a_reply_that_is_asked_for_again_is_the_newest(memory: MemorySessions) -> None:
    async with impatient() as session:
        await session.start(Agent(instructions="", llm=model(memory)))
        await session.generate_reply()
        await session.run(user_input="1234")
        await session.generate_reply()
        said = [one.text_content for one in session.history.messages() if one.role == "assistant"]
    assert said == [GREETING, "Was anything stolen?", "Was anything stolen?"]
    assert (await state(memory)).turns == 1


async def test_speculation_stores_the_final_words_only(memory: MemorySessions) -> None:
    speaker = model(memory)
    async with speculating(speaker) as call_:
        call_.recogniser.hear("start_of_speech")
        call_.recogniser.hear("preflight_transcript", "9999")
        await until(lambda: len(call_.speeches) == 1)
        call_.recogniser.hear("preflight_transcript", "1234")
        await until(lambda: len(call_.speeches) == 2)
        call_.recogniser.hear("final_transcript", "1234")
        call_.recogniser.hear("end_of_speech")
        session = speaker.call.session
        assert session is not None
        await until(lambda: session.reply.field == "theft")
    assert (await state(memory)).form_answers == {"policy": "1234"}
    assert (await state(memory)).turns == 1


async def test_speculation_whose_caller_drops_off_stores_nothing(memory: MemorySessions) -> None:
    async with speculating(model(memory)) as call_:
        call_.recogniser.hear("start_of_speech")
        call_.recogniser.hear("preflight_transcript", "9999")
        await until(lambda: len(call_.speeches) == 1)
        for _ in range(50):  # Whatever would be sent is sent by now.
            await asyncio.sleep(0)
    assert (await state(memory)).turns == 0
    assert (await state(memory)).form_answers == {}


async def test_the_agent_does_not_speculate_at_all(memory: MemorySessions) -> None:
    recogniser = ScriptedSTT()
    agent = DurableFormAgent(memory, "claim", caller=CALLER)
    async with call(agent, speaking(recogniser)) as phone:
        created: list[object] = []
        phone.session.on("speech_created", created.append)
        recogniser.hear("start_of_speech")
        recogniser.hear("preflight_transcript", "9999")
        recogniser.hear("final_transcript", "1234")
        recogniser.hear("end_of_speech")
        await phone.until_heard("Was anything stolen?")
        assert len(created) == 1


async def test_a_recogniser_without_scores_is_not_one_with_low_scores(
    memory: MemorySessions,
) -> None:
    recogniser = ScriptedSTT()
    async with call(
        DurableFormAgent(memory, "claim", caller=CALLER), speaking(recogniser)
    ) as phone:
        recogniser.hear("start_of_speech")
        recogniser.hear("final_transcript", "1234")
        recogniser.hear("end_of_speech")
        await phone.until_heard("Was anything stolen?")


@pytest.mark.parametrize("ticks", range(12))
async def test_a_reply_that_is_interrupted_loses_no_answer(
    memory: MemorySessions, ticks: int
) -> None:
    """However early: the words are in LiveKit's history, so they are in the form."""
    async with call(DurableFormAgent(memory, "claim", caller=CALLER)) as phone:
        speech = phone.session.generate_reply(user_input="1234")
        for _ in range(ticks):
            await asyncio.sleep(0)
        speech.interrupt()
        await speech
        assert await phone.say("yes") == "What is your name?"
    assert (await state(memory)).form_answers == {"policy": "1234", "theft": True}
    assert (await state(memory)).turns == 2


async def test_an_answer_cancelled_before_it_was_sent_goes_with_the_next(
    memory: MemorySessions,
) -> None:
    speaker, chat = model(memory), ChatContext.empty()
    await speaker.call.open(chat)
    chat.insert(ChatMessage(role="user", content=["1234"], created_at=1))
    cancelled = asyncio.ensure_future(speaker.call.answer(chat))
    cancelled.cancel()
    await asyncio.wait([cancelled])
    assert (await state(memory)).turns == 0
    chat.insert(ChatMessage(role="user", content=["yes"], created_at=2))
    assert (await speaker.call.answer(chat)).say == "What is your name?"
    assert (await state(memory)).form_answers == {"policy": "1234", "theft": True}


def cut_off(words: str) -> ChatMessage:
    """What LiveKit leaves of a reply that was interrupted."""
    return ChatMessage(role="assistant", content=[words], interrupted=True, created_at=1)


def test_what_was_heard_of_an_interrupted_reply_goes_with_the_turn() -> None:
    chat = ChatContext.empty()
    chat.insert(
        ChatMessage(role="assistant", content=["Hello. Pol"], interrupted=True, created_at=1)
    )
    chat.insert(ChatMessage(role="user", content=["wait"], created_at=2))
    chat.insert(ChatMessage(role="user", content=["1234"], created_at=3))
    chat.insert(ChatMessage(role="assistant", content=["Was anything stolen?"], created_at=4))
    chat.insert(ChatMessage(role="user", content=["no"], created_at=5))
    heard = [one.content["said"] for one in utterances(chat)]
    assert heard == ["Hello. Pol", "", None]


async def test_the_transcript_says_up_to_where_a_reply_was_heard(memory: MemorySessions) -> None:
    chat = ChatContext.empty()
    speaker = model(memory)
    await speaker.call.open(chat)
    chat.insert(
        ChatMessage(role="assistant", content=["Hello. Pol"], interrupted=True, created_at=1)
    )
    chat.insert(ChatMessage(role="user", content=["1234"], created_at=2))
    async with speaker.chat(chat_ctx=chat) as stream:
        answer = [chunk.delta.content async for chunk in stream if chunk.delta]
    assert answer == ["Was anything stolen?"]
    assert (await transcript(memory)).entries[0].heard_until == "Hello. Pol"


async def test_what_another_agent_was_told_before_is_no_answer(memory: MemorySessions) -> None:
    chat = ChatContext.empty()
    chat.add_message(role="user", content="9999")
    agent = DurableFormAgent(memory, "claim", caller=CALLER, chat_ctx=chat)
    async with call(agent) as phone:
        assert await phone.say("1234") == "Was anything stolen?"
    assert (await state(memory)).turns == 1
