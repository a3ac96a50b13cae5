"""A call over the WebSocket; what it shares with every channel is in ../test_conformance.py."""

import asyncio

from tests.channels.streaming import Caller, Gateway, leg_of, problem, said, state_of

# --- a call ---------------------------------------------------------------------------------------


async def test_a_caller_who_comes_back_goes_on_with_a_new_leg(here: Gateway) -> None:
    line = await Caller.on(here)
    assert (line.opened["leg"], line.opened["restored"]) == (1, False)
    assert said(line.opened) == "Hello. Policy number?"
    await line.turn("4321", "u1")
    await line.drop()
    line = await Caller.on(here)
    assert (line.opened["leg"], line.opened["restored"]) == (2, True)
    assert said(line.opened).endswith("Was anything stolen?")


async def test_an_open_whose_answer_was_lost_is_sent_again_for_the_same_leg(here: Gateway) -> None:
    opening = {"type": "open", "form": "claim", "caller": "ada", "connect_id": "c1"}
    first = await (await Caller.of(here)).asks(**opening)
    assert await (await Caller.of(here)).asks(**opening) == first


async def test_turns_that_are_on_their_way_together_are_answered_in_order(here: Gateway) -> None:
    line = await Caller.on(here)
    for utterance, words in (("u1", "4321"), ("u2", "no"), ("u3", "Ada Lovelace")):
        await line.says(words, utterance)
    replies = [await line.hears() for _ in range(3)]
    assert [reply["utterance_id"] for reply in replies] == ["u1", "u2", "u3"]
    assert said(replies[1]) == "What is your name?"
    assert (await state_of(here)).form_answers["name"] == "Ada Lovelace"


async def test_the_same_utterance_is_the_same_turn_and_other_words_amend_it(here: Gateway) -> None:
    line = await Caller.on(here)
    first = await line.turn("4321", "u1")
    assert await line.turn("4321", "u1") == first
    await line.turn("8765", "u1")
    state = await state_of(here)
    assert (state.turns, state.form_answers) == (1, {"policy": "8765"})
    await line.turn("no", "u2")
    assert problem(await line.turn("1111", "u1")) == "turn-conflict"
    assert (await line.turn("Ada", "u3"))["type"] == "reply"


async def test_a_turn_carries_keys_answers_events_and_hypotheses(here: Gateway) -> None:
    line = await Caller.on(here)
    unheard = await line.asks(type="turn", utterance_id="u1", event="noinput")
    assert said(unheard) == "Four digits please."
    await line.asks(type="turn", utterance_id="u2", dtmf="4321#", said="Four di")
    await line.asks(type="turn", utterance_id="u3", answers={"theft": False})
    await line.asks(
        type="turn",
        utterance_id="u4",
        text="Ada",
        confidence=0.95,
        alternatives=[{"text": "Ada", "confidence": 0.95}, {"text": "Aida"}],
    )
    state = await line.asks(type="state")
    assert isinstance(state["state"], dict)
    answers = {"policy": "4321", "theft": False, "name": "Ada"}
    assert state["state"]["form_answers"] == answers
    assert "definition" not in state["state"]


async def test_hanging_up_ends_the_leg_and_closes_with_1000(here: Gateway) -> None:
    line = await Caller.on(here)
    await line.says("4321", "u1")
    await line.sends(type="hangup")
    assert (await line.hears())["utterance_id"] == "u1"
    assert await line.closed() == (1000, "hung up")
    assert await leg_of(here) == "hang_up"


async def test_an_agent_may_cancel_the_session(here: Gateway) -> None:
    line = await Caller.on(here)
    cancelled = await line.asks(type="cancel", reason="duplicate")
    assert cancelled["type"] == "reply"
    assert (await state_of(here)).status == "cancelled"
    refused = await line.turn("4321", "u1")
    assert problem(refused) == "session-closed"
    assert refused["retryable"] is False
    assert (await line.asks(type="ping"))["type"] == "pong"


async def test_an_agent_may_hand_the_caller_off(here: Gateway) -> None:
    line = await Caller.on(here)
    assert (await line.asks(type="hand_off", reason="angry"))["type"] == "reply"
    assert (await state_of(here)).status == "handed_off"


# --- what others do to its session ----------------------------------------------------------------


async def test_what_others_do_is_an_event_and_what_the_client_does_is_none(here: Gateway) -> None:
    line = await Caller.on(here)
    reply = await line.turn("4321", "u1")
    async with asyncio.timeout(5):  # Until the gateway has seen its own turn from outside.
        while (await line.asks(type="state"))["type"] != "state":
            pass
    await line.turn("no", "u2")
    await here.sessions.cancel(str(line.opened["session_id"]), "by an operator")
    event = await line.hears()
    assert (event["type"], event["event"], event["status"]) == ("event", "ended", "cancelled")
    assert reply["type"] == "reply"


async def test_events_go_on_after_the_store_was_out_of_reach(here: Gateway) -> None:
    line = await Caller.on(here)
    here.backend.reachable = False
    assert problem(await line.turn("4321", "u1")) == "store-unavailable"
    here.backend.reachable = True
    await here.sessions.hand_off(str(line.opened["session_id"]), "by an operator")
    event = await line.hears()
    assert (event["event"], event["status"]) == ("ended", "handed_off")


async def test_a_session_that_is_deleted_ends_its_socket(here: Gateway) -> None:
    line = await Caller.on(here)
    await line.turn("4321", "u1")
    here.backend.delete(str(line.opened["session_id"]))
    assert await line.closed() == (4404, "there is no such session")
