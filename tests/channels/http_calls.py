"""Calls over HTTP, for the tests of that channel: a form, an agent's leg, a problem."""

from typing import Any

import httpx
from fastapi import FastAPI

from turnkeeper.forms import parse_form
from turnkeeper.forms.model import Form
from turnkeeper.gateway.problems import PREFIX

FORM = parse_form("""
form: claim
version: "7"
title: Claim
greeting: Hello.
fields:
  - {name: policy, type: digits, length: 4, prompt: "Policy number?"}
  - {name: theft, type: boolean, prompt: "Was anything stolen?"}
  - {name: report, type: digits, length: 3..9, when: theft, prompt: "Police report number?"}
  - {name: guests, type: number, whole: true, min: 1, max: 12, required: false, prompt: "Guests?"}
  - {name: colour, type: choice, choices: [red, blue], prompt: "What colour?"}
""")
JSON = {"content-type": "application/json"}
CALLER = "+14155550100"
HIDDEN = "4321-hidden"


class Forms:
    """A catalogue of one form; it trips over `trap`."""

    names = (FORM.form,)

    def find(self, form: str) -> Form | None:
        if form == "trap":
            raise RuntimeError(HIDDEN)
        return FORM if form == FORM.form else None


def client(app: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1")


class Call:
    """A leg of a session, as an agent keeps it."""

    def __init__(self, http: httpx.AsyncClient, opened: httpx.Response) -> None:
        self._http = http
        self.opened = opened.json()
        self.path = opened.headers["location"]
        self.leg = {key: self.opened[key] for key in ("leg", "epoch")}

    async def turn(self, utterance_id: str, text: str, **content: object) -> httpx.Response:
        body = {**self.leg, "utterance_id": utterance_id, "text": text, **content}
        return await self._http.post(f"{self.path}/turns", json=body)


async def ring(http: httpx.AsyncClient, caller: str = CALLER, **opening: object) -> Call:
    body = {"form": "claim", "caller": caller, **opening}
    return Call(http, await http.post("/v1/sessions", json=body))


def problem(response: httpx.Response, status: int, name: str) -> dict[str, Any]:
    """The problem that a response is, which is of that type."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert (body["type"], body["status"]) == (PREFIX + name, status)
    return body
