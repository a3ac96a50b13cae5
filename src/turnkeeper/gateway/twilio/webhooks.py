"""The two HTTP requests of a call: it comes in, and its relay session is over.

Everything that a call needs is in the query of these addresses and comes back with each request,
so that any gateway answers any of them.
"""

import json
import math
import re
from collections.abc import Mapping
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, ValidationError

from turnkeeper.errors import InvalidInput
from turnkeeper.gateway.doorway import Doorway
from turnkeeper.gateway.twilio import sentences, twiml
from turnkeeper.gateway.twilio.frames import relay_language
from turnkeeper.telemetry import logger

PAUSES = (1, 2, 4)
"""Seconds before each attempt to get a call back after its socket failed: a gateway that is started
again is back by the second or third. After these the caller is asked to ring again."""
HELD_SECONDS = 60
"""A session that lasted for this long was no failed attempt: the count begins anew."""
TIMES = {"timeout": (0.0, 120.0), "interdigittimeout": (0.5, 30.0)}
"""Seconds that the webhook's address may set (see `turnkeeper.gateway.twilio.listening`)."""

_log = logger(__name__)


class HandoffData(BaseModel):
    """What our own `end` frame said."""

    model_config = ConfigDict(extra="ignore")

    reason: str = ""
    transfer_to: str | None = None


def add_routes(router: APIRouter, doorway: Doorway) -> None:
    @router.post("/voice")
    async def voice(request: Request) -> Response:
        return _answer(_connected(doorway, request, failed=0))

    @router.post("/action")
    async def action(request: Request) -> Response:
        form = await request.form()
        told = {name: value for name, value in form.items() if isinstance(value, str)}
        return _answer(_after(doorway, request, told))


def _answer(document: bytes) -> Response:
    return Response(document, media_type=twiml.MEDIA_TYPE)


def _after(doorway: Doorway, request: Request, told: Mapping[str, str]) -> bytes:
    """What follows a session: `SessionStatus` is `ended` by us, `failed`, or else hung up."""
    status, end = told.get("SessionStatus"), _handoff(told.get("HandoffData", ""))
    if status == "failed" or end.reason == "unavailable":
        return _again(doorway, request, told)
    if end.reason == "handed_off":
        return twiml.dial(end.transfer_to) if end.transfer_to else twiml.say(sentences.NO_TRANSFER)
    return twiml.hang_up()


def _again(doorway: Doorway, request: Request, told: Mapping[str, str]) -> bytes:
    """The same call on a new socket, where the caller hears the pending question."""
    before = _whole(request.query_params.get("failed", ""))
    held = _whole(told.get("SessionDuration", "")) >= HELD_SECONDS
    failed = 1 if held else before + 1
    _log.warning("a call lost its socket", count=failed, code=_whole(told.get("ErrorCode", "")))
    return _connected(doorway, request, failed)


def _connected(doorway: Doorway, request: Request, failed: int) -> bytes:
    """TwiML that connects the call to the relay, or says why not."""
    if failed > len(PAUSES):
        return twiml.say(sentences.CALL_LATER)
    try:
        query = _checked(doorway, request.query_params)
    except InvalidInput as error:
        _log.error("a call cannot be connected", reason=str(error))
        return twiml.say(sentences.NO_FORM)
    public = (doorway.public_url or str(request.base_url)).rstrip("/")
    form = doorway.forms.find(query["form"])
    language = {"language": relay_language(form.language)} if form else {}
    return twiml.relay(
        url=f"ws{public.removeprefix('http')}/twilio/relay",
        action=f"{public}/twilio/action?{urlencode({**query, 'failed': failed})}",
        attributes=language | {n: v for n, v in query.items() if n in twiml.CHOSEN_ATTRIBUTES},
        parameters=language | {n: v for n, v in query.items() if n in ("form", *TIMES)},
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
    doorway.sessions.session_id(form, "+14155550100")  # A form's id is part of a session's.
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
