"""A session under another version of its form shows no secret that it was given under the first."""

import json
import random
from collections.abc import Sequence

import pytest
from temporalio.api.common.v1 import Payload

from tests.durable.conftest import World
from tests.durable.test_renewal import renewed
from tests.security.codec_reading import UI, OneForm, Tokens, asking, reader
from tests.security.conftest import Place
from tests.security.searching import finds, payloads
from turnkeeper.client import VoiceSession, VoiceSessions
from turnkeeper.errors import MigrationRefused
from turnkeeper.forms.load import parse_form
from turnkeeper.gateway.codec import CodecServer, codec_app
from turnkeeper.gateway.secret_fields import SecretFields
from turnkeeper.security.codec import SessionCodec
from turnkeeper.testing import MemorySessions
from workflows.voice_session import MESSAGES_PER_RUN

SEED = random.randrange(10**9)
OLD = parse_form("""
form: claim
version: "1"
resume: {verify: [born]}
fields:
  - {name: born, type: date, personal: true, prompt: "Born?"}
  - {name: passcode, type: digits, length: 12, secret: true, prompt: "Your passcode?"}
  - {name: story, type: text, prompt: "What happened?"}
  - {name: city, type: text, prompt: "Which city?"}
""")
NEW = parse_form("""
form: claim
version: "2"
migrates_from: ["1"]
resume: {verify: [born]}
fields:
  - {name: born, type: date, personal: true, prompt: "Born?"}
  - {name: passcode, type: digits, length: 10, secret: true, prompt: "Your passcode?"}
  - {name: city, type: text, prompt: "Which city?"}
""")
STORY = "a red bicycle"


def made() -> str:
    """A secret that nobody else says."""
    print(f"seed {SEED}")
    return "".join(random.Random(SEED).choices("123456789", k=12))


async def waiting(sessions: VoiceSessions, secret: str) -> VoiceSession:
    """A caller who hung up with the city still to be said."""
    session = await sessions.open("claim", caller="user-1")
    for words in ("march 5 1980", secret, STORY):
        await session.turn(words)
    await session.hang_up()
    return session


async def read(sessions: VoiceSessions, session_id: str) -> str:
    """All that readers get without asking for secrets."""
    found = (
        await sessions.state(session_id),
        await sessions.transcript(session_id),
        await sessions.export(session_id),
    )
    return "".join(one.model_dump_json() for one in found)


async def test_no_reader_gets_a_secret_that_was_put_aside() -> None:
    secret = made()
    async with MemorySessions([OLD]) as sessions:
        session_id = (await waiting(sessions, secret)).id
        sessions.deploy(NEW)
        for back in (False, True, False):
            await sessions.migrate(session_id, back=back)
            assert finds([secret], (await read(sessions, session_id)).encode()) == set()
        (kept,) = (await sessions.export(session_id, secrets=True)).sessions
        assert kept.put_aside.keys() == {"passcode", "story"}
        assert kept.put_aside["passcode"].value == secret
        (shown,) = (await sessions.export(session_id)).sessions
        assert (shown.put_aside["passcode"].value, shown.put_aside["story"].value) == ("***", STORY)


async def test_a_session_whose_caller_has_yet_to_show_who_they_are_stays_as_it_is() -> None:
    """Whoever is at the door gives answers to fields of the version that they are compared with."""
    secret = made()
    async with MemorySessions([OLD]) as sessions:
        session_id = (await waiting(sessions, secret)).id
        sessions.deploy(NEW)
        back = await sessions.open("claim", caller="user-1")
        await back.turn("march 6 1980")
        await back.hang_up()
        with pytest.raises(MigrationRefused, match="yet to show who they are"):
            await sessions.migrate(session_id)
        owner = await sessions.open("claim", caller="user-1")
        assert (await owner.turn("march 5 1980")).field == "city"
        await owner.hang_up()
        assert (await sessions.migrate(session_id)).form_version == "2"


async def test_no_secret_of_a_migrated_session_is_decoded(place: Place, sealed: World) -> None:
    """Neither of the migration itself, nor of what is carried over continue-as-new after it."""
    secret = made()
    sealed.forms["claim"] = OLD
    async with sealed.worker(), sealed.sessions() as sessions:
        session = await waiting(sessions, secret)
        first = await sealed.handle(session.id).describe()
        sealed.forms["claim"] = NEW
        for _ in range(MESSAGES_PER_RUN):
            state = await sessions.migrate(session.id)
        await renewed(sealed, session)
        assert (state.form_version, len(state.migrations)) == ("2", 1)
        kept = [
            payload
            for run in (first.run_id, None)
            for payload in await encrypted(sealed, session.id, run)
        ]
        tokens = Tokens({"acme": reader(sealed.settings.tenant)})
        server = CodecServer(place.keyring(), SecretFields(lambda _: sessions, OneForm(NEW)))
        shown = json.dumps(await asking(codec_app(server, tokens, {UI})).read(*kept)).encode()
        opened = b"".join(p.data for p in await SessionCodec(place.keyring()).decode(kept))
    assert finds([secret], shown) == set()
    assert b"put_aside" in opened
    assert finds([secret], opened), "the search could not fail"


async def encrypted(world: World, session_id: str, run_id: str | None) -> Sequence[Payload]:
    handle = world.client.get_workflow_handle(session_id, run_id=run_id)
    found = [
        payload for event in (await handle.fetch_history()).events for _, payload in payloads(event)
    ]
    return [one for one in found if one.metadata["encoding"] == b"binary/encrypted"]
