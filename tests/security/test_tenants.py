"""Tenants beside each other: in one namespace with one worker, or with a namespace each."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from uuid import uuid4

import pytest
import pytest_asyncio
from google.protobuf.duration_pb2 import Duration
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client
from temporalio.converter import WorkflowSerializationContext
from temporalio.service import RPCError, RPCStatusCode

from tests.durable.conftest import World
from tests.security.conftest import Place
from turnkeeper.client import VoiceSessions
from turnkeeper.connection import connect, target_namespace
from turnkeeper.contract import Put
from turnkeeper.errors import InvalidInput, KeyUnknown, SessionNotFound
from turnkeeper.security.converter import data_converter, keyring
from turnkeeper.security.key_store import SessionId
from turnkeeper.settings import Settings
from turnkeeper.tenancy import Tenants
from worker.server import EmbeddedServer

CALLER = "+14155550100"


@dataclass(frozen=True)
class House:
    """Two tenants and what serves them."""

    settings: Settings
    tenants: Tenants

    @property
    def acme(self) -> VoiceSessions:
        return self.tenants.of("acme")

    @property
    def globex(self) -> VoiceSessions:
        return self.tenants.of("globex")


@pytest_asyncio.fixture(params=["shared", "apart"], loop_scope="session")
async def house(
    request: pytest.FixtureRequest, place: Place, server: EmbeddedServer
) -> AsyncIterator[House]:
    """One worker in one namespace, or one of each in its own."""
    settings = place.settings(task_queue=f"test-{uuid4().hex[:8]}")
    if request.param == "apart":
        token = uuid4().hex[:8]
        settings = settings.model_copy(update={"tenant_namespace": f"{token}-{{tenant}}"})
    async with serving(settings, server) as house:
        yield house


@asynccontextmanager
async def serving(settings: Settings, server: EmbeddedServer) -> AsyncIterator[House]:
    async with AsyncExitStack() as running:
        each = ("acme", "globex") if settings.tenant_namespace else ("acme",)
        for tenant in each:
            own = settings.model_copy(update={"tenant": tenant})
            await register(server, target_namespace(settings=own))
            client = await connect(server.address, settings=own)
            await running.enter_async_context(World(client, own).worker(searchable=False))
        connected = Tenants.connect(address=server.address, settings=settings)
        yield House(settings, await running.enter_async_context(connected))


async def register(server: EmbeddedServer, namespace: str) -> None:
    """Makes a namespace and waits until the server knows it."""
    if namespace == "default":
        return
    client = await Client.connect(server.address)
    day = Duration(seconds=86_400)
    await client.workflow_service.register_namespace(
        RegisterNamespaceRequest(namespace=namespace, workflow_execution_retention_period=day)
    )
    inside = await Client.connect(server.address, namespace=namespace)
    async with asyncio.timeout(20):
        while not await _known(inside):
            await asyncio.sleep(0.1)


async def _known(inside: Client) -> bool:
    try:
        return [_ async for _ in inside.list_workflows(limit=1)] == []
    except RPCError:
        return False


async def test_one_caller_of_two_tenants_has_two_sessions_and_each_sees_its_own(
    house: House,
) -> None:
    ours = await house.acme.open("claim", CALLER, transport_id="CA1")
    theirs = await house.globex.open("claim", CALLER, transport_id="CA1")
    assert ours.id.rpartition(":")[2] != theirs.id.rpartition(":")[2]
    await ours.turn("1111")
    await theirs.turn("2222")
    assert (await house.acme.state(ours.id)).form_answers == {"policy": "1111"}
    assert (await house.globex.state(theirs.id)).form_answers == {"policy": "2222"}
    for sessions, own in ((house.acme, ours), (house.globex, theirs)):
        await listed(sessions, [own.id])


async def listed(sessions: VoiceSessions, wanted: list[str]) -> None:
    """Waits until these are a tenant's sessions; visibility follows history, a little later."""
    async with asyncio.timeout(10):
        while [row.session_id async for row in sessions.list()] != wanted:
            await asyncio.sleep(0.05)


async def test_another_tenants_session_is_refused_in_the_words_for_one_that_is_not_there(
    house: House,
) -> None:
    theirs = await house.globex.open("claim", CALLER)
    await theirs.turn("2222")
    ours = theirs.id.replace("globex", "acme")
    for letter, attempt in zip("abcdefghijklmnopqrstuvwxyz", attempts(house.acme), strict=False):
        said = []
        for session_id in (theirs.id, f"{ours[:-26]}{letter * 26}"):  # Nobody has spoken to it.
            with pytest.raises(SessionNotFound) as refused:
                await attempt(session_id)
            said.append(str(refused.value).replace(session_id, "ID"))
        assert set(said) == {"there is no session ID"}, attempt
    intruder = house.acme.attach(theirs.id, theirs.leg, theirs.epoch)
    await intruder.hang_up()
    state = await house.globex.state(theirs.id)
    assert (state.turns, state.legs[-1].closed_at) == (1, None)


def attempts(sessions: VoiceSessions) -> list[Callable[[str], Awaitable[object]]]:
    """Everything that can be done with the id of a session. A method that takes one and is not
    called here fails this test."""
    taking = {
        name
        for name, method in inspect.getmembers(VoiceSessions, inspect.iscoroutinefunction)
        if "session_id" in inspect.signature(method).parameters
    }
    more: dict[str, tuple[object, ...]] = {"put": (Put(request_id="r", version=1),)}

    def calling(name: str) -> Callable[[str], Awaitable[object]]:
        async def call(session_id: str) -> object:
            return await getattr(sessions, name)(session_id, *more.get(name, ()))

        return call

    def leg(name: str, *arguments: object) -> Callable[[str], Awaitable[object]]:
        async def call(session_id: str) -> object:
            session = sessions.attach(session_id, 1)
            return await getattr(session, name)(*arguments)

        return call

    return [
        *(calling(name) for name in sorted(taking)),
        *(leg(name) for name in ("state", "transcript", "cancel", "hand_off")),
        *(leg(name, "4444") for name in ("turn", "post_turn", "reply_to")),
    ]


async def test_a_session_is_in_the_namespace_of_its_tenant_alone(
    house: House, server: EmbeddedServer
) -> None:
    session = await house.acme.open("claim", CALLER)
    template = house.settings.tenant_namespace or "default"
    found = [
        await has(server, template.replace("{tenant}", tenant), session.id)
        for tenant in ("acme", "globex")
    ]
    assert found == [True, house.settings.tenant_namespace is None]


async def has(server: EmbeddedServer, namespace: str, session_id: str) -> bool:
    client = await Client.connect(server.address, namespace=namespace)
    try:
        await client.get_workflow_handle(session_id).describe()
    except RPCError as error:
        if error.status != RPCStatusCode.NOT_FOUND:
            raise
        return False
    return True


async def test_no_backend_is_reached_with_another_tenants_id(house: House) -> None:
    theirs = await house.globex.session_id("claim", CALLER)
    with pytest.raises(SessionNotFound):
        house.acme.backend_of(theirs)


async def test_what_one_tenant_stored_another_ones_key_does_not_open(house: House) -> None:
    theirs = await house.globex.open("claim", CALLER)
    acme = house.settings.model_copy(update={"tenant": "acme"})
    namespace = target_namespace(settings=acme)
    context = WorkflowSerializationContext(namespace=namespace, workflow_id=theirs.id)
    ring = keyring(house.settings)
    await ring.of_session(SessionId(namespace, theirs.id))
    payload = (await data_converter(house.settings).with_context(context).encode([CALLER]))[0]
    key_id = payload.metadata["key-id"].decode()
    assert (await ring.of_id(key_id, tenant="globex")).tenant == "globex"
    with pytest.raises(KeyUnknown):
        await ring.of_id(key_id, tenant="acme")


async def test_what_is_no_tenants_name_is_refused(house: House) -> None:
    for name in ("", "a:b", "../x", "a b"):
        with pytest.raises(InvalidInput, match="is not an id"):
            house.tenants.of(name)
    assert house.acme is house.tenants.of("acme")
