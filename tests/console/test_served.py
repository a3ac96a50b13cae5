"""The console's files: what a browser is told to refuse, and who may kill the worker."""

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from turnkeeper.gateway.access.ways import Made, Open
from turnkeeper.gateway.app import create_app
from turnkeeper.gateway.console import read_assets
from turnkeeper.testing import MemorySessions


class Worker:
    """Counts how often it was killed."""

    def __init__(self) -> None:
        self.killed = 0

    async def kill(self) -> None:
        self.killed += 1


@pytest.fixture
def worker() -> Worker:
    return Worker()


@pytest_asyncio.fixture(loop_scope="session")
async def http(worker: Worker) -> AsyncIterator[httpx.AsyncClient]:
    ui = "http://127.0.0.1:8233/namespaces/default"
    async with client(
        create_app(MemorySessions([]), access=Open(), ui_url=ui, kill_worker=worker.kill)
    ) as http:
        yield http


def client(app: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1")


PATHS = ("/", *(f"/console/{name}" for name in sorted(read_assets()) if name != "index.html"))


@pytest.mark.parametrize("path", PATHS)
async def test_every_file_lets_nothing_in_from_elsewhere(
    http: httpx.AsyncClient, path: str
) -> None:
    got = await http.get(path)
    assert got.status_code == 200
    policy = dict(part.split(" ", 1) for part in got.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    assert {policy[kind] for kind in ("script-src", "style-src", "connect-src")} == {"'self'"}
    assert got.headers["x-content-type-options"] == "nosniff"
    assert got.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("path", PATHS)
async def test_a_file_that_the_browser_has_is_not_sent_again(
    http: httpx.AsyncClient, path: str
) -> None:
    first = await http.get(path)
    assert first.headers["cache-control"] == "no-cache"
    tag = first.headers["etag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}'):
        again = await http.get(path, headers={"if-none-match": known})
        assert (again.status_code, again.content) == (304, b"")
    changed = await http.get(path, headers={"if-none-match": '"other"'})
    assert (changed.status_code, changed.content) == (200, first.content)


async def test_nothing_but_the_pages_files_is_served(http: httpx.AsyncClient) -> None:
    for name in ("index.html", "nothing.js", "..%2fconsole.py", "%2e%2e%2fapp.py"):
        assert (await http.get(f"/console/{name}")).status_code == 404


async def test_the_page_is_no_part_of_the_described_api(http: httpx.AsyncClient) -> None:
    paths = (await http.get("/openapi.json")).json()["paths"]
    assert all(path.startswith("/v1/") for path in paths)


async def test_the_page_learns_where_the_ui_is_and_what_it_may_kill(
    http: httpx.AsyncClient,
) -> None:
    told = await http.get("/console/config.json")
    assert told.json() == {
        "ui_url": "http://127.0.0.1:8233/namespaces/default",
        "kill_worker": True,
    }
    async with client(create_app(MemorySessions([]), access=Open())) as plain:
        told = await plain.get("/console/config.json")
    assert told.json() == {"ui_url": None, "kill_worker": False}


async def test_only_a_request_that_a_foreign_page_cannot_send_kills_the_worker(
    worker: Worker,
) -> None:
    path, made = "/dev/kill-worker", Made("default")
    app = create_app(MemorySessions([]), access=made, kill_worker=worker.kill)
    http = client(app)
    refused = await http.post(path)
    assert (refused.status_code, worker.killed) == (401, 0)
    http.headers["authorization"] = f"Bearer {made.token}"
    foreign = await http.post(path, json={}, headers={"origin": "https://evil.example"})
    assert (foreign.status_code, worker.killed) == (403, 0)
    assert (await http.get(path)).status_code == 405
    done = await http.post(path, json={}, headers={"origin": "http://127.0.0.1"})
    assert (done.status_code, worker.killed) == (204, 1)


async def test_where_no_worker_may_be_killed_there_is_no_such_address() -> None:
    async with client(create_app(MemorySessions([]), access=Open())) as http:
        assert (await http.post("/dev/kill-worker", json={})).status_code == 404
