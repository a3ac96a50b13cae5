"""What every channel must do, as calls that a caller makes.

A channel is driven as its platform drives it, by a `Line`; each scenario here is run over each of
them, and what is left in the session is compared with what the Python client would have left.
"""

import itertools
from collections.abc import Awaitable, Callable
from typing import Protocol

import pytest

from tests.channels.stand import GatewayProcess, Stand
from turnkeeper.contract import SessionState

GREETING = "Hello. Policy number?"
ANSWERS = {"policy": "4321", "theft": False, "name": "Ada Lovelace"}


class Line(Protocol):
    """A caller's line through one channel. What a method returns is what the caller hears."""

    async def open(self, gateway: GatewayProcess, form: str, caller: str) -> str:
        """Ring: a new leg on that instance of the gateway. Also to ring again after `drop`."""

    async def say(self, words: str) -> str:
        """A final transcript; until the whole reply was heard."""

    async def again(self) -> str:
        """The platform sends the last turn once more, as it was: a retry of its own."""

    async def amend(self, words: str) -> str:
        """The same utterance with other words, as platforms do that speculate."""

    async def say_and_drop(self, words: str) -> None:
        """Say it, and be gone before the reply is there."""

    async def barge_in(self, words: str, then: str) -> str:
        """Say `words`, interrupt the reply to them, say `then`; what is heard after that."""

    async def drop(self) -> None:
        """The line is lost, without a word of goodbye."""

    async def close(self) -> None:
        """Let go of sockets and clients, whatever state they are in."""


class Unsupported(Exception):
    """The platform has no such thing; the text says why."""


Scenario = Callable[[Line, Stand, str], Awaitable[None]]
CALLERS = itertools.count(100)
"""The last digits of callers whom no other scenario knows."""


async def state_of(stand: Stand, caller: str) -> SessionState:
    return await stand.sessions.state(await stand.sessions.session_id("claim", caller))


async def a_form_is_filled_in(line: Line, stand: Stand, caller: str) -> None:
    assert await line.open(stand.gateway, "claim", caller) == GREETING
    assert await line.say("four three two one") == "Was anything stolen?"
    assert await line.say("no") == "What is your name?"
    assert "is that right" in (await line.say("Ada Lovelace")).lower()
    await line.say("yes")
    state = await state_of(stand, caller)
    assert (state.status, state.form_answers, state.turns) == ("completed", ANSWERS, 4)


async def the_same_turn_again_changes_nothing(line: Line, stand: Stand, caller: str) -> None:
    await line.open(stand.gateway, "claim", caller)
    first = await line.say("4321")
    assert await line.again() == first
    assert (await state_of(stand, caller)).turns == 1


async def more_words_of_an_utterance_amend_it(line: Line, stand: Stand, caller: str) -> None:
    await line.open(stand.gateway, "claim", caller)
    await line.say("4321")
    await line.say("yes")  # Theft: the report is asked next.
    assert await line.amend("no, nothing") == "What is your name?"
    state = await state_of(stand, caller)
    assert (state.form_answers, state.turns) == ({"policy": "4321", "theft": False}, 2)


async def a_barge_in_loses_no_answer(line: Line, stand: Stand, caller: str) -> None:
    await line.open(stand.gateway, "claim", caller)
    assert await line.barge_in("4321", then="no") == "What is your name?"
    assert (await state_of(stand, caller)).form_answers == {"policy": "4321", "theft": False}


async def a_drop_between_answer_and_reply_keeps_the_answer(
    line: Line, stand: Stand, caller: str
) -> None:
    await line.open(stand.gateway, "claim", caller)
    await line.say_and_drop("4321")
    back = await line.open(stand.gateway, "claim", caller)
    assert back.endswith("Was anything stolen?")
    assert (await state_of(stand, caller)).form_answers == {"policy": "4321"}


async def a_redial_on_another_gateway_goes_on(line: Line, stand: Stand, caller: str) -> None:
    await line.open(stand.gateway, "claim", caller)
    await line.say("4321")
    await line.drop()
    back = await line.open(stand.other, "claim", caller)
    assert back.endswith("Was anything stolen?")
    assert await line.say("no") == "What is your name?"


async def a_killed_gateway_is_taken_up_again(line: Line, stand: Stand, caller: str) -> None:
    await line.open(stand.gateway, "claim", caller)
    await line.say("4321")
    await stand.gateway.kill()
    await line.drop()
    await stand.gateway.start()
    back = await line.open(stand.gateway, "claim", caller)
    assert back.endswith("Was anything stolen?")
    assert await line.say("no") == "What is your name?"
    assert (await state_of(stand, caller)).form_answers == {"policy": "4321", "theft": False}


async def a_killed_worker_is_waited_for(line: Line, stand: Stand, caller: str) -> None:
    await line.open(stand.gateway, "claim", caller)
    await line.say("4321")
    await stand.worker.kill()
    await stand.worker.start()
    assert await line.say("no") == "What is your name?"
    assert (await state_of(stand, caller)).form_answers == {"policy": "4321", "theft": False}


async def a_caller_is_handed_off(line: Line, stand: Stand, caller: str) -> None:
    await line.open(stand.gateway, "claim", caller)
    await line.say("4321")
    await line.say("let me talk to a person")
    state = await state_of(stand, caller)
    assert (state.status, state.form_answers) == ("handed_off", {"policy": "4321"})


async def a_caller_cancels(line: Line, stand: Stand, caller: str) -> None:
    await line.open(stand.gateway, "claim", caller)
    await line.say("4321")
    await line.say("cancel")
    await line.say("yes")
    state = await state_of(stand, caller)
    assert (state.status, state.form_answers) == ("cancelled", {"policy": "4321"})


SCENARIOS: tuple[Scenario, ...] = (
    a_form_is_filled_in,
    the_same_turn_again_changes_nothing,
    more_words_of_an_utterance_amend_it,
    a_barge_in_loses_no_answer,
    a_drop_between_answer_and_reply_keeps_the_answer,
    a_redial_on_another_gateway_goes_on,
    a_killed_gateway_is_taken_up_again,
    a_killed_worker_is_waited_for,
    a_caller_is_handed_off,
    a_caller_cancels,
)

every_scenario = pytest.mark.parametrize(
    "scenario", SCENARIOS, ids=lambda scenario: scenario.__name__
)


async def play(scenario: Scenario, line: Line, stand: Stand) -> None:
    """The scenario with a caller of its own; skips what the platform has not."""
    try:
        await scenario(line, stand, f"+1415555{next(CALLERS):04}")
    except Unsupported as reason:
        pytest.skip(str(reason))
    finally:
        await line.close()
