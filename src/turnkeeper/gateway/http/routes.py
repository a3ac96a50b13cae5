"""HTTP: sessions and forms under /v1, for programs in any language; described by /openapi.json.

What may be sent again is safe to send again: opening by its connect id, a turn by its utterance id.
"""

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Body, Header, Path, Query, Request, Response
from sse_starlette import EventSourceResponse

from turnkeeper.client import VoiceSession
from turnkeeper.contract import MAX_TRANSPORT_ID, Reply, SessionState, Status, Transcript
from turnkeeper.dialogue.status import CLOSED
from turnkeeper.erasure import ErasureCertificate
from turnkeeper.errors import Forbidden, UnknownForm
from turnkeeper.export import SessionsExport
from turnkeeper.forms.model import Form
from turnkeeper.gateway.access.gate import Gate
from turnkeeper.gateway.access.guard import Erases, Known, Operates, Reads, Talks, gate_of
from turnkeeper.gateway.access.tickets import Ticket
from turnkeeper.gateway.doorway import Doorway
from turnkeeper.gateway.events import CURSOR, Cursor
from turnkeeper.gateway.http import described, examples
from turnkeeper.gateway.http.answers import answers_schema
from turnkeeper.gateway.http.erasing import RETRY_AFTER_SECONDS, Erasing, erase
from turnkeeper.gateway.http.event_stream import event_stream
from turnkeeper.gateway.http.json_route import JsonRoute
from turnkeeper.gateway.http.models import (
    FORM_ID,
    NO_REASON,
    NO_TICKET,
    SESSION_ID,
    Because,
    FormList,
    FormSummary,
    HangUp,
    MakeTicket,
    Opened,
    OpenSession,
    SendTurn,
    SessionList,
    path_of,
)

MAX_LISTED = 1000

SessionId = Annotated[
    str,
    Path(
        pattern=SESSION_ID,
        description="As opening the session gave it, percent-encoded.",
        openapi_examples=examples.named(a_caller=examples.SESSION),
    ),
]
FormId = Annotated[
    str,
    Path(
        pattern=FORM_ID,
        description="The form's id.",
        openapi_examples=examples.named(a_form=examples.FORM),
    ),
]

OpenBody = Annotated[OpenSession, Body(openapi_examples=examples.OPEN)]
TurnBody = Annotated[SendTurn, Body(openapi_examples=examples.TURNS)]
HangUpBody = Annotated[HangUp, Body(openapi_examples=examples.HANG_UP)]
HandOffBody = Annotated[Because, Body(openapi_examples=examples.HAND_OFF)]
CancelBody = Annotated[Because, Body(openapi_examples=examples.CANCEL)]
TicketBody = Annotated[MakeTicket, Body(openapi_examples=examples.TICKET)]


def router(gate: Gate) -> APIRouter:
    """The channel; see `docs/channels/http.md`."""
    routes = APIRouter(
        prefix="/v1", route_class=JsonRoute, generate_unique_id_function=lambda route: route.name
    )
    _route_sessions(routes)
    _route_forms(routes)
    routes.add_api_route(
        "/tickets", make_ticket, methods=["POST"], status_code=201, responses=described.ADMITTING
    )
    return routes


def _route_sessions(routes: APIRouter) -> None:
    add, post, one = routes.add_api_route, ["POST"], "/sessions/{session_id}"
    add("/sessions", open_session, methods=post, status_code=201, responses=described.OPENING)
    add("/sessions", list_sessions, responses=described.LISTING)
    add(one, get_session, responses=described.READING)
    add(f"{one}/turns", send_turn, methods=post, responses=described.TAKING_A_TURN)
    add(f"{one}/transcript", get_transcript, responses=described.READING)
    add(f"{one}/hangup", hang_up, methods=post, status_code=204, responses=described.NOTING)
    add(f"{one}/hand-off", hand_off, methods=post, responses=described.ENDING)
    add(f"{one}/cancel", cancel_session, methods=post, responses=described.ENDING)
    add(
        f"{one}/events",
        watch_session,
        response_model=None,
        response_class=EventSourceResponse,
        responses=described.WATCHING,
    )
    add(f"{one}/export", export_session, responses=described.READING)
    add(one, erase_session, methods=["DELETE"], responses=described.ERASING)


def _route_forms(routes: APIRouter) -> None:
    routes.add_api_route("/forms", list_forms, responses=described.LISTING_FORMS)
    routes.add_api_route("/forms/{form}/schema", get_schema, responses=described.READING_A_FORM)


# Each function is an operation, its docstring the description of it.


async def open_session(
    door: Talks, opening: OpenBody, request: Request, response: Response
) -> Opened:
    """Restore the caller's form, or begin it: 200 when there was one, 201 when it began.

    Each opening is a new leg: one phone call, one socket. It takes over from the leg before.
    """
    opened = Opened.of(await door.open(**opening.model_dump()))
    path = path_of(opened.session_id)
    response.headers["Location"] = request.scope.get("root_path", "") + path
    if not opened.created:
        response.status_code = 200
    return opened


async def list_sessions(
    door: Reads,
    form: Annotated[str | None, Query(pattern=FORM_ID, description="Of this form.")] = None,
    status: Annotated[Status | None, Query(description="That stand so.")] = None,
    transport_id: Annotated[
        str | None,
        Query(max_length=MAX_TRANSPORT_ID, description="Whose newest leg has this id."),
    ] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LISTED, description="At most so many.")] = 100,
) -> SessionList:
    """Sessions: running ones, then finished ones, of each the newest first.

    The list lags a moment behind: a call that has just come in may not be in it yet. A token of
    one caller lists nothing: it opens the caller's form, and is told the session.
    """
    if door.principal.caller is not None:
        raise Forbidden("a token of one caller lists no sessions: open the caller's form instead")
    found = door.sessions.list(form=form, status=status, transport_id=transport_id, limit=limit)
    return SessionList(sessions=tuple([summary async for summary in found]))


async def get_session(door: Reads, session_id: SessionId) -> SessionState:
    """What a session holds; of an ended one for as long as Temporal keeps it."""
    return await door.sessions.state(await door.ours(session_id))


async def send_turn(door: Talks, session_id: SessionId, turn: TurnBody) -> Reply:
    """Send what a caller said; speak the reply's `say`. It is stored before this answers.

    Send it again, as it was, after a 503 or a lost connection: it is applied once.
    """
    leg = await _leg(door, session_id, turn)
    try:
        return await leg.turn(
            turn.text,
            utterance_id=turn.utterance_id,
            dtmf=turn.dtmf,
            answers=turn.answers,
            event=turn.event,
            alternatives=turn.alternatives,
            confidence=turn.confidence,
            said=turn.said,
        )
    finally:
        door.feeds.changed(session_id)


async def get_transcript(door: Reads, session_id: SessionId) -> Transcript:
    """The newest exchanges of a session, oldest first."""
    return await door.sessions.transcript(await door.ours(session_id))


async def hang_up(door: Talks, session_id: SessionId, gone: HangUpBody) -> None:
    """Note that a leg is over; the session waits for the next. Of an ended session, or of a
    leg that was superseded: nothing to do."""
    leg = await _leg(door, session_id, gone)
    await leg.state()  # The client takes a session that is not there for hung up.
    await leg.hang_up(gone.reason)
    door.feeds.changed(session_id)


async def hand_off(door: Operates, session_id: SessionId, why: HandOffBody = NO_REASON) -> Reply:
    """Leave the caller to a person. The answers wait: a caller who rings back goes on. Sent again
    before that, it gets the same reply."""
    reply = await door.sessions.hand_off(await door.ours(session_id), why.reason)
    door.feeds.changed(session_id)
    return reply


async def cancel_session(
    door: Operates, session_id: SessionId, why: CancelBody = NO_REASON
) -> Reply:
    """End a session without submitting it. Sent again, it gets the same reply."""
    reply = await door.sessions.cancel(await door.ours(session_id), why.reason)
    door.feeds.changed(session_id)
    return reply


async def watch_session(
    door: Reads,
    session_id: SessionId,
    after: Annotated[
        str | None,
        Query(
            pattern=CURSOR,
            description="An event's id, or a version: begin with a newer state, or one of the"
            " caller's next session.",
        ),
    ] = None,
    last_event_id: Annotated[
        str | None, Header(max_length=100, description="Of a browser that comes back.")
    ] = None,
) -> Response:
    """Server-sent events: `state` (a SessionState without its `definition`; the id is for
    `after`) now and at every change, `unavailable` (a problem) while the store cannot be
    reached, `end` when the session has ended.

    A stream that closes without `end` is to be opened again: nothing is missed, as every
    `state` is the whole of it. 204 says that the last one was seen. No stream outlives its token,
    or a quarter of an hour: who watches shows each time that they may.
    """
    state = await door.sessions.state(await door.ours(session_id))
    if state.status in CLOSED and last_event_id in (str(Cursor.of(state)), str(state.version)):
        return Response(status_code=204)  # Else a browser would ask again for ever.
    door.limits.require_stream(door.principal)
    return event_stream(door, state, None if after is None else Cursor.read(after))


async def export_session(door: Erases, session_id: SessionId) -> SessionsExport:
    """All that is kept under a session's id, to be given to the caller before it is erased; the
    values of secret fields are not in it."""
    return await door.sessions.export(await door.ours(session_id))


async def erase_session(
    door: Erases, session_id: SessionId, response: Response
) -> ErasureCertificate | Erasing:
    """Erase all that is kept under a session's id: 200 with the certificate when it is done, 202
    while it is being done. Send it again for the certificate; again after that, it is the same.
    """
    certificate = await erase(door.sessions, await door.ours(session_id))
    if certificate is None:
        response.status_code = 202
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
        return Erasing()
    return certificate


async def make_ticket(door: Talks, request: Request, asked: TicketBody = NO_TICKET) -> Ticket:
    """A ticket for a browser: it opens one WebSocket (`/v1/stream`), once, within seconds, with
    what the token may do here; given a caller, with that caller's sessions alone."""
    gate = gate_of(request)
    return await gate.tickets.issue(door.principal.narrowed(asked.caller), "stream")


async def list_forms(door: Known) -> FormList:
    """The forms that this gateway knows of."""
    found = [door.forms.find(name) for name in door.forms.names]
    return FormList(forms=tuple(FormSummary.of(form) for form in found if form))


async def get_schema(door: Known, form: FormId) -> Mapping[str, object]:
    """The JSON Schema (draft 2020-12) of a form's answers, in normal form."""
    return answers_schema(_find(door, form))


async def _leg(door: Doorway, session_id: str, of: SendTurn | HangUp) -> VoiceSession:
    return door.legs.get(await door.ours(session_id), of.leg, of.epoch)


def _find(door: Doorway, name: str) -> Form:
    form = door.forms.find(name)
    if form is None:
        raise UnknownForm(f"this gateway knows of no form {name!r}; GET /v1/forms lists them")
    return form
