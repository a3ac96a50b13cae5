"""What the tests of ConversationRelay share: two forms, a caller, and what a webhook answered."""

import asyncio
from collections.abc import Callable
from xml.etree.ElementTree import Element, fromstring

import httpx
from fastapi import FastAPI

from turnkeeper.contract import SessionState
from turnkeeper.forms.load import parse_form
from turnkeeper.forms.model import Form
from turnkeeper.testing import MemorySessions

CALLER = "+14155550100"

CLAIM = parse_form("""
form: claim
title: Claim
timezone: Europe/London
greeting: Hello.
goodbye: Thank you.
confirm: false
hand_off: "+1 415 555 0123"
fields:
  - {name: policy, type: digits, length: 4, prompt: ["Policy number?", "Four digits please."]}
  - {name: theft, type: boolean, prompt: "Was anything stolen?"}
  - {name: glass, type: boolean, prompt: "Is any glass broken?"}
  - {name: report, type: digits, prompt: "Report number?"}
""")
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


async def state_of(sessions: MemorySessions, caller: str = CALLER) -> SessionState:
    return await sessions.state(await sessions.session_id("claim", caller))


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
