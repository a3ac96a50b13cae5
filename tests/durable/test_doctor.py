"""`turnkeeper doctor` finds what is wrong and says how to mend it; it never ends in a traceback."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError

from tests.durable.conftest import CLAIM, World
from tests.durable.test_cli import Commands, Ran, run
from turnkeeper.connection import connect
from turnkeeper.contract import SEARCH_ATTRIBUTES
from turnkeeper.doctor import Examined, examine, finding, here
from turnkeeper.doctor import server as there
from turnkeeper.errors import StoreUnavailable
from turnkeeper.forms.load import parse_form
from turnkeeper.security.aead import new_key
from turnkeeper.security.converter import keyring
from turnkeeper.security.key_file import make_key_file
from turnkeeper.security.key_store import SessionId
from turnkeeper.security.master_keys import MasterKeys
from turnkeeper.settings import Settings, read_settings
from worker.build import build_worker
from worker.server import EmbeddedServer, free_port

__all__ = ["run"]

WITHIN = 20.0


def findings(ran: Ran) -> dict[str, finding.Finding]:
    assert ran.err == ""
    document = json.loads(ran.out)
    found = {one["check"]: finding.Finding(**one) for one in document["findings"]}
    assert document["ok"] is (ran.status == 0)
    assert document["ok"] is all(one.state != "wrong" for one in found.values())
    assert all(one.mend for one in found.values() if one.state in ("wrong", "warning"))
    return found


def encrypted(settings: Settings, folder: Path) -> Settings:
    make_key_file(folder / "keys.json")
    keys = {"keys": f"file:{folder / 'keys.json'}", "key_store": f"sqlite:{folder / 'keys.db'}"}
    return settings.model_copy(update=keys)


def variables(settings: Settings) -> dict[str, str]:
    return {
        "TURNKEEPER_KEYS": settings.keys or "",
        "TURNKEEPER_KEY_STORE": settings.key_store or "",
    }


@pytest.fixture
def forms(tmp_path: Path) -> Path:
    folder = tmp_path / "forms"
    folder.mkdir()
    (folder / "claim.yaml").write_text(CLAIM)
    return folder


async def test_a_set_up_that_works_has_nothing_wrong(
    world: World, run: Commands, tmp_path: Path, forms: Path
) -> None:
    settings = encrypted(world.settings, tmp_path)
    await keyring(settings).identity_key(settings.tenant)
    environment = variables(settings)
    async with world.worker():
        ran = await run("doctor", "--json", TURNKEEPER_FORMS=str(forms), **environment)
    states = {name: one.state for name, one in findings(ran).items()}
    # One worker is none to spare.
    assert {name for name, state in states.items() if state != "ok"} == {"workers"}
    assert states["workers"] == "warning"


async def test_no_worker_no_keys_and_a_form_with_mistakes_are_each_told(
    run: Commands, forms: Path
) -> None:
    (forms / "bad.yaml").write_text("form: bad\n")
    found = findings(await run("doctor", "--json", TURNKEEPER_FORMS=str(forms)))
    assert found["workers"].state == found["forms"].state == "wrong"
    assert "python -m worker" in found["workers"].mend
    assert "turnkeeper forms check" in found["forms"].mend
    assert found["keys"].state == found["gateway"].state == "warning"


async def test_no_server_and_no_namespace_are_told_and_the_rest_is_looked_at(
    run: Commands, forms: Path
) -> None:
    nobody, nowhere = await asyncio.gather(
        run(
            *("doctor", "--json", "--address", f"127.0.0.1:{free_port()}"),
            TURNKEEPER_FORMS=str(forms),
        ),
        run("doctor", "--json", "--namespace", "nowhere", TURNKEEPER_FORMS=str(forms)),
    )
    away, unknown = findings(nobody), findings(nowhere)
    assert "nothing answers at 127.0.0.1:" in away["server"].found
    assert "has no namespace nowhere" in unknown["server"].found
    assert "temporal operator namespace create --namespace nowhere" in unknown["server"].mend
    for found in (away, unknown):
        assert found["workers"].state == "skipped"
        assert found["forms"].state == "ok"


async def test_keys_that_are_not_there_are_a_sentence(
    world: World, run: Commands, tmp_path: Path
) -> None:
    environment = {
        "TURNKEEPER_KEYS": f"file:{tmp_path / 'nothing.json'}",
        "TURNKEEPER_KEY_STORE": f"sqlite:{tmp_path / 'no' / 'folder.db'}",
    }
    ran = await run("doctor", "--json", **environment)
    assert ran.status == 1
    assert "Traceback" not in ran.err + ran.out


async def test_another_tenant_key_of_the_same_version_is_told(
    world: World, client: Client, tmp_path: Path
) -> None:
    settings = encrypted(world.settings, tmp_path)
    mine = keyring(settings)
    await mine.identity_key(settings.tenant)
    examined = Examined(settings, client, "")
    assert (await here.key_store(examined)).state == "ok"
    (tmp_path / "keys.json").unlink()
    make_key_file(tmp_path / "keys.json")
    found = await here.key_store(examined)
    assert found.state == "wrong"
    assert "version 1 of the tenant key here is not the one" in found.found
    assert "TURNKEEPER_KEYS" in found.mend


async def test_a_key_of_an_older_version_that_is_another_one_now_is_told(
    world: World, client: Client, tmp_path: Path
) -> None:
    settings = encrypted(world.settings, tmp_path)
    await keyring(settings).of_session(SessionId("default", f"p:{settings.tenant}:f:s"))
    other = MasterKeys("1", {"1": new_key()}).with_next()
    (tmp_path / "keys.json").write_text(json.dumps({"current": "2", "keys": other.written()}))
    (tmp_path / "keys.json").chmod(0o600)
    await keyring(settings).identity_key(settings.tenant)
    found = await here.key_store(Examined(settings, client, ""))
    assert found.state == "wrong"
    assert "version 1 of the tenant key here is not the one" in found.found


async def test_a_key_store_that_is_not_there_is_told_and_not_made(
    world: World, client: Client, tmp_path: Path
) -> None:
    settings = encrypted(world.settings, tmp_path)
    examined = Examined(settings, client, "")
    assert (await here.key_store(examined)).state == "warning"
    async with world.worker(), world.sessions() as sessions:
        await sessions.open("claim", "ann")
        async with asyncio.timeout(WITHIN):
            while (found := await here.key_store(examined)).state == "warning":
                await asyncio.sleep(0.05)
    assert found.state == "wrong"
    assert "bring it back" in found.mend
    assert not (tmp_path / "keys.db").exists()


async def test_a_client_with_other_keys_than_the_worker_is_told_to_compare_them(
    world: World, server: EmbeddedServer, run: Commands, tmp_path: Path
) -> None:
    settings = encrypted(world.settings, tmp_path)
    client = await connect(server.address, settings=settings)
    other = {**variables(settings), "TURNKEEPER_KEY_STORE": f"sqlite:{tmp_path / 'other.db'}"}
    async with build_worker(client, settings, lambda _: parse_form(CLAIM)):
        ran = await run("talk", "claim", "--caller", "ann", TURNKEEPER_TURN_DEADLINE="5", **other)
        await stop_all(client, settings)
    assert "has other keys than this command" in ran.sentence()
    assert "TURNKEEPER_KEY_STORE" in ran.err


async def stop_all(client: Client, settings: Settings) -> None:
    """No session is left that workers of other tests would see."""
    query = f"TaskQueue = '{settings.task_queue}' AND ExecutionStatus = 'Running'"
    async with asyncio.timeout(WITHIN):
        while not (rows := [row async for row in client.list_workflows(query)]):
            await asyncio.sleep(0.05)
    for row in rows:
        await client.get_workflow_handle(row.id).terminate()


async def test_a_session_that_a_client_without_keys_began_is_found(
    world: World, server: EmbeddedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(there, "_OPENED", timedelta())
    settings = encrypted(world.settings, tmp_path)
    client = await connect(server.address, settings=settings)
    examined = Examined(settings, client, server.address)
    assert (await there.sessions(examined)).state == "ok"
    async with build_worker(client, settings, lambda _: parse_form(CLAIM)):
        async with world.sessions(deadline=1.0) as without_keys:
            with pytest.raises(StoreUnavailable):
                await without_keys.open("claim", "ann")
            stuck = await without_keys.session_id("claim", "ann")
        async with asyncio.timeout(WITHIN):
            while (found := await there.sessions(examined)).state == "ok":
                await asyncio.sleep(0.05)
        await client.get_workflow_handle(stuck).terminate()
    assert found.state == "wrong"
    assert "TURNKEEPER_KEYS" in found.mend


async def test_search_attributes_that_are_missing_are_told_with_the_command(
    client: Client, server: EmbeddedServer
) -> None:
    request = RegisterNamespaceRequest(namespace="doctor")
    request.workflow_execution_retention_period.FromTimedelta(timedelta(days=1))
    await client.workflow_service.register_namespace(request)
    bare = await connect(server.address, "doctor")
    examined = Examined(read_settings(), bare, server.address)
    async with asyncio.timeout(WITHIN):
        while (await there.reached(examined)).state != "ok" or not await answers(bare):
            await asyncio.sleep(0.1)
    found = {one.check: one for one in await examine(examined)}
    assert all(name in found["search attributes"].mend for name in SEARCH_ATTRIBUTES)
    assert found["sessions"].state == "skipped"


async def answers(client: Client) -> bool:
    """Whether the namespace is known to all of the server: that takes a second or so."""
    try:
        await client.count_workflows("")
    except RPCError:
        return False
    return True


@pytest.mark.parametrize(
    ("seconds", "state"), [(-60, "wrong"), (0, "ok"), (4, "ok"), (60, "wrong")]
)
def test_clocks_that_are_apart_are_told(seconds: float, state: str) -> None:
    now = datetime.now(UTC)
    seen = now + timedelta(seconds=seconds)
    assert there.agreement(now, seen, now + timedelta(seconds=0.1)).state == state


async def test_a_gateway_that_would_be_reached_in_clear_is_told(
    client: Client, tmp_path: Path
) -> None:
    settings = encrypted(read_settings(public_url="http://voice.example.com"), tmp_path)
    assert (await here.gateway(Examined(settings, client, ""))).state == "warning"
    https = settings.model_copy(update={"public_url": "https://voice.example.com"})
    assert (await here.gateway(Examined(https, client, ""))).state == "ok"


async def test_a_check_that_fails_in_an_unforeseen_way_is_a_finding_and_quotes_nothing(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def failing(_: Examined) -> finding.Finding:
        raise ValueError("4711")

    monkeypatch.setattr("turnkeeper.doctor.checks.OF_HERE", {"broken": failing})
    found = (await examine(Examined(read_settings(), client, "")))[-1]
    assert (found.check, found.state) == ("broken", "wrong")
    assert "ValueError" in found.found
    assert "4711" not in found.found
