"""What is kept of a caller is given out whole, and secrets only to those who ask for them."""

import json

from tests.durable.conftest import World
from tests.durable.test_delivery import until
from tests.security.conftest import in_clear
from turnkeeper.client import VoiceSessions
from turnkeeper.export import FORMAT, SessionsExport
from turnkeeper.forms.load import parse_form
from turnkeeper.testing import MemorySessions

CARD = """
form: card
title: Card
fields:
  - {name: reason, type: text, prompt: "Why do you call?"}
  - {name: passcode, type: digits, secret: true, prompt: "Your passcode?"}
  - {name: day, type: date, prompt: "What day?"}
"""
SECRET = "918273"


async def call(sessions: VoiceSessions) -> str:
    session = await sessions.open("card", caller="+14155550101", transport_id="CA81")
    for said in ("broke it", SECRET, "start over", "yes", "lost it", SECRET):
        await session.turn(said)
    await session.hang_up()
    return session.id


def check(exported: SessionsExport, without: SessionsExport) -> None:
    """`exported` is with secrets."""
    (one,), (other,) = exported.sessions, without.sessions
    assert exported.format == FORMAT
    assert (one.answers["reason"].value, one.answers["reason"].heard) == ("lost it", "lost it")
    assert (one.answers["passcode"].value, other.answers["passcode"].value) == (SECRET, "***")
    assert one.state.legs[0].transport_id == "CA81"
    assert one.state.definition is not None
    assert one.state.discarded == ({"reason": "broke it", "passcode": SECRET},)
    assert [entry.heard for entry in one.transcript.entries][:2] == ["", "broke it"]
    assert len(one.replies) == 7
    assert SECRET not in without.model_dump_json()
    assert SessionsExport.model_validate_json(exported.model_dump_json()) == exported


@in_clear
async def test_an_export_has_all_of_a_session_and_secrets_where_asked_for(
    world: World,
) -> None:
    world.forms["card"] = parse_form(CARD)
    async with world.worker(), world.sessions() as sessions:
        session_id = await call(sessions)
        check(await sessions.export(session_id, secrets=True), await sessions.export(session_id))


async def test_sessions_in_memory_are_exported_alike() -> None:
    async with MemorySessions([parse_form(CARD)]) as sessions:
        session_id = await call(sessions)
        check(await sessions.export(session_id, secrets=True), await sessions.export(session_id))


@in_clear
async def test_earlier_sessions_of_the_same_caller_are_in_it_the_newest_first(
    world: World,
) -> None:
    async with world.worker(), world.sessions() as sessions:
        for policy in ("1111", "2222"):
            session = await sessions.open("claim", caller="+14155550101")
            await session.turn(answers={"policy": policy, "theft": False, "day": "2026-03-01"})
            await session.turn("yes")
            await until(session, "completed")
        exported = await sessions.export(session.id)
        assert [one.answers["policy"].value for one in exported.sessions] == ["2222", "1111"]
        assert json.loads(exported.model_dump_json())["session_id"] == session.id
