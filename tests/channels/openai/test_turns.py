"""OpenAI-compatible: which turn a request is, whatever else was asked before it."""

import asyncio

import pytest
from fastapi import FastAPI

from tests.channels.claim import CALLER, state_of
from tests.channels.openai.chat_platform import Platform, gateway
from turnkeeper.contract import Reply, Turn
from turnkeeper.gateway.calls import Conversation
from turnkeeper.testing import MemorySessions


async def test_the_same_request_again_is_the_same_turn(
    platform: Platform, sessions: MemorySessions
) -> None:
    await platform.hears()
    await platform.says("4321")
    platform.messages.pop()
    assert await platform.hears() == "Was anything stolen?"
    assert (await state_of(sessions)).turns == 1


async def test_more_words_in_the_same_place_amend(
    platform: Platform, sessions: MemorySessions
) -> None:
    await platform.says("4321")
    platform.messages.append({"role": "user", "content": "yes"})
    await platform.hears()
    platform.messages[-1] = {"role": "user", "content": "yes, I mean, no"}
    await platform.hears()
    platform.messages[-1] = {"role": "user", "content": "yes"}
    await platform.hears()
    platform.messages[-1] = {"role": "user", "content": "no"}
    await platform.hears()
    state = await state_of(sessions)
    assert (state.form_answers["theft"], state.turns, state.leg) == (False, 2, 1)


async def test_other_words_of_an_older_utterance_are_a_conflict(
    platform: Platform, sessions: MemorySessions
) -> None:
    await platform.says("4321")
    await platform.says("no")
    platform.messages[1:] = [{"role": "user", "content": "1234"}]
    refused = await platform.post()
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "turn_conflict")
    assert (await state_of(sessions)).form_answers["policy"] == "4321"


async def test_a_speculation_that_is_still_on_its_way_does_not_overtake_the_final_words(
    platform: Platform, sessions: MemorySessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    await platform.says("4321")
    gate, taking = asyncio.Event(), sessions._memory.turn

    async def slow(session_id: str, turn: Turn) -> Reply:
        if turn.text == "yes":
            await gate.wait()
        return await taking(session_id, turn)

    monkeypatch.setattr(sessions._memory, "turn", slow)
    requests = []
    for words in ("yes", "no"):
        platform.messages[3:] = [{"role": "user", "content": words}]
        requests.append(asyncio.ensure_future(platform.hears()))
        await asyncio.sleep(0)
    gate.set()
    assert (await asyncio.gather(*requests))[1] == "What is your name?"
    state = await state_of(sessions)
    assert (state.form_answers["theft"], state.turns) == (False, 2)


async def test_other_words_of_the_utterance_that_ended_the_form_come_too_late(
    platform: Platform, sessions: MemorySessions
) -> None:
    """Which is why a form without a last read-back wants no speculation."""
    for words in ("4321", "no", "Ada"):
        await platform.says(words)
    platform.messages[-2:] = [{"role": "user", "content": "Ada Lovelace"}]
    assert await platform.hears() == "Thank you."
    assert [form.answers["name"] for form in sessions.delivered] == ["Ada"]


@pytest.mark.parametrize("elsewhere", [False, True], ids=["same gateway", "another"])
async def test_a_speculation_that_never_became_final_leaves_no_answer(
    platform: Platform, sessions: MemorySessions, elsewhere: bool
) -> None:
    """Its words are not in the conversation that comes with the next turn."""
    platform.messages.append({"role": "user", "content": "1234"})
    await platform.hears()
    platform.messages[-1] = {"role": "user", "content": "4321, please"}
    platform.messages.append({"role": "assistant", "content": "Was anything stolen?"})
    if elsewhere:
        platform.app = gateway(sessions)
    assert await platform.says("no") == "What is your name?"
    state = await state_of(sessions)
    assert (state.form_answers, state.turns) == ({"policy": "4321", "theft": False}, 2)


async def test_other_punctuation_in_the_conversation_is_not_other_words(
    app: FastAPI, sessions: MemorySessions
) -> None:
    versions = []
    for caller, later in (("ann", "four three two one"), ("bob", "Four, three, two, one.")):
        platform = Platform(app, caller)
        platform.headers["X-Turnkeeper-Subject"] = caller
        await platform.says("four three two one")
        platform.messages[-2] = {"role": "user", "content": later}
        await platform.says("no")
        versions.append((await state_of(sessions, caller)).version)
    assert versions[0] == versions[1]


@pytest.mark.parametrize("elsewhere", [False, True], ids=["same gateway", "another"])
async def test_an_utterance_whose_request_was_given_up_is_sent_before_the_next(
    platform: Platform, sessions: MemorySessions, elsewhere: bool
) -> None:
    await platform.hears()
    await platform.says("4321")
    platform.messages.append({"role": "user", "content": "no"})
    if elsewhere:
        platform.app = gateway(sessions)
    await platform.says("Ada Lovelace")
    answers = {"policy": "4321", "theft": False, "name": "Ada Lovelace"}
    assert [form.answers for form in sessions.delivered] == [answers]


async def test_the_first_utterance_is_sent_too_where_the_call_began_with_us(
    platform: Platform, sessions: MemorySessions
) -> None:
    await platform.hears()
    platform.messages.append({"role": "user", "content": "4321"})
    assert await platform.says("no") == "What is your name?"


async def test_a_conversation_from_before_the_call_is_not_said_again(
    platform: Platform, sessions: MemorySessions
) -> None:
    """An agent that was restarted brings the history of another call along."""
    for role, words in (("user", "4321"), ("assistant", "Was anything stolen?"), ("user", "1234")):
        platform.messages.append({"role": role, "content": words})
    await platform.hears()
    state = await state_of(sessions)
    assert (state.form_answers, state.turns) == ({"policy": "1234"}, 1)


async def test_a_platform_that_drops_the_oldest_messages_adds_turns_all_the_same(
    platform: Platform, sessions: MemorySessions
) -> None:
    await platform.says("1")
    await platform.says("4321")
    del platform.messages[1:3]
    await platform.says("no")
    del platform.messages[1:3]
    await platform.says("Ada Lovelace")
    (form,) = sessions.delivered
    assert form.answers == {"policy": "4321", "theft": False, "name": "Ada Lovelace"}


def test_an_utterance_is_named_by_its_place_and_by_what_the_list_begins_with() -> None:
    first, second = Conversation(("Yes.", "no")).utterances
    assert Conversation(("yes", "no, thanks")).utterances == (first, second)
    assert Conversation(("no", "maybe")).utterances[1] != second
    assert Conversation().utterances == ()


async def test_silence_that_is_told_as_dots_is_no_input(
    platform: Platform, sessions: MemorySessions
) -> None:
    await platform.hears()
    assert await platform.says("...") == "Four digits please."
    last = (await state_of(sessions)).last_turn
    assert last is not None
    assert last.heard == "noinput"


async def test_what_was_heard_of_an_interrupted_reply_is_noted(
    platform: Platform, sessions: MemorySessions
) -> None:
    await platform.hears()
    await platform.says("4321")
    platform.messages[-1] = {"role": "assistant", "content": "Was  any"}
    await platform.says("no")
    before = (await state_of(sessions)).version
    platform.messages.pop()
    await platform.post()  # The same turn again, so with what was heard of the reply before it.
    assert (await state_of(sessions)).version == before
    transcript = await sessions.transcript(await sessions.session_id("claim", CALLER))
    assert [entry.heard_until for entry in transcript.entries] == [None, "Was any", None]


@pytest.mark.parametrize("role", ["assistant", "tool", "system"])
@pytest.mark.parametrize("elsewhere", [False, True], ids=["same gateway", "another"])
async def test_where_the_caller_said_nothing_new_the_last_reply_is_given_again(
    platform: Platform, sessions: MemorySessions, role: str, elsewhere: bool
) -> None:
    await platform.says("4321")
    platform.messages.append({"role": role, "content": "?"})
    if elsewhere:
        platform.app = gateway(sessions)
    assert await platform.hears() == "Was anything stolen?"
    assert (await state_of(sessions)).turns == 1


async def test_a_request_after_the_agents_own_words_takes_no_turn(
    platform: Platform, sessions: MemorySessions
) -> None:
    """The platform fills a pause. What the caller said before it comes with their next words."""
    await platform.hears()
    platform.messages.append({"role": "user", "content": "4321"})
    platform.messages.append({"role": "assistant", "content": "One moment."})
    assert await platform.hears() == "Hello. Policy number?"
    assert (await state_of(sessions)).turns == 0
    assert await platform.says("no") == "What is your name?"


@pytest.mark.parametrize("elsewhere", [False, True], ids=["same gateway", "another"])
async def test_an_utterance_that_is_too_large_does_not_keep_the_next_from_being_heard(
    platform: Platform, sessions: MemorySessions, elsewhere: bool
) -> None:
    await platform.says("4321")
    platform.messages.append({"role": "user", "content": "x" * 70_000})
    assert (await platform.post()).status_code == 413
    if elsewhere:
        platform.app = gateway(sessions)
    assert await platform.says("no") == "What is your name?"


async def test_the_last_reply_is_the_sessions_though_another_instance_gave_it(
    platform: Platform, sessions: MemorySessions
) -> None:
    await platform.hears()
    here, platform.app = platform.app, gateway(sessions)
    await platform.says("4321")
    platform.app = here
    assert await platform.hears() == "Was anything stolen?"


async def test_a_body_that_is_too_large_is_refused_in_openais_shape(platform: Platform) -> None:
    refused = await platform.post(user="x" * 1024 * 1024)
    assert (refused.status_code, refused.json()["error"]["code"]) == (413, "turn_too_large")
