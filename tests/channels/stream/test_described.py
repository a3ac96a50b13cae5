"""What is written about the WebSocket is so: docs/asyncapi.yaml, its page, its example."""

import asyncio
import json
import os
import re
import sys

import httpx
import pytest
import yaml

from tests.channels.stand import ROOT
from tests.channels.streaming import ASYNCAPI, Caller, Gateway, HeldBackend, gateway
from tests.docs.pages import blocks
from turnkeeper.contract import MAX_TURN_BYTES
from turnkeeper.forms.load import load_folder
from turnkeeper.gateway.serve import MAX_FRAME_BYTES
from turnkeeper.gateway.stream.asyncapi import ANSWERS, EXAMPLES, as_yaml, document
from turnkeeper.gateway.stream.closing import CLOSES, Code
from turnkeeper.gateway.stream.line import Limits
from turnkeeper.gateway.stream.messages import CLIENT, SERVER, read

PAGE = ROOT / "docs" / "channels" / "websocket.md"
EXAMPLE = ROOT / "examples" / "websocket_client.py"


# --- docs/asyncapi.yaml ---------------------------------------------------------------------------


def test_the_asyncapi_file_is_that_of_the_code() -> None:
    """When it is not: write `as_yaml()` into the file."""
    assert ASYNCAPI.read_text(encoding="utf-8") == as_yaml()


def test_every_message_is_in_the_document_with_its_schema_and_no_other() -> None:
    described = yaml.safe_load(ASYNCAPI.read_text(encoding="utf-8"))
    messages, schemas = described["components"]["messages"], described["components"]["schemas"]
    models = {model.__name__: kind for kind, model in (*CLIENT.items(), *SERVER.items())}
    assert {name: message["name"] for name, message in messages.items()} == models
    assert set(described["channels"]["stream"]["messages"]) == set(models)
    for name, kind in models.items():
        assert messages[name]["payload"] == {"$ref": f"#/components/schemas/{name}"}
        assert schemas[name]["properties"]["type"]["const"] == kind
    assert {model.model_fields["type"].default for model in CLIENT.values()} == set(CLIENT)


def test_every_reference_in_the_document_leads_somewhere() -> None:
    described = yaml.safe_load(ASYNCAPI.read_text(encoding="utf-8"))
    references = re.findall(r"'#/([\w/]+)'", ASYNCAPI.read_text(encoding="utf-8"))
    assert len(references) > 50
    for path in references:
        place = described
        for part in path.split("/"):
            place = place[part]


def test_every_message_of_a_client_is_answered_by_what_the_server_has() -> None:
    assert set(ANSWERS) == set(CLIENT) == set(EXAMPLES)
    assert {answer for answers in ANSWERS.values() for answer in answers} | {"event"} == set(SERVER)


@pytest.mark.parametrize("kind", CLIENT)
def test_every_example_is_a_message_of_its_type(kind: str) -> None:
    assert isinstance(read(json.dumps(EXAMPLES[kind])), CLIENT[kind])


async def test_the_gateway_serves_its_description(here: Gateway) -> None:
    async with httpx.AsyncClient() as client:
        served = await client.get(f"{here.url.replace('ws', 'http')}/asyncapi.json")
    assert served.json() == document()


# --- the page -------------------------------------------------------------------------------------


def test_the_page_has_every_close_code_and_its_meaning() -> None:
    rows = [f"| {code.value} | {close.when} | {close.then} |" for code, close in CLOSES.items()]
    table = PAGE.read_text().split("<!-- closes -->")[1].split("<!-- end of closes -->")[0]
    assert table.strip().splitlines()[2:] == rows
    assert set(CLOSES) == set(Code)
    assert all(len(close.reason.encode()) <= 123 for close in CLOSES.values())


def test_the_limits_are_those_that_the_page_gives() -> None:
    page = PAGE.read_text()
    limits = Limits()
    assert f"| {limits.window}; more wait unread" in page
    assert f"| silence of the client | {limits.idle_seconds / 60:.0f} minutes |" in page
    assert f"does not read | {limits.slow_seconds:.0f} s |" in page
    assert f"| a frame | {MAX_FRAME_BYTES // 1024} KiB |" in page
    assert f"| a turn | {MAX_TURN_BYTES // 1024} KiB |" in page


async def test_the_conversation_of_the_page_takes_place_as_shown() -> None:
    shown = next(block for block in blocks(PAGE, "text") if block.text.startswith("->")).text
    forms = load_folder(ROOT / "forms").values()
    async with gateway(HeldBackend(forms)) as here:
        line = await Caller.at(here)
        for row in shown.splitlines():
            if row.startswith("->"):
                await line.socket.send(row[3:].replace("tk_...", here.token))
            else:
                message = await line.hears()
                assert has(message, json.loads(row[3:])), f"the page shows {row}, it is {message}"
        assert (await line.closed())[0] == 1000


def has(whole: object, part: object) -> bool:
    """Whether every field of `part` is in `whole`, at any depth."""
    if isinstance(whole, dict) and isinstance(part, dict):
        return all(name in whole and has(whole[name], part[name]) for name in part)
    return whole == part


# --- the example and the benchmark ----------------------------------------------------------------


async def test_the_example_books_a_table_over_a_line_that_is_cut() -> None:
    async with gateway(HeldBackend(load_folder(ROOT / "forms").values())) as here:
        command = (sys.executable, str(EXAMPLE), "--gateway", here.url, "--caller", "ada")
        environment = {**os.environ, "TURNKEEPER_TOKEN": here.token}
        ran = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, env=environment
        )
        async with asyncio.timeout(30):
            output = (await ran.communicate())[0].decode()
        assert ran.returncode == 0, output
        key = await here.sessions.session_id("dinner_reservation", "ada")
        state = await here.sessions.state(key)
    assert output.count("the line was cut") == 1
    assert (state.status, state.leg, state.turns) == ("completed", 1, 6)
    assert len(EXAMPLE.read_text().splitlines()) <= 65


async def test_the_benchmark_runs_and_gives_a_floor_and_a_ratio() -> None:
    """What it measures is not asserted."""
    command = (sys.executable, "-m", "benchmarks.sockets", "--sockets", "4", "--rate", "10")
    ran = await asyncio.create_subprocess_exec(
        *command, "--json", cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(120):
        output = (await ran.communicate())[0]
    floor, sockets = json.loads(output)
    assert (floor["kind"], floor["times_the_floor"]) == ("python client", 1.0)
    assert (sockets["kind"], sockets["turns"]) == ("websocket", 4 * 3)
