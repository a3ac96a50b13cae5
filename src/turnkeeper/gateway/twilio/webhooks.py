"""The two HTTP requests of a call: it comes in, and its relay session is over.

Everything that a call needs is in the query of these addresses and comes back with each request,
so that any gateway answers any of them.
"""

import json
import math
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, ValidationError

from turnkeeper.errors import InvalidInput, StoreUnavailable, Unauthenticated
from turnkeeper.gateway.doorway import Doorway
from turnkeeper.gateway.twilio import sentences, twiml
from turnkeeper.gateway.twilio.frames import relay_language
from turnkeeper.gateway.twilio.platforms import Platforms, Webhook
from turnkeeper.security.identity import require_part
from turnkeeper.telemetry import logger

PAUSES = (1, 2, 4)
"""Seconds before each attempt to get a call back after its socket failed: a gateway that is started
again is back by the second or third. After these the caller is asked to ring again."""
HELD_SECONDS = 60
"""A session that lasted for this long was no failed attempt: the count begins anew."""
TIMES = {"timeout": (0.0, 120.0), "interdigittimeout": (0.5, 30.0)}
"""Seconds that the webhook's address may set (see `turnkeeper.gateway.twilio.listening`)."""

Answer: TypeAlias = Callable[[Request, Webhook], Awaitable[bytes]]

_log = logger(__name__)


class HandoffData(BaseModel):
    """What our own `end` frame said."""

    model_config = ConfigDict(extra="ignore")

    reason: str = ""
    transfer_to: str | None = None


def add_routes(router: APIRouter, platforms: Platforms) -> None:
    webhooks = Webhooks(platforms)
    router.add_api_route("/voice", webhooks.voice, methods=["POST"])
    router.add_api_route("/action", webhooks.action, methods=["POST"])


class Webhooks:
    """The two, for the calls of `platforms`."""

    def __init__(self, platforms: Platforms) -> None:
        self._platforms = platforms

    async def voice(self, request: Request) -> Response:
        return await self._answered(request, self._connected)

    async def action(self, request: Request) -> Response:
        return await self._answered(request, self._after)

    async def _answered(self, request: Request, answer: Answer) -> Response:
        """Whoever is no platform of ours learns nothing else."""
        try:
            webhook = await self._platforms.webhook(request)
            content = await answer(request, webhook)
        except Unauthenticated as error:
            _log.warning("a webhook was refused", reason=str(error))
            return Response(status_code=403)
        return Response(content, media_type=twiml.MEDIA_TYPE)

    async def _after(self, request: Request, webhook: Webhook) -> bytes:
        """What follows a session: `SessionStatus` is `ended` by us, `failed`, or else hung up."""
        told = webhook.told
        end = _handoff(told.get("HandoffData", ""))
        if told.get("SessionStatus") == "failed" or end.reason == "unavailable":
            return await self._again(request, webhook)
        return _left(end)

    async def _again(self, request: Request, webhook: Webhook) -> bytes:
        """The same call on a new socket, where the caller hears the pending question."""
        told = webhook.told
        before = _whole(request.query_params.get("failed", ""))
        held = _whole(told.get("SessionDuration", "")) >= HELD_SECONDS
        failed = 1 if held else before + 1
        _log.warning("a call lost its socket", count=failed, code=_whole(told.get("ErrorCode", "")))
        return await self._connected(request, webhook, failed)

    async def _connected(self, request: Request, webhook: Webhook, failed: int = 0) -> bytes:
        """TwiML that connects the call to the relay, or says why not."""
        if failed > len(PAUSES):
            return twiml.say(sentences.CALL_LATER)
        try:
            query = _checked(webhook.door, request.query_params)
            ticket = await self._platforms.parameters(webhook)
        except InvalidInput as error:
            _log.error("a call cannot be connected", reason=str(error))
            return twiml.say(sentences.NO_FORM)
        except StoreUnavailable:
            _log.error("a call cannot be connected: its ticket could not be stored")
            return twiml.say(sentences.CALL_LATER)
        return _relay(request, webhook.door, query, ticket, failed)


def _left(end: HandoffData) -> bytes:
    """What follows a session that is over."""
    if end.reason == "handed_off":
        return twiml.dial(end.transfer_to) if end.transfer_to else twiml.say(sentences.NO_TRANSFER)
    return twiml.hang_up()


def _relay(
    request: Request,
    doorway: Doorway,
    query: Mapping[str, str],
    ticket: Mapping[str, str],
    failed: int,
) -> bytes:
    public = (doorway.public_url or str(request.base_url)).rstrip("/")
    form = doorway.forms.find(query["form"])
    language = {"language": relay_language(form.language)} if form else {}
    return twiml.relay(
        url=f"ws{public.removeprefix('http')}/twilio/relay",
        action=f"{public}/twilio/action?{urlencode({**query, 'failed': failed})}",
        attributes=language | {n: v for n, v in query.items() if n in twiml.CHOSEN_ATTRIBUTES},
        parameters=language
        | {n: v for n, v in query.items() if n in ("form", *TIMES)}
        | dict(ticket),
        pause=PAUSES[failed - 1] if failed else 0,
    )


def _checked(doorway: Doorway, query: Mapping[str, str]) -> dict[str, str]:
    """The part of a query that goes with the call.

    Raises:
        InvalidInput: it names no form that there is, or a time that is none.
    """
    form, known = query.get("form", ""), tuple(doorway.forms.names)
    if not form:
        raise InvalidInput("the webhook names no form: add ?form= and a form's id to its address")
    require_part("form", form)
    if known and doorway.forms.find(form) is None:
        raise InvalidInput("the webhook names a form that is not among this gateway's forms")
    for name, (least, most) in TIMES.items():
        if name in query and not least <= _number(query[name]) <= most:
            raise InvalidInput(f"{name} is {least:g} to {most:g} seconds; correct the address")
    kept = ("form", *TIMES, *twiml.CHOSEN_ATTRIBUTES)
    return {name: _printable(query[name]) for name in kept if name in query}


def _handoff(text: str) -> HandoffData:
    try:
        return HandoffData.model_validate(json.loads(text or "{}"))
    except (ValueError, ValidationError):
        _log.warning("hand-off data that is not ours was ignored")
        return HandoffData()


def _whole(text: str) -> int:
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else 0


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _printable(text: str) -> str:
    """Without characters that XML cannot hold."""
    return "".join(sign for sign in text if sign.isprintable())
