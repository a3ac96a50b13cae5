"""An agent leads a form by the tools of `turnkeeper mcp`, on a real server."""

import asyncio
import re

import pytest
from mcp import Client, MCPError
from temporalio.client import Client as TemporalClient

from tests.channels.mcp.agents import Agent, Server, uri_of
from tests.durable.conftest import World
from tests.ids import id_of
from turnkeeper.client import VoiceSessions
from turnkeeper.contract import Reply, Turn
from turnkeeper.mcp_server.refusals import NOT_FOUND
from turnkeeper.mcp_server.server import build_server
from turnkeeper.temporal import TemporalBackend
from worker.server import free_port

# --- a form ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_an_agent_leads_a_whole_form_over_either_age_of_the_protocol(
    mode: str, working: World, mcp: Server
) -> None:
    async with mcp.agent(mode=mode) as agent:
        opened = await agent.open()
        assert (opened["restored"], opened["say"]) == (False, "Hello. Policy number?")
        assert [(f["name"], f["type"], f["answer"]) for f in opened["fields"]] == [
            ("policy", "digits", None), ("theft", "boolean", None),
            ("report", "digits", None), ("day", "date", None),
        ]  # fmt: skip
        said = await agent("say", text="one two three four", utterance_id="u1")
        assert (said["recorded"], said["field"]) == ({"policy": "1234"}, "theft")
        recorded = await agent("record_answers", answers={"theft": False, "day": "2026-01-02"})
        assert recorded["recorded"] == {"theft": False, "day": "2026-01-02"}
        assert recorded["confirming"] == {"field": None, "value": None}
        assert (await agent("say", text="yes"))["next"] == "hang_up"
        state = await agent("form_state")
    answers = {"policy": "1234", "theft": False, "day": "2026-01-02"}
    assert {f["name"]: f["answer"] for f in state["fields"]} == {"report": None, **answers}
    kept = await agent.kept(working)
    assert (kept.status, kept.turns, kept.form_answers) == ("completed", 3, answers)
    assert kept.legs[0].channel == "mcp"


async def test_a_repeated_call_is_not_applied_again_and_other_words_amend_it(
    working: World, agent: Agent
) -> None:
    await agent.open()
    once = await agent("say", text="1234", utterance_id="u1")
    assert await agent("say", text="1234", utterance_id="u1") == once
    amended = await agent("say", text="4321", utterance_id="u1")
    assert amended["recorded"] == {"policy": "4321"}
    answered = await agent("record_answers", answers={"theft": True}, utterance_id="u2")
    assert await agent("record_answers", answers={"theft": True}, utterance_id="u2") == answered
    late = await agent.refused("say", text="9999", utterance_id="u1")
    assert late.startswith("TurnConflict: ")
    kept = await agent.kept(working)
    assert (kept.form_answers, kept.turns) == ({"policy": "4321", "theft": True}, 2)


async def test_what_is_not_taken_is_told_with_its_reason_and_the_rest_is_stored(
    agent: Agent,
) -> None:
    await agent.open()
    answers = {"policy": "12", "theft": True, "colour": "red"}
    taken = await agent("record_answers", answers=answers)
    assert taken["recorded"] == {"theft": True}
    told = {one["field"]: one["code"] for one in taken["rejected"]}
    assert told == {"policy": "incomplete", "colour": "unknown_field"}
    assert all(one["say"] for one in taken["rejected"])
    corrected = await agent("record_answers", answers={"theft": False, "policy": "1234"})
    assert corrected["recorded"] == {"theft": False, "policy": "1234"}


async def test_an_older_handle_is_told_that_a_newer_one_leads_and_changes_nothing(
    agent: Agent,
) -> None:
    await agent.open("(415) 555-0199")
    await agent("say", text="1234", utterance_id="u1")
    older = Agent(agent.client, agent.session)
    back = await agent.open("+14155550199")
    assert (back["restored"], back["fields"][0]["answer"]) == (True, "1234")
    assert back["say"].startswith("Welcome back.")
    more: dict[str, dict[str, object]] = {
        "say": {"text": "no"}, "record_answers": {"answers": {"theft": False}},
        "cancel_form": {}, "hand_off_form": {},
    }  # fmt: skip
    for tool, arguments in more.items():
        assert (await older.refused(tool, **arguments)).startswith("SupersededLeg: "), tool
    assert (await older("form_state"))["superseded"] is True
    state = await agent("form_state")
    assert state["superseded"] is False
    assert (state["status"], state["field"]) == ("collecting", "theft")


async def test_a_cancelled_form_is_cancelled_once_and_its_handle_does_not_reach_the_next(
    agent: Agent,
) -> None:
    await agent.open()
    cancelled = await agent("cancel_form")
    assert (cancelled["status"], cancelled["next"]) == ("cancelled", "hang_up")
    assert await agent("cancel_form") == cancelled
    refused = await agent.refused("say", text="1234")
    assert refused.startswith("SessionClosed: ")
    assert "it is cancelled" in refused
    ended = agent.session
    assert (await agent.open())["restored"] is False
    older = Agent(agent.client, ended)
    assert (await older.refused("say", text="1234")).startswith("SupersededLeg: ")
    assert (await older("form_state"))["superseded"] is True
    assert (await agent("form_state"))["fields"][0]["answer"] is None


async def test_a_handed_off_form_keeps_its_answers_for_a_person(agent: Agent) -> None:
    await agent.open()
    await agent("say", text="1234")
    left = await agent("hand_off_form", reason="asked for a person")
    assert (left["status"], left["next"]) == ("handed_off", "transfer")
    assert await agent("hand_off_form") == left
    state = await agent("form_state")
    assert (state["status"], state["fields"][0]["answer"]) == ("handed_off", "1234")


async def test_each_mistake_has_its_own_type_and_one_sentence(agent: Agent) -> None:
    unknown = await agent.refused("open_form", form="nosuch", caller="ann")
    assert unknown.startswith("UnknownForm: no worker has a form 'nosuch'")
    nobody = await agent.refused("open_form", form="claim", caller="anonymous")
    assert nobody.startswith("InvalidCaller: ")
    for handle in ("", "x", agent.caller):
        wrong = await agent.refused("say", session=handle, text="1234")
        assert wrong.startswith("InvalidInput: this is no session of this server"), handle
    await agent.open()
    another_tenant_s = f"{id_of('claim', 'ann', 'elsewhere')}#1.abc"
    for nowhere in (agent.session.replace(":claim:", ":clam:"), another_tenant_s):
        missing = await Agent(agent.client, nowhere).refused("say", text="1234")
        assert missing == f"SessionNotFound: {NOT_FOUND}."
    assert await agent.refused("record_answers", answers={"policy": ["1234"]}) == (
        "InvalidInput: record_answers was not called: answers.policy has a wrong type; "
        "see its input schema."
    )
    assert "text is missing" in await agent.refused("say")
    assert (await agent.refused("record_answers", answers={})).startswith("InvalidInput: ")
    assert (await agent.refused("say", text="x" * 70_000)).startswith("TurnTooLarge: ")
    assert (await agent("form_state"))["last_turn"] is None


# --- processes and calls that end too early -------------------------------------------------------


async def test_another_server_process_goes_on_with_the_handle_of_one_that_was_killed(
    working: World, mcp: Server, desk: Client
) -> None:
    async with mcp.agent() as agent:
        await agent.open()
        first = await agent("say", text="1234", utterance_id="u1")
        mcp.kill()
        with pytest.raises(MCPError):
            await agent.raw("form_state", session=agent.session)
    again = Agent(desk, agent.session)
    assert await again("say", text="1234", utterance_id="u1") == first
    assert (await again("form_state"))["last_turn"]["utterance_id"] == "u1"
    assert (await again("say", text="no", utterance_id="u2"))["field"] == "day"
    kept = await agent.kept(working)
    assert (kept.turns, len(kept.legs)) == (2, 1)


async def test_a_call_whose_server_is_killed_under_it_is_applied_once_when_it_is_repeated(
    working: World, mcp: Server, desk: Client
) -> None:
    async with mcp.agent() as agent:
        await agent.open()
        call = {"session": agent.session, "text": "1234", "utterance_id": "u1"}
        calling = asyncio.create_task(agent.raw("say", **call))
        await asyncio.sleep(0)
        mcp.kill()
        ended = await asyncio.gather(calling, return_exceptions=True)
        assert isinstance(ended[0], MCPError), ended
    assert (await Agent(desk)("say", **call))["recorded"] == {"policy": "1234"}
    assert (await agent.kept(working)).turns == 1


async def test_a_store_out_of_reach_is_never_a_session_that_is_not_there(
    agent: Agent, mcp: Server
) -> None:
    await agent.open()
    away = {"TEMPORAL_ADDRESS": f"127.0.0.1:{free_port()}", "TURNKEEPER_TURN_DEADLINE": "0.5"}
    async with mcp.agent(agent.session, **away) as cut_off:
        refused = await asyncio.gather(
            cut_off.refused("say", text="1234"),
            cut_off.refused("form_state"),
            cut_off.refused("cancel_form"),
            Agent(cut_off.client).refused("open_form", form="claim", caller=agent.caller),
        )
        assert [text.partition(":")[0] for text in refused] == ["StoreUnavailable"] * 4
        with pytest.raises(MCPError, match=r"^StoreUnavailable: "):
            await cut_off.client.read_resource(uri_of(agent.session, "state"))
    (named,) = re.findall(r"repeat this call with utterance_id '(\w+)'", refused[0])
    said = await agent("say", text="1234", utterance_id=named)
    assert (said["recorded"], said["utterance_id"]) == ({"policy": "1234"}, named)


async def test_a_call_that_the_host_cancels_is_stored_all_the_same_and_before_the_next(
    working: World,
) -> None:
    held = Held(working.client, working.settings.task_queue)
    sessions = VoiceSessions(held, working.settings)
    async with sessions, Client(build_server(sessions), mode="legacy") as client:
        agent = Agent(client)
        await agent.open()
        calling = asyncio.create_task(agent("say", text="1234", utterance_id="u1"))
        await held.arrived.wait()
        calling.cancel()
        ended = await asyncio.gather(calling, return_exceptions=True)
        assert isinstance(ended[0], asyncio.CancelledError)
        following = asyncio.create_task(agent("say", text="no", utterance_id="u2"))
        overtaken, _ = await asyncio.wait([following], timeout=0.5)
        held.go.set()
        assert not overtaken
        assert (await following)["field"] == "day"
    assert (await agent.kept(working)).form_answers == {"policy": "1234", "theft": False}


class Held(TemporalBackend):
    """Temporal, and a first turn that waits on its way there until the test lets it go."""

    def __init__(self, client: TemporalClient, task_queue: str) -> None:
        super().__init__(client, task_queue)
        self.arrived, self.go = asyncio.Event(), asyncio.Event()

    async def turn(self, session_id: str, turn: Turn) -> Reply:
        if not self.arrived.is_set():
            self.arrived.set()
            await self.go.wait()
        return await super().turn(session_id, turn)
