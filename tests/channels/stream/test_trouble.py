"""A store out of reach closes nothing; a defect closes, and quotes nobody."""

import pytest

from tests.channels.streaming import Caller, Gateway, leg_of, problem, said

# --- the store ------------------------------------------------------------------------------------


async def test_a_store_that_cannot_be_reached_closes_nothing(here: Gateway) -> None:
    line = await Caller.of(here)
    opening = {"type": "open", "form": "claim", "caller": "+14155550100"}
    here.backend.reachable = False
    refused = await line.asks(**opening)
    assert (problem(refused), refused["retryable"]) == ("store-unavailable", True)
    here.backend.reachable = True
    line.opened = await line.asks(**opening)
    here.backend.reachable = False
    refused = await line.turn("4321", "u1")
    assert (problem(refused), refused["utterance_id"]) == ("store-unavailable", "u1")
    back = await Caller.of(here)
    refused = await back.asks(type="resume", **line.names)
    assert (problem(refused), refused["in_reply_to"]) == ("store-unavailable", "resume")
    assert problem(await line.asks(type="hangup")) == "store-unavailable"
    here.backend.reachable = True
    assert (await back.asks(type="resume", **line.names))["type"] == "opened"
    assert (await line.turn("4321", "u1"))["type"] == "reply"


async def test_turns_behind_one_that_failed_come_back_unsent_and_in_order(here: Gateway) -> None:
    """Sent at once, "no" would be the answer to the question before."""
    line = await Caller.on(here)
    turns = {"u1": "4321", "u2": "no", "u3": "Ada Lovelace"}
    here.backend.going.clear()
    here.backend.failures = 1
    for utterance, words in turns.items():
        await line.says(words, utterance)
    await line.asks(type="ping")
    here.backend.going.set()
    errors = [await line.hears() for _ in turns]
    assert [error["utterance_id"] for error in errors] == list(turns)
    assert all(error["retryable"] for error in errors)
    assert here.backend.came == ["u1"]
    replies = [await line.turn(words, utterance) for utterance, words in turns.items()]
    assert said(replies[1]) == "What is your name?"


@pytest.mark.parametrize("kind", ["open", "resume"])
async def test_what_waits_behind_an_opening_that_failed_comes_back_and_closes_nothing(
    here: Gateway, kind: str
) -> None:
    line = await Caller.on(here)
    await line.drop()
    opening: dict[str, object] = {"type": "open", "form": "claim", "caller": "+14155550100"}
    if kind == "resume":
        opening = {"type": "resume", **line.names}
    back = await Caller.of(here)
    here.backend.reachable = False
    await back.sends(**opening)
    await back.says("4321", "u1")
    await back.sends(type="state")
    errors = [await back.hears() for _ in range(3)]
    assert [error["in_reply_to"] for error in errors] == [kind, "turn", "state"]
    assert all(error["retryable"] for error in errors)
    here.backend.reachable = True
    assert (await back.asks(**opening))["type"] == "opened"
    assert (await back.turn("4321", "u1"))["type"] == "reply"


# --- defects --------------------------------------------------------------------------------------


async def test_a_defect_closes_with_1011_and_tells_nothing_of_it(here: Gateway) -> None:
    line = await Caller.on(here)
    here.backend.defect = RuntimeError("4321 was said")
    await line.says("4321", "u1")
    assert await line.closed() == (1011, "internal error")
    assert await leg_of(here) == "drop"


async def test_a_defects_log_line_does_not_quote_the_caller(
    here: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    line = await Caller.on(here)
    here.backend.defect = RuntimeError("4321 was said")
    await line.says("4321", "u1")
    await line.closed()
    told = [record for record in caplog.records if "defect" in record.getMessage()]
    assert told
    assert not any(record.exc_info for record in told)
    assert not any("4321" in f"{record.getMessage()}{vars(record)}" for record in told)
