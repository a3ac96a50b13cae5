"""The page and the example of HTTP do what they show."""

import asyncio
import json
import os
import re
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest_asyncio
from fastapi import FastAPI

from tests.docs.pages import blocks
from turnkeeper.forms import load_folder
from turnkeeper.gateway.access.ways import Made
from turnkeeper.gateway.app import create_app
from turnkeeper.gateway.problems import HTTP_PROBLEMS, PROBLEMS
from turnkeeper.gateway.serve import listen, serve, url_of
from turnkeeper.testing import MemorySessions

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "channels" / "http.md"
TEXT = PAGE.read_text(encoding="utf-8")


MADE = Made("default")


def app() -> FastAPI:
    return create_app(MemorySessions(load_folder(ROOT / "forms").values()), access=MADE)


@pytest_asyncio.fixture(loop_scope="session")
async def url() -> AsyncIterator[str]:
    """Of a gateway with the example forms."""
    bound, up = listen("127.0.0.1", 0), asyncio.Event()
    url = url_of(bound)
    serving = asyncio.ensure_future(serve(app(), bound, ready=up.set))
    await up.wait()
    yield url
    serving.cancel()
    with suppress(asyncio.CancelledError):
        await serving


async def run(url: str, *command: str) -> str:
    """What a command prints that finds the gateway in its environment."""
    running = await asyncio.create_subprocess_exec(
        *command,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={"PATH": os.environ["PATH"], "GATEWAY": url, "TURNKEEPER_TOKEN": MADE.token},
    )
    async with asyncio.timeout(60):
        output, _ = await running.communicate()
    assert running.returncode == 0, output.decode()
    return output.decode()


async def test_the_example_books_a_table_across_a_dropped_line(url: str) -> None:
    said = await run(url, "sh", str(ROOT / "examples" / "http_curl.sh"), "ada")
    before, after = said.split("--- the line drops; the same caller rings again ---\n")
    assert before.endswith("agent:  At what time?\n")
    assert after.startswith("agent:  Welcome back. So far I have your number of guests")
    assert after.endswith("status: completed\n")


async def test_the_lines_of_the_page_get_the_reply_that_it_shows(url: str) -> None:
    [script], [shown] = blocks(PAGE, "sh"), blocks(PAGE, "json")
    assert len([line for line in script.text.splitlines() if line]) <= 10
    said = await run(url, "sh", "-euc", script.text)
    replies = said.replace("}{", "}\n{").splitlines()
    assert json.loads(shown.text).items() <= json.loads(replies[-1]).items()


def test_the_page_has_every_problem_with_its_status() -> None:
    rows = re.findall(r"^\| (\d{3}) \| `([a-z-]+)` \|", TEXT, re.MULTILINE)
    known = [(status, name) for status, name, _ in PROBLEMS.values()]
    known += [(status, name) for status, (name, _) in HTTP_PROBLEMS.items()]
    assert sorted((int(status), name) for status, name in rows) == sorted(known)


def test_the_page_has_every_route_and_no_other() -> None:
    rows = re.findall(r"^\| `([A-Z]+)` \| `(/v1/\S+)` \|", TEXT, re.MULTILINE)
    paths: dict[str, dict[str, Any]] = app().openapi()["paths"]
    described = [(method.upper(), path) for path, ways in paths.items() for method in ways]
    assert sorted(rows) == sorted(described)
