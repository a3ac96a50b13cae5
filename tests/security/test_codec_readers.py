"""The codec server as people meet it: a whole session, Temporal's command, Temporal's UI."""

import asyncio
import base64
import json
import random
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from google.protobuf.json_format import MessageToDict
from playwright.async_api import async_playwright, expect
from temporalio.api.common.v1 import Payload

from tests.console.conftest import served
from tests.durable.conftest import World
from tests.durable.test_delivery import receiver, until
from tests.durable.test_dev_command import running
from tests.security.codec_reading import (
    FORM,
    FORM_FILE,
    UI,
    Asking,
    OneForm,
    Tokens,
    asking,
    payload_list,
    reader,
    stored,
)
from tests.security.conftest import Place, world_of
from tests.security.searching import finds, payloads
from turnkeeper.client import VoiceSession, VoiceSessions
from turnkeeper.contract import Turn
from turnkeeper.forms.model import Deliver
from turnkeeper.gateway.access.api_keys import ApiKeys
from turnkeeper.gateway.codec import CodecServer, codec_app
from turnkeeper.gateway.doorway import NoForms
from turnkeeper.gateway.secret_fields import SecretFields
from turnkeeper.security.codec import SessionCodec
from worker.codec import LocalCodec
from worker.server import EmbeddedServer, find_temporal, free_port
from workflows.voice_session import MESSAGES_PER_RUN

SEED = random.randrange(10**9)


# --- a whole session ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Said:
    """What a caller says that nobody else says: one secret after the other, and a story."""

    story: str
    secrets: tuple[str, ...]

    @classmethod
    def made(cls) -> "Said":
        print(f"seed {SEED}")
        chance = random.Random(SEED)
        numbers = ["".join(chance.choices("123456789", k=12)) for _ in range(6)]
        return cls("Q" + "".join(chance.choices("abcdefghijkm", k=14)), tuple(numbers))


async def live(sessions: VoiceSessions, said: Said) -> VoiceSession:
    """Secrets come too early, refused, keyed, amended, by a model, over a reconnect and over a
    continue-as-new, and are delivered."""
    early, refused, keyed, amended, extracted, last = said.secrets
    session = await sessions.open("claim", caller="user-1")
    await session.turn(f"my passcode is {early}", utterance_id="u0")
    await session.turn(answers={"story": said.story})
    await session.turn(f"passcode {refused} {refused}", utterance_id="u1")
    await session.turn(dtmf=f"{keyed}#")
    await session.turn(f"change the passcode to {amended}", utterance_id="u2")
    await session.post_turn(answers={"passcode": extracted}, utterance_id="u3")
    await session.hang_up()
    session = await sessions.open("claim", caller="user-1")
    for number in range(MESSAGES_PER_RUN):
        await session.turn(answers={"passcode": last, "theft": bool(number % 2)})
    await session.turn("yes")
    await until(session, "completed")
    return session


@asynccontextmanager
async def lived(place: Place, world: World, said: Said) -> AsyncIterator[tuple[Asking, str]]:
    async with receiver(500, 200) as desk, world.worker(), world.sessions() as sessions:
        world.forms["claim"] = FORM.model_copy(update={"deliver": Deliver(url=desk.url)})
        session = await live(sessions, said)
        answers = desk.requests[-1][1]["answers"]
        assert isinstance(answers, dict)
        assert answers["passcode"] == said.secrets[-1]
        tenant = world.settings.tenant
        tokens = Tokens({"acme": reader(tenant)})
        server = CodecServer(place.keyring(), SecretFields(lambda tenant: sessions, NoForms()))
        yield asking(codec_app(server, tokens, {UI})), session.id


def digests(said: Said) -> list[bytes]:
    """Of what was said again and again: the ledger has them when it goes into a new run."""
    answers = [{"passcode": said.secrets[-1], "theft": theft} for theft in (False, True)]
    turns = [Turn(leg=0, utterance_id="", answers=given) for given in answers]
    return [turn.digest().encode() for turn in turns]


async def history(world: World, session_id: str) -> list[Payload]:
    """Every encrypted payload of every run."""
    found: list[Payload] = []
    async for run in world.client.list_workflows(f"WorkflowId = '{session_id}'"):
        handle = world.client.get_workflow_handle(session_id, run_id=run.run_id)
        async for event in handle.fetch_history_events():
            found += [payload for _, payload in payloads(event)]
    return [found for found in found if found.metadata["encoding"] == b"binary/encrypted"]


async def test_no_secret_of_a_whole_session_is_decoded_and_the_other_answers_are(
    place: Place, sealed: World
) -> None:
    said = Said.made()
    async with lived(place, sealed, said) as (codec, session_id):
        kept = await history(sealed, session_id)
        shown = json.dumps(await codec.read(*kept)).encode()
        assert finds(said.secrets, shown) == set()
        assert not any(digest in shown for digest in digests(said))
        assert f'"story": "{said.story}"'.encode() in shown
        opened = await SessionCodec(place.keyring()).decode(kept)
        clear = b"".join(payload.data for payload in opened)
        for secret in said.secrets:
            assert finds([secret], clear), "the search could not fail"
        assert all(digest in clear for digest in digests(said))


async def test_what_was_secret_in_a_callers_earlier_session_is_shown_no_more_than_then(
    place: Place, sealed: World
) -> None:
    """The next session of the id goes by a form that calls it secret no longer."""
    secret = "".join(random.Random(SEED).choices("123456789", k=12))
    sealed.forms["claim"] = FORM
    async with sealed.worker(), sealed.sessions() as sessions:
        first = await sessions.open("claim", caller="user-1")
        await first.turn("a red bicycle")
        await first.turn(secret)
        await first.cancel()
        sealed.forms["claim"] = open_form = FORM.model_copy(
            update={"fields": tuple(f.model_copy(update={"secret": False}) for f in FORM.fields)}
        )
        again = await sessions.open("claim", caller="user-1")
        definition = (await again.state()).definition
        assert again.id == first.id
        assert definition is not None
        assert not any(field.secret for field in definition.fields)
        tokens = Tokens({"acme": reader(sealed.settings.tenant)})
        server = CodecServer(place.keyring(), SecretFields(lambda _: sessions, OneForm(open_form)))
        kept = await history(sealed, first.id)
        shown = json.dumps(await asking(codec_app(server, tokens, {UI})).read(*kept)).encode()
        assert finds([secret], shown) == set()
        assert b"a red bicycle" in shown
        opened = await SessionCodec(place.keyring()).decode(kept)
        assert finds([secret], b"".join(payload.data for payload in opened))


# --- as people ask --------------------------------------------------------------------------------


async def show(world: World, session_id: str, endpoint: str, *more: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *(find_temporal(), "workflow", "show", "--workflow-id", session_id, "--output", "json"),
        *("--address", world.client.service_client.config.target_host),
        *("--codec-endpoint", endpoint, *more),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, said = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 0, said.decode()
    return output.decode()


def readable(output: str) -> str:
    """The decoded payloads of `temporal workflow show`."""
    found: list[str] = []

    def look(value: object) -> None:
        if isinstance(value, dict):
            if isinstance(value.get("data"), str) and "metadata" in value:
                found.append(base64.b64decode(value["data"]).decode(errors="replace"))
            for inner in value.values():
                look(inner)
        elif isinstance(value, list):
            for inner in value:
                look(inner)

    look(json.loads(output))
    return "\n".join(found)


async def test_the_temporal_command_shows_clear_text_to_who_has_the_right_and_ends_for_others(
    place: Place, sealed: World
) -> None:
    sealed.forms["claim"] = FORM
    tokens = Tokens({"good": reader(sealed.settings.tenant)})
    async with sealed.worker(), sealed.sessions() as sessions:
        session = await sessions.open("claim", caller="user-1")
        await session.turn("a red bicycle")
        server = CodecServer(place.keyring(), SecretFields(lambda tenant: sessions, NoForms()))
        async with served(codec_app(server, tokens, {UI})) as url:
            endpoint = f"{url}/{{namespace}}"
            good = await show(sealed, session.id, endpoint, "--codec-auth", "Bearer good")
            bad = await show(sealed, session.id, endpoint, "--codec-auth", "Bearer bad")
    assert '"a red bicycle"' in readable(good)
    assert "bicycle" not in readable(bad)


async def test_the_process_reads_for_api_keys_and_shows_no_answer_while_temporal_is_away(
    place: Place, tmp_path: Path
) -> None:
    (tmp_path / "forms").mkdir()
    (tmp_path / "forms" / "claim.yaml").write_text(FORM_FILE)
    payload = await stored(place, {"answers": {"story": "a fire"}, "leg": 1})
    key = await ApiKeys.of(place.settings()).make("ui", "acme", ("decode",), 60)
    settings = place.settings().model_dump(include={"keys", "key_store"})
    environment = {f"TURNKEEPER_{name.upper()}": str(value) for name, value in settings.items()}
    environment["TEMPORAL_ADDRESS"] = f"127.0.0.1:{free_port()}"
    with running(
        "codec", "--port", "0", "--forms", str(tmp_path / "forms"), **environment
    ) as command:
        said = command.until("codec server is running").splitlines()
        url = next(json.loads(line)["address"] for line in said if "address" in line)
        async with httpx.AsyncClient(base_url=f"{url}/codec") as client:
            for path in ("/livez", "/readyz"):
                assert (await client.get(f"{url}{path}")).status_code == 200
            ask = Asking(client)
            assert await ask.read(payload, token=key) == [{"answers": "***", "leg": 1}]
            found = await ask.post("/default/decode", payload, token=key[:-1])
            assert found == MessageToDict(payload_list(payload))["payloads"]
        command.process.send_signal(signal.SIGINT)
        assert await asyncio.to_thread(command.ended) == 0, command.output
        assert "fire" not in command.output


@pytest_asyncio.fixture(loop_scope="session")
async def local(
    place: Place, tmp_path: Path
) -> AsyncIterator[tuple[EmbeddedServer, VoiceSessions]]:
    """A server whose UI asks a codec server, as `dev` starts them, and sessions on it."""
    codec = LocalCodec()
    async with EmbeddedServer(
        tmp_path / "data", ui_port=0, extra_args=("--ui-codec-endpoint", codec.endpoint)
    ) as server:
        world = await world_of(server, place.settings())
        world.forms["claim"] = FORM
        async with world.worker(), world.sessions() as sessions:
            serving = asyncio.ensure_future(codec.serve(sessions, OneForm(), server.ui_port))
            yield server, sessions
            serving.cancel()
            await asyncio.wait([serving])


async def test_the_ui_shows_answers_and_no_secret(
    local: tuple[EmbeddedServer, VoiceSessions],
) -> None:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("there is no chromium here: apt-get install chromium")
    server, sessions = local
    session = await sessions.open("claim", caller="user-1")
    for text in ("a red bicycle", "481516234200", "yes", "yes"):
        await session.turn(text)
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = await browser.new_page()
        await page.goto(f"{server.ui_url}/namespaces/default/workflows/{session.id}")
        await expect(page.get_by_text("a red bicycle").first).to_be_visible(timeout=15_000)
        assert "481516234200" not in await page.content()
        await browser.close()
