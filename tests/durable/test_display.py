"""What an operator reads of a session in Temporal's UI, which asks for it as this test does."""

from temporalio.api.sdk.v1 import WorkflowMetadata

from tests.durable.conftest import World
from turnkeeper.client import VoiceSession
from turnkeeper.forms.load import parse_form

FORM = """
form: visit
title: A visit
fields:
  - {name: what, type: text, prompt: "What is it about?"}
  - {name: phone, type: phone, personal: true, prompt: "Which number?"}
  - {name: pin, type: digits, length: 4, secret: true, prompt: "Your PIN?"}
  - {name: day, type: date, prompt: "Which day?"}
"""
MARKDOWN = "a `tap` | [leak](https://evil.example) <img src=x>"


async def details(world: World, session: VoiceSession) -> str:
    metadata: WorkflowMetadata = await world.handle(session.id).query(
        "__temporal_workflow_metadata", result_type=WorkflowMetadata
    )
    return str(metadata.current_details)


async def test_details_have_status_field_legs_and_the_answers_that_are_nobodys_secret(
    world: World,
) -> None:
    world.forms["visit"] = parse_form(FORM)
    async with world.worker(), world.sessions() as sessions:
        session = await sessions.open("visit", "ann", channel="twilio")
        first = await details(world, session)
        assert "- asked: `what`" in first
        assert "| 1 | `twilio` |" in first
        assert "on the line |" in first
        await session.turn(answers={"what": MARKDOWN, "phone": "+442079460018", "pin": "4711"})
        await session.hang_up()
        shown = await details(world, session)
    assert "- status: **collecting**" in shown
    assert "- asked: `day`" in shown
    assert "| `phone` | (personal) |" in shown
    assert "| `pin` | `***` |" in shown
    assert "| `day` |  |" in shown
    assert "`hang_up` |" in shown
    assert "4711" not in shown
    assert "0018" not in shown


async def test_nothing_that_a_caller_said_is_markdown(world: World) -> None:
    world.forms["visit"] = parse_form(FORM)
    async with world.worker(), world.sessions() as sessions:
        session = await sessions.open("visit", "ann")
        await session.turn(answers={"what": MARKDOWN})
        shown = await details(world, session)
    (row,) = [line for line in shown.splitlines() if line.startswith("| `what`")]
    assert row == "| `what` | `a  tap    [leak](https://evil.example) <img src=x>` |"


async def test_details_cost_no_event(world: World) -> None:
    async with world.worker(), world.sessions() as sessions:
        session = await sessions.open("claim", "ann")
        before = (await world.handle(session.id).fetch_history()).events
        await session.turn("1234")
        after = (await world.handle(session.id).fetch_history()).events
    kinds = [event.WhichOneof("attributes") for event in after[len(before) :]]
    assert "upsert_workflow_search_attributes_event_attributes" not in kinds
    assert kinds.count("marker_recorded_event_attributes") == 1
