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
from turnkeeper.errors import UnknownForm
from turnkeeper.forms.model import Form
from turnkeeper.gateway.doorway import Catalogue, Doorway
from turnkeeper.gateway.http import described, examples
from turnkeeper.gateway.http.answers import answers_schema
from turnkeeper.gateway.http.event_stream import event_stream
from turnkeeper.gateway.http.json_route import JsonRoute
from turnkeeper.gateway.http.models import (
    FORM_ID,
    NO_REASON,
    SESSION_ID,
    Because,
    FormList,
    FormSummary,
    HangUp,
    Opened,
    OpenSession,
    SendTurn,
    SessionList,
    path_of,
)

MAX_LISTED = 1000
MAX_VERSION = 2**31 - 1

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


def router(doorway: Doorway) -> APIRouter:
    """The channel; see `docs/channels/http.md`."""
    routes = APIRouter(
        prefix="/v1", route_class=JsonRoute, generate_unique_id_function=lambda route: route.name
    )
    _route_sessions(routes, _Sessions(doorway))
    _route_forms(routes, _Forms(doorway.forms))
    return routes


def _route_sessions(routes: APIRouter, to: "_Sessions") -> None:
    add, post, one = routes.add_api_route, ["POST"], "/sessions/{session_id}"
    add("/sessions", to.open_session, methods=post, status_code=201, responses=described.OPENING)
    add("/sessions", to.list_sessions, responses=described.LISTING)
    add(one, to.get_session, responses=described.READING)
    add(f"{one}/turns", to.send_turn, methods=post, responses=described.TAKING_A_TURN)
    add(f"{one}/transcript", to.get_transcript, responses=described.READING)
    add(f"{one}/hangup", to.hang_up, methods=post, status_code=204, responses=described.NOTING)
    add(f"{one}/hand-off", to.hand_off, methods=post, responses=described.ENDING)
    add(f"{one}/cancel", to.cancel_session, methods=post, responses=described.ENDING)
    add(
        f"{one}/events",
        to.watch_session,
        response_model=None,
        response_class=EventSourceResponse,
        responses=described.WATCHING,
    )


def _route_forms(routes: APIRouter, to: "_Forms") -> None:
    routes.add_api_route("/forms", to.list_forms, responses=described.LISTING_FORMS)
    routes.add_api_route("/forms/{form}/schema", to.get_schema, responses=described.READING_A_FORM)


class _Sessions:
    """What is done to sessions; each method is an operation, its docstring the description."""

    def __init__(self, doorway: Doorway) -> None:
        self._doorway = doorway
        self._sessions = doorway.sessions

    async def open_session(
        self,
        opening: OpenBody,
        request: Request,
        response: Response,
    ) -> Opened:
        """Restore the caller's form, or begin it: 200 when there was one, 201 when it began.

        Each opening is a new leg: one phone call, one socket. It takes over from the leg before.
        """
        session = self._doorway.legs.opened(
            await self._sessions.open(**opening.model_dump(exclude_none=True))
        )
        self._doorway.feeds.changed(session.id)
        opened = Opened.of(session)
        response.headers["Location"] = request.scope.get("root_path", "") + path_of(session.id)
        if not opened.created:
            response.status_code = 200
        return opened

    async def list_sessions(
        self,
        form: Annotated[str | None, Query(pattern=FORM_ID, description="Of this form.")] = None,
        status: Annotated[Status | None, Query(description="That stand so.")] = None,
        transport_id: Annotated[
            str | None,
            Query(max_length=MAX_TRANSPORT_ID, description="Whose newest leg has this id."),
        ] = None,
        limit: Annotated[int, Query(ge=1, le=MAX_LISTED, description="At most so many.")] = 100,
    ) -> SessionList:
        """Sessions: running ones, then finished ones, of each the newest first.

        The list lags a moment behind: a call that has just come in may not be in it yet.
        """
        found = self._sessions.list(
            form=form, status=status, transport_id=transport_id, limit=limit
        )
        return SessionList(sessions=tuple([summary async for summary in found]))

    async def get_session(self, session_id: SessionId) -> SessionState:
        """What a session holds; of an ended one for as long as Temporal keeps it."""
        return await self._sessions.state(self._doorway.ours(session_id))

    async def send_turn(
        self,
        session_id: SessionId,
        turn: TurnBody,
    ) -> Reply:
        """Send what a caller said; speak the reply's `say`. It is stored before this answers.

        Send it again, as it was, after a 503 or a lost connection: it is applied once.
        """
        leg = self._leg(session_id, turn)
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
            self._doorway.feeds.changed(session_id)

    async def get_transcript(self, session_id: SessionId) -> Transcript:
        """The newest exchanges of a session, oldest first."""
        return await self._sessions.transcript(self._doorway.ours(session_id))

    async def hang_up(
        self,
        session_id: SessionId,
        gone: HangUpBody,
    ) -> None:
        """Note that a leg is over; the session waits for the next. Of an ended session, or of a
        leg that was superseded: nothing to do."""
        leg = self._leg(session_id, gone)
        await leg.state()  # The client takes a session that is not there for hung up.
        await leg.hang_up(gone.reason)
        self._doorway.feeds.changed(session_id)

    async def hand_off(
        self,
        session_id: SessionId,
        why: HandOffBody = NO_REASON,
    ) -> Reply:
        """Leave the caller to a person. The answers wait: a caller who rings back goes on."""
        reply = await self._sessions.hand_off(self._doorway.ours(session_id), why.reason)
        self._doorway.feeds.changed(session_id)
        return reply

    async def cancel_session(
        self,
        session_id: SessionId,
        why: CancelBody = NO_REASON,
    ) -> Reply:
        """End a session without submitting it."""
        reply = await self._sessions.cancel(self._doorway.ours(session_id), why.reason)
        self._doorway.feeds.changed(session_id)
        return reply

    async def watch_session(
        self,
        session_id: SessionId,
        after: Annotated[
            int | None,
            Query(ge=0, le=MAX_VERSION, description="Tell of newer versions than this only."),
        ] = None,
        last_event_id: Annotated[
            str | None, Header(max_length=20, description="Of a browser that comes back.")
        ] = None,
    ) -> Response:
        """Server-sent events: `state` (a SessionState without its `definition`; the id is its
        version) now and at every change, `unavailable` (a problem) while the store cannot be
        reached, `end` when the session has ended.

        A stream that closes without `end` is to be opened again: nothing is missed, as every
        `state` is the whole of it. 204 says that the last one was seen.
        """
        state = await self._sessions.state(self._doorway.ours(session_id))
        if state.status in CLOSED and last_event_id == str(state.version):
            return Response(status_code=204)  # Else a browser would ask again for ever.
        return event_stream(self._doorway.feeds.follow(state, -1 if after is None else after))

    def _leg(self, session_id: str, of: SendTurn | HangUp) -> VoiceSession:
        return self._doorway.legs.get(self._doorway.ours(session_id), of.leg, of.epoch)


class _Forms:
    """What is told of forms."""

    def __init__(self, forms: Catalogue) -> None:
        self._forms = forms

    async def list_forms(self) -> FormList:
        """The forms that this gateway knows of."""
        found = [self._forms.find(name) for name in self._forms.names]
        return FormList(forms=tuple(FormSummary.of(form) for form in found if form))

    async def get_schema(self, form: FormId) -> Mapping[str, object]:
        """The JSON Schema (draft 2020-12) of a form's answers, in normal form."""
        return answers_schema(self._find(form))

    def _find(self, name: str) -> Form:
        form = self._forms.find(name)
        if form is None:
            raise UnknownForm(f"this gateway knows of no form {name!r}; GET /v1/forms lists them")
        return form
