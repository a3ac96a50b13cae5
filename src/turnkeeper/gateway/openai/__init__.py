"""OpenAI-compatible: a form as the language model of any platform that takes a custom one.

`POST /v1/chat/completions`, where `model` is the form, and `GET /v1/models`. The platform keeps
the audio and the conversation; each request has all of it, so any instance of the gateway can
answer. See `turnkeeper.gateway.calls` for how a turn is told from a retry.
"""

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from turnkeeper.contract import Reply
from turnkeeper.errors import UnknownForm
from turnkeeper.gateway.access.gate import Gate
from turnkeeper.gateway.access.guard import Known, Talks
from turnkeeper.gateway.calls import Call, Calls
from turnkeeper.gateway.doorway import Doorway
from turnkeeper.gateway.openai.answer import Answer
from turnkeeper.gateway.openai.identity import Asked, Places, identify
from turnkeeper.gateway.openai.refusal import Refusing
from turnkeeper.gateway.openai.request import ChatRequest, body_of

CHANNEL = "openai"


def router(gate: Gate) -> APIRouter:
    """The three routes. They are OpenAI's to describe, so they are not in our OpenAPI document."""
    calls = Calls(CHANNEL)
    routes = APIRouter(route_class=Refusing, include_in_schema=False)

    @routes.post("/v1/chat/completions")
    async def chat_completions(door: Talks, request: Request) -> Response:
        try:
            chat = ChatRequest.read(await body_of(request))
        except ClientDisconnect:  # Given up before all of it was here: there is nobody to tell.
            return Response(status_code=400)
        call = await _call(calls, door, chat, request)
        answer = Answer(chat, await _reply(call, chat), call.leg)
        if not chat.stream:
            return JSONResponse(answer.completion(), headers=answer.headers)
        events = "".join(answer.events())
        return Response(events, media_type="text/event-stream", headers=answer.headers)

    @routes.get("/v1/models")
    async def models(door: Known) -> dict[str, object]:
        return {"object": "list", "data": [_model(name) for name in door.forms.names]}

    @routes.get("/v1/models/{form}")
    async def model(door: Known, form: str) -> dict[str, object]:
        if form not in door.forms.names:
            raise UnknownForm(f"this gateway knows no form {form!r}")
        return _model(form)

    return routes


async def _call(calls: Calls, door: Doorway, chat: ChatRequest, request: Request) -> Call:
    settings = door.sessions.settings
    asked = Asked(request.headers, chat.prompt, chat.model_extra or {})
    who = identify(asked, settings.region, Places.of(settings))
    talk = chat.conversation
    if who.call is None:
        return await calls.guess(door, chat.model, who.caller, talk)
    return await calls.find(door, chat.model, who.caller, who.call, talk)


async def _reply(call: Call, chat: ChatRequest) -> Reply:
    """The reply to the caller's last words. Where the platform asks for more after ours, or after
    a tool's result, they are said again: the question is still open."""
    if chat.last_role == "user":
        return await call.turn(chat.conversation)
    return await call.last_reply()


def _model(form: str) -> dict[str, object]:
    """OpenAI's `Model`; a form has no date of its own."""
    return {"id": form, "object": "model", "created": 0, "owned_by": "turnkeeper"}
