"""What the tests of ConversationRelay share: two forms, a caller, and what a webhook answered."""

import asyncio
from collections.abc import Callable
from xml.etree.ElementTree import Element, fromstring

import httpx
from fastapi import FastAPI

from tests.channels.claim import BEGINNING
from turnkeeper.forms.load import parse_form
from turnkeeper.forms.model import Form

CLAIM = parse_form(
    BEGINNING
    + """
  - {name: glass, type: boolean, prompt: "Is any glass broken?"}
  - {name: report, type: digits, prompt: "Report number?"}
"""
)
GERMAN = parse_form("""
form: schaden
language: de
greeting: Guten Tag.
fields:
  - {name: policy, type: digits, length: 4, prompt: "Ihre Nummer?"}
""")


class Forms:
    names = ("claim", "schaden")

    def find(self, form: str) -> Form | None:
        return {"claim": CLAIM, "schaden": GERMAN}.get(form)


async def settled(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


async def posted(app: FastAPI, path: str, **fields: str) -> Element:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        answer = await client.post(path, data=fields)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/xml; charset=utf-8")
    return fromstring(answer.content)


def connected(response: Element) -> Element:
    found = response.find("./Connect/ConversationRelay")
    assert found is not None
    return found
