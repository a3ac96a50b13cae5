"""A platform with a custom language model, request by request, in front of gateways in memory."""

from typing import Any

import httpx2
from fastapi import FastAPI

from tests.channels.claim import CALLER, CLAIM
from turnkeeper.forms.model import Form
from turnkeeper.gateway.access.ways import Open
from turnkeeper.gateway.app import create_app
from turnkeeper.testing import MemorySessions

Body = dict[str, object]


class Forms:
    names = ("claim",)

    def find(self, form: str) -> Form | None:
        return CLAIM if form == "claim" else None


def gateway(sessions: MemorySessions) -> FastAPI:
    """An instance of the gateway; several may stand before the same sessions."""
    return create_app(sessions, access=Open(), forms=Forms())


def tool(name: str, *arguments: str) -> Body:
    parameters = {"type": "object", "properties": {key: {"type": "string"} for key in arguments}}
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


class Platform:
    """What a platform keeps of one call: the messages, and who is on the line."""

    def __init__(self, app: FastAPI, call: str | None = "call-1", **extra: object) -> None:
        self.app = app
        self.headers = {"X-Turnkeeper-Subject": CALLER}
        if call:
            self.headers["X-Turnkeeper-Call"] = call
        self.extra = extra
        self.messages: list[Body] = [{"role": "system", "content": "You fill in a form."}]

    async def post(self, **fields: object) -> httpx2.Response:
        body = {"model": "claim", "messages": [*self.messages], **self.extra, **fields}
        async with httpx2.AsyncClient(
            transport=httpx2.ASGITransport(self.app), base_url="http://127.0.0.1"
        ) as client:
            return await client.post("/v1/chat/completions", json=body, headers=self.headers)

    async def asked(self, **fields: object) -> dict[str, Any]:
        """The first choice's message, with the finish reason and our own field."""
        response = await self.post(**fields)
        assert response.status_code == 200, response.text
        body = response.json()
        (choice,) = body["choices"]
        return {**choice["message"], "finish": choice["finish_reason"], **body["turnkeeper"]}

    async def hears(self, **fields: object) -> str:
        """What the agent says to the conversation as it stands; it is not kept."""
        return str((await self.asked(**fields))["content"])

    async def says(self, words: object, **fields: object) -> str:
        """Another user message, and the assistant's after it."""
        self.messages.append({"role": "user", "content": words})
        said = await self.hears(**fields)
        self.messages.append({"role": "assistant", "content": said})
        return said
