"""A caller's whole life with unique answers, and then a search for these in all that is kept."""

import itertools
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from google.protobuf.message import Message

from tests.durable.conftest import World
from tests.durable.test_delivery import Receiver, receiver, until
from tests.security.conftest import Place, world_of
from tests.security.searching import files, finds, forms_of, payloads
from turnkeeper.client import VoiceSessions
from turnkeeper.forms.load import parse_form
from turnkeeper.settings import Settings, read_settings
from worker.build import build_replayer
from worker.server import EmbeddedServer
from workflows.voice_session import MESSAGES_PER_RUN

SEED = random.randrange(10**9)

FORM = """
form: intake
version: "1"
title: Intake
timezone: UTC
fields:
  - name: complaint
    type: text
    prompt: What is it?
  - name: policy
    type: digits
    length: 12
    prompt: Policy number?
"""


@dataclass(frozen=True)
class Markers:
    """What a caller says that nobody else says."""

    first: str
    amended: str
    refused: str
    policy: str
    corrected: str

    @classmethod
    def made(cls) -> "Markers":
        print(f"seed {SEED}")
        chance = random.Random(SEED)

        def word() -> str:
            return "Q" + "".join(chance.choices("abcdefghijkmnpqrstuvwxyz", k=14))

        def digits() -> str:
            return "".join(chance.choices("123456789", k=12))

        return cls(word(), word(), word(), digits(), digits())

    def all(self) -> tuple[str, ...]:
        return (self.first, self.amended, self.refused, self.policy, self.corrected)


@dataclass(frozen=True)
class Lived:
    """What is left of a session that ran its whole course."""

    kept: bytes
    histories: str
    plain: set[str]
    delivered: dict[str, object]
    runs: int


@asynccontextmanager
async def life(settings: Settings, folder: Path, said: Markers) -> AsyncIterator[Lived]:
    """One on a server of its own: connect, turns, an amendment, a refusal, a drop, a reconnect,
    corrections over a continue-as-new, and a delivery that fails at first."""
    async with EmbeddedServer(folder) as server, receiver(500, 200) as desk:
        world = await world_of(server, settings)
        form = parse_form(FORM + f"deliver: {desk.url}\n")
        world.forms = {"intake": form}
        async with world.worker(), world.sessions() as sessions:
            session_id = await talk(sessions, said)
            yield await left(world, session_id, folder, desk)


async def talk(sessions: VoiceSessions, said: Markers) -> str:
    session = await sessions.open("intake", caller="user-1")
    await session.turn(said.first, utterance_id="u1")
    await session.turn(said.amended, utterance_id="u1")
    await session.turn(f"it is {said.refused}", utterance_id="u2")
    await session.hang_up()
    session = await sessions.open("intake", caller="user-1")
    assert session.reply.restored
    for number in range(MESSAGES_PER_RUN):
        policy = said.policy if number % 2 else said.corrected
        await session.turn(answers={"policy": policy}, utterance_id=f"p{number}")
    await session.turn("yes")
    state = await until(session, "completed")
    assert state.form_answers == {"complaint": said.amended, "policy": said.policy}
    return session.id


async def left(world: World, session_id: str, folder: Path, desk: Receiver) -> Lived:
    """What the server has on disk, and its histories, each of which replays."""
    histories, plain, summaries = [], set(), set()
    async for run in world.client.list_workflows(f"WorkflowId = '{session_id}'"):
        handle = world.client.get_workflow_handle(session_id, run_id=run.run_id)
        summaries.add(await (await handle.describe()).static_summary())
        history = await handle.fetch_history()
        await build_replayer(world.settings, namespace="default").replay_workflow(history)
        histories.append(history.to_json())
        plain |= {path for event in history.events for path in in_clear(event)}
    assert "intake" in summaries
    delivered = desk.requests[-1][1]
    return Lived(files(folder), json.dumps(histories), plain, delivered, len(histories))


def in_clear(event: Message) -> set[str]:
    return {
        path
        for path, payload in payloads(event)
        if payload.metadata["encoding"] != b"binary/encrypted"
    }


NOT_OURS = (".search_attributes.", ".header.", ".marker_recorded_event_attributes.details.data")
"""Search attributes are an index and never encrypted; headers carry trace ids; `data` of a local
activity's marker is the SDK's own: which activity it was, and when."""


async def test_nothing_that_a_caller_said_is_readable_in_what_is_kept(
    place: Place, tmp_path_factory: pytest.TempPathFactory
) -> None:
    said, folder = Markers.made(), tmp_path_factory.mktemp("temporal")
    async with life(place.settings(), folder, said) as lived:
        assert said.policy in json.dumps(lived.delivered)
        assert lived.runs >= 2
        kept = lived.kept + lived.histories.encode() + files(place.folder)
        assert finds(said.all(), kept) == set()
        assert b"user-1" in lived.kept  # The workflow id: who it is, is another matter.
        assert {path for path in lived.plain if not any(part in path for part in NOT_OURS)} == set()


async def test_the_same_search_finds_it_when_nothing_is_encrypted(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    said, folder = Markers.made(), tmp_path_factory.mktemp("temporal")
    async with life(read_settings(tenant="acme"), folder, said) as lived:
        for marker in said.all():
            assert "as said" in finds([marker], lived.kept)
            assert any(
                form.startswith("base64") for form in finds([marker], lived.histories.encode())
            )
        assert lived.plain


@pytest.mark.parametrize("lead", ["", "x", "xy", "{'say': '"])
def test_the_search_knows_every_form(lead: str) -> None:
    import base64

    marker = "Reference 481516-2342"
    held = {
        "as said": marker.encode(),
        "lower case": marker.lower().encode(),
        "digits": b"4815162342",
        "base64": base64.b64encode(f"{lead}{marker} and more".encode()),
    }
    for form, text in held.items():
        assert any(found.startswith(form) for found in finds([marker], b"..." + text + b"..."))
    assert finds([marker], b"Reference 481516-2343") == set()
    assert len(set(itertools.chain(text for _, text in forms_of(marker)))) == 6
