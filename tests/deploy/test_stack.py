"""The compose stack's own parts at work, as plain processes: its scripts, and the commands of its
services with the environment that Compose gives them.

PostgreSQL is this machine's, Temporal the embedded server; there is no container.
"""

import asyncio
import base64
import json
import os
import re
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from tests.deploy.cluster import Cluster, running_cluster
from tests.deploy.stack import Stack, read_stack
from tests.deploy.tools import DEPLOY, ROOT, Ran, run, tool
from worker.server import EmbeddedServer, free_port

WITHIN = 60.0
"""Seconds until a service says that it runs."""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Stack:
    return read_stack(tmp_path_factory.mktemp("stack"))


@pytest.fixture(scope="module")
def cluster(stack: Stack) -> Iterator[Cluster]:
    """PostgreSQL after the step prepare-database."""
    with running_cluster(stack.secrets["POSTGRES_PASSWORD"]) as cluster:
        prepare(stack, cluster).ok()
        yield cluster


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedServer]:
    async with EmbeddedServer(tmp_path_factory.mktemp("temporal")) as server:
        yield server


# --- PostgreSQL -----------------------------------------------------------------------------------


def prepare(stack: Stack, cluster: Cluster, **changed: str) -> Ran:
    """The service prepare-database."""
    _, *arguments = stack.on_this_machine("prepare-database", "entrypoint")
    return cluster.psql({**stack.environment("prepare-database"), **changed}, *arguments)


def connects(cluster: Cluster, role: str, password: str, database: str) -> bool:
    who = {"PGUSER": role, "PGPASSWORD": password, "PGDATABASE": database}
    return cluster.psql(who, "--command=SELECT 1").status == 0


def test_each_role_reaches_its_own_databases_and_no_other(stack: Stack, cluster: Cluster) -> None:
    passwords = {
        "temporal": stack.secrets["TEMPORAL_DB_PASSWORD"],
        "turnkeeper": stack.secrets["KEYS_DB_PASSWORD"],
    }
    databases = ("temporal", "temporal_visibility", "turnkeeper")
    reached = {
        role: [name for name in databases if connects(cluster, role, password, name)]
        for role, password in passwords.items()
    }
    assert reached == {"temporal": list(databases[:2]), "turnkeeper": ["turnkeeper"]}


def test_temporals_role_may_make_what_its_schema_needs(stack: Stack, cluster: Cluster) -> None:
    """Tables, and the extension of its visibility schema."""
    who = {"PGUSER": "temporal", "PGPASSWORD": stack.secrets["TEMPORAL_DB_PASSWORD"]}
    made = "CREATE EXTENSION btree_gin; CREATE TABLE made (id BIGINT); DROP TABLE made;"
    cluster.psql({**who, "PGDATABASE": "temporal_visibility"}, f"--command={made}").ok()


def test_a_new_password_takes_effect_and_what_is_there_stays(
    stack: Stack, cluster: Cluster
) -> None:
    old = stack.secrets["KEYS_DB_PASSWORD"]
    who = {"PGUSER": "turnkeeper", "PGPASSWORD": old, "PGDATABASE": "turnkeeper"}
    cluster.psql(who, "--command=CREATE TABLE kept (id BIGINT)").ok()
    prepare(stack, cluster, KEYS_DB_PASSWORD="it's new").ok()
    assert not connects(cluster, "turnkeeper", old, "turnkeeper")
    new = {**who, "PGPASSWORD": "it's new"}
    cluster.psql(new, "--command=DROP TABLE kept").ok()
    prepare(stack, cluster).ok()
    assert connects(cluster, "turnkeeper", old, "turnkeeper")


# --- Temporal -------------------------------------------------------------------------------------

SQL_TOOL = """#!/bin/sh
echo "$SQL_USER $*"
case "$*" in *"$FAILS"*) exit 3 ;; esac
"""
"""In place of Temporal's, of which there is no package: it shows what it is asked to do."""


def set_up_schema(stack: Stack, folder: Path, fails: str) -> Ran:
    (folder / "temporal-sql-tool").write_text(SQL_TOOL)
    (folder / "temporal-sql-tool").chmod(0o755)
    environment = {**stack.environment("temporal-schema"), "FAILS": fails}
    path = f"{folder}:/usr/bin:/bin"
    (script,) = stack.on_this_machine("temporal-schema", "entrypoint")
    return run(script, environment={**environment, "PATH": path})


def test_both_schemas_are_set_up_and_then_brought_up_to_date(stack: Stack, tmp_path: Path) -> None:
    said = set_up_schema(stack, tmp_path, fails="nothing").ok()
    asked = [line for line in said.splitlines() if line.startswith("temporal --")]
    schemas = "/etc/temporal/schema/postgresql/v12"
    assert asked == [
        "temporal --database temporal setup-schema --version 0.0",
        f"temporal --database temporal update-schema --schema-dir {schemas}/temporal/versioned",
        "temporal --database temporal_visibility setup-schema --version 0.0",
        "temporal --database temporal_visibility update-schema"
        f" --schema-dir {schemas}/visibility/versioned",
    ]


def test_the_server_does_not_start_on_a_schema_that_failed(stack: Stack, tmp_path: Path) -> None:
    assert set_up_schema(stack, tmp_path, fails="temporal update-schema").status == 3


def set_up_namespace(stack: Stack, address: str, **changed: str) -> Ran:
    environment = stack.environment("temporal-namespace")
    (script,) = stack.on_this_machine("temporal-namespace", "entrypoint")
    path = f"{tool('temporal').parent}:/usr/bin:/bin"
    given = {**environment, "TEMPORAL_ADDRESS": address, "PATH": path, **changed}
    return run(script, environment=given)


def test_the_namespace_and_its_attributes_are_made_once(
    stack: Stack, server: EmbeddedServer
) -> None:
    for _ in range(2):
        said = set_up_namespace(stack, server.address, TEMPORAL_NAMESPACE="voice").ok()
        assert said.splitlines()[-1] == "search: done"
    described = run(
        tool("temporal"), "operator", "namespace", "describe", "--output", "json",
        "--namespace", "voice", "--address", server.address,
    ).ok()  # fmt: skip
    hours = stack.environment("temporal-namespace")["RETENTION"].removesuffix("h")
    kept = json.loads(described)["config"]["workflowExecutionRetentionTtl"]
    assert kept == f"{int(hours) * 3600}s"


def test_a_server_that_never_comes_is_given_up_with_a_sentence(stack: Stack) -> None:
    nobody = f"127.0.0.1:{free_port()}"
    ran = set_up_namespace(stack, nobody, TRIES="1")
    assert ran.status == 1
    assert ran.said.startswith("server: gave up after 1 tries")


# --- our services ---------------------------------------------------------------------------------


@dataclass
class Site:
    """Where the parts of the stack are on this machine."""

    stack: Stack
    cluster: Cluster
    server: EmbeddedServer

    def environment(self, service: str) -> dict[str, str]:
        """What Compose gives it, with the addresses of this machine in place of the stack's."""
        places = {
            "temporal:7233": self.server.address,
            "@postgresql:5432": f"@127.0.0.1:{self.cluster.port}",
            "0.0.0.0:9464": f"127.0.0.1:{free_port()}",  # They have no address of their own here.
        }
        environment = self.stack.environment(service)
        for there, here in places.items():
            environment = {n: value.replace(there, here) for n, value in environment.items()}
        return environment

    def command(self, service: str, port: int) -> list[str]:
        """What Compose runs, at `port`."""
        command = self.stack.command(service)
        return [*command[:-1], str(port)] if command else []

    @asynccontextmanager
    async def running(self, service: str, port: int = 0) -> AsyncIterator[None]:
        """The service, from when it says that it runs until it is stopped as a container is."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "worker", *self.command(service, port),
            cwd=ROOT,
            env={"PATH": os.defpath, **self.environment(service)},
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert process.stderr is not None
        try:
            async with asyncio.timeout(WITHIN):
                await until_it_runs(process.stderr)
            rest = asyncio.ensure_future(process.stderr.read())
            yield
            process.terminate()
            async with asyncio.timeout(WITHIN):
                assert await process.wait() == 0, (await rest).decode()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


async def until_it_runs(log: asyncio.StreamReader) -> None:
    """Reads JSON lines as far as the one that says so."""
    async for line in log:
        if not line.startswith(b"{"):
            pytest.fail((line + await log.read()).decode())
        if str(json.loads(line)["event"]).endswith(" is running"):
            return
    pytest.fail("it ended without a word")


@pytest.fixture(scope="module")
def site(stack: Stack, cluster: Cluster, server: EmbeddedServer) -> Site:
    return Site(stack, cluster, server)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def ports(site: Site) -> AsyncIterator[dict[str, int]]:
    """Where the gateway and the codec server listen, while they and a worker run."""
    ports = {"gateway": free_port(), "codec": free_port()}
    async with AsyncExitStack() as services:
        running = [site.running("worker"), *(site.running(*each) for each in ports.items())]
        await asyncio.gather(*map(services.enter_async_context, running))
        yield ports


def made_key(site: Site, *scopes: str) -> str:
    """An API key, made as docs/deploy.md says."""
    options = [word for scope in scopes for word in ("--scope", scope)]
    said = run(
        tool("turnkeeper"), "access", "make", "test", *options,
        environment=site.environment("gateway"),
    ).ok()  # fmt: skip
    (key,) = re.findall(r"tk_\w+", said)
    return str(key)


@pytest.fixture(scope="module")
def opened(site: Site, ports: dict[str, int]) -> tuple[str, str]:
    """A session that was opened at the gateway, and a key that may do so and decode."""
    key = made_key(site, "talk", "decode")
    reply = httpx.post(
        f"http://127.0.0.1:{ports['gateway']}/v1/sessions",
        json={"form": "roadside_claim", "caller": "+14155550100"},
        headers={"Authorization": f"Bearer {key}"},
        timeout=20,
    )
    assert reply.status_code == 201, reply.text
    assert reply.json()["reply"]["field"] == "policy_number"
    return str(reply.json()["session_id"]), key


def payloads(site: Site, session_id: str, *codec: str) -> bytes:
    """All that a session's history holds, as Temporal's command gets it."""
    history = run(
        tool("temporal"), "workflow", "show", "--output", "json", "--workflow-id", session_id,
        "--address", site.server.address, *codec,
    ).ok()  # fmt: skip
    found = re.findall(r'"data": *"([^"]+)"', history)
    assert found
    return b"\n".join(map(base64.b64decode, found))


def test_a_session_of_the_stack_is_encrypted_and_a_key_opens_its_history(
    site: Site, ports: dict[str, int], opened: tuple[str, str]
) -> None:
    session_id, key = opened
    endpoint = f"http://127.0.0.1:{ports['codec']}/codec/default"
    codec = ("--codec-endpoint", endpoint, "--codec-auth", f"Bearer {key}")
    assert b"Halden Mutual" not in payloads(site, session_id)
    assert b"Halden Mutual" in payloads(site, session_id, *codec)
    assert live_keys(site) >= 1


def test_without_a_key_the_gateway_lets_nobody_in(ports: dict[str, int]) -> None:
    url = f"http://127.0.0.1:{ports['gateway']}/v1/sessions"
    assert httpx.post(url, json={"form": "roadside_claim", "caller": "x"}).status_code == 401


@pytest.mark.parametrize("service", ["gateway", "codec"])
def test_a_probe_reaches_each_doorway(ports: dict[str, int], service: str) -> None:
    ran = run(sys.executable, DEPLOY / "probe.py", str(ports[service]))
    assert ran.status == 0, ran.said


def live_keys(site: Site) -> int:
    """How many there are in the stack's key store."""
    who = {"PGUSER": "turnkeeper", "PGPASSWORD": site.stack.secrets["KEYS_DB_PASSWORD"]}
    count = "--command=SELECT count(*) FROM session_keys WHERE wrapped IS NOT NULL"
    return int(site.cluster.psql({**who, "PGDATABASE": "turnkeeper"}, "-At", count).ok())


def test_the_probe_says_what_is_wrong() -> None:
    nobody = run(sys.executable, DEPLOY / "probe.py", str(free_port()))
    assert nobody.status == 1
    assert "does not answer" in nobody.said
