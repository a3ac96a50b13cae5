"""A caller's form as a workflow: messages in, one at a time; timers; delivery at the end.

The host of a `turnkeeper.session.Session`. It adds what only a workflow can: the order of
messages, what is awaited, and when the session is renewed (continue-as-new), abandoned, expired
or sent. A message changes the session in one step after its last await, or not at all.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ApplicationError, FailureError

from activities.contract import DISCARD, Discard
from turnkeeper.contract import (
    NOT_OPENED,
    SESSION_ENDING,
    WORKFLOW,
    Cancel,
    Connect,
    Disconnect,
    HandOff,
    Message,
    Migrate,
    Outcome,
    Put,
    Reply,
    SessionState,
    Status,
    Transcript,
    Turn,
)
from turnkeeper.dialogue.events import Decision
from turnkeeper.dialogue.state import DialogueState
from turnkeeper.errors import SessionError
from turnkeeper.export import ExportedSession, exported
from turnkeeper.session import Beginning, Session
from workflows.display import Display
from workflows.guard import on_the_wire, update
from workflows.local import Locals, interpret, load, move, not_loaded, searchable
from workflows.measures import Measures
from workflows.retention import order_erasure
from workflows.submission import submit
from workflows.timers import Timers

MESSAGES_PER_RUN = 40
"""A cold worker rebuilds forty turns in about 0.2 s; the time grows faster than the turns."""
OPENING_TIMEOUT = timedelta(seconds=30)
"""A session that nobody has connected to by then was started by mistake."""
EPOCH_CHARACTERS = 12
"""Of the id of the session's first run; its beginning is a time, its end is random."""


@workflow.defn(name=WORKFLOW)
class VoiceSession:
    """One person's one form, from the first connect to delivery."""

    @workflow.init
    def __init__(self, beginning: Beginning) -> None:
        self._beginning = beginning
        self._session: Session | None = None
        self._display: Display | None = None
        self._measures: Measures | None = None
        self._refusal: SessionError | ApplicationError | None = None
        self._one_at_a_time = asyncio.Lock()
        self._locals = Locals()
        self._timers = Timers(self._one_at_a_time, self._act)
        self._messages = 0
        if beginning.record is not None:
            self._begin(Session(workflow.info().workflow_id, beginning.record), renewed=True)

    @workflow.run
    async def run(self, beginning: Beginning) -> SessionState | None:
        """The final state; None of a session that was never opened."""
        if self._session is None and not await self._opened():
            await self._discard()
            return None
        try:
            await self._live(self._known())
        except asyncio.CancelledError:
            await self._cancelled(self._known())
            raise
        await self._ended(self._known())
        return self.state()

    # --- messages ---------------------------------------------------------------------------------

    @update("A call or socket begins: restore or create the session")
    async def connect(self, connect: Connect) -> Reply:
        async with self._one_at_a_time:
            session = await self._loaded()
            if self._over():
                raise ApplicationError("this run is ending", type=SESSION_ENDING)
            base = session.admit_connect(connect)
            if isinstance(base, Reply):
                return base
            decision = await self._decide(session, base, connect)
            return self._shown(session.take_connect(connect, decision))

    @update("What the caller said or keyed")
    async def turn(self, turn: Turn) -> Reply:
        return await self._turn(turn)

    @workflow.signal(description="A turn whose reply is read with the query `reply`")
    async def post_turn(self, turn: Turn) -> None:
        try:
            await self._turn(turn)
        except Exception as error:  # Leaving a signal handler, it would fail the workflow.
            failure = on_the_wire(error)
            if self._session is not None:
                self._session.ledger.fail(turn, failure.type or "TurnFailed", failure.message)

    @workflow.signal(description="A call or socket ended")
    async def disconnect(self, gone: Disconnect) -> None:
        async with self._one_at_a_time:  # After the turns that came before it.
            if self._session is not None:
                self._session.disconnect(gone, workflow.now())
                self._refresh()
                self._refresh(settle=await searchable(self._locals))

    @workflow.signal(description="Move to the current build now, and not at the next turn")
    async def upgrade(self) -> None:
        """Wakes the session: whenever it is awake, it looks whether another build is current."""

    @update("End the session without submitting it")
    async def cancel(self, cancel: Cancel) -> Reply:
        return await self._request(cancel)

    @update("Leave the caller to a person")
    async def hand_off(self, hand_off: HandOff) -> Reply:
        return await self._request(hand_off)

    @update("SessionStore: replace the answers")
    async def put(self, put: Put) -> SessionState:
        async with self._one_at_a_time:
            session = await self._loaded()
            if not session.ledger.has_request(put.request_id):
                session.require_version(put.version)
                decision = await self._decide(session, session.dialogue, put)
                self._shown(session.take_command(put.request_id, decision))
            return self.state()

    @update("Go on under another version of the form")
    async def migrate(self, migrate: Migrate) -> SessionState:
        async with self._one_at_a_time:
            session = await self._loaded()
            if not session.ledger.has_request(migrate.request_id):
                self._messages += 1
                await move(self._locals, session, migrate, self._beginning)
                self._refresh(settle=True)
            return self.state()

    @workflow.query(description="Status, answers, legs, last turn")
    def state(self) -> SessionState:
        return self._known().state(workflow.now())

    @workflow.query(description="How a turn ended: by its update id, or its utterance's name")
    def reply(self, key: str) -> Outcome:
        return self._known().ledger.outcome(key)

    @workflow.query(description="What was heard and said")
    def transcript(self) -> Transcript:
        return self._known().transcript()

    @workflow.query(description="All that there is to give to the caller; secrets where asked for")
    def export(self, secrets: bool) -> ExportedSession:
        return exported(self._known(), workflow.now(), secrets=secrets)

    async def _turn(self, turn: Turn) -> Reply:
        async with self._one_at_a_time:
            session = await self._loaded()
            with self._measured().turn() as measured:
                base = session.admit(turn)
                if isinstance(base, Reply):
                    measured.outcome = "duplicate"
                    return base
                decision = await self._decide(session, base, turn)
                return self._shown(session.take(turn, base, decision))

    async def _request(self, request: Cancel | HandOff) -> Reply:
        async with self._one_at_a_time:
            session = await self._loaded()
            base = session.admit_request(request)
            if isinstance(base, Reply):
                return base
            decision = await self._decide(session, base, request)
            return self._shown(session.take_request(request, decision))

    async def _loaded(self) -> Session:
        """The session, once its form is there."""
        await workflow.wait_condition(
            lambda: self._session is not None or self._refusal is not None
        )
        if self._refusal is not None:
            raise self._refusal
        return self._known()

    async def _decide(self, session: Session, base: DialogueState, message: Message) -> Decision:
        self._messages += 1
        return await interpret(self._locals, session, base, message)

    def require_one_task(self) -> None:
        """Asked before an update is taken."""
        self._locals.require_one_task()

    # --- the life of a session --------------------------------------------------------------------

    async def _live(self, session: Session) -> None:
        self._set_timer()
        while not self._over():
            if self._renewal_due():
                await self._renew(session)
            elif session.dialogue.status == "submitting":
                status = await submit(session)
                async with self._one_at_a_time:
                    self._move(status)
            else:
                await workflow.wait_condition(self._has_to_act)

    def _has_to_act(self) -> bool:
        self._timers.check()
        submitting = self._known().dialogue.status == "submitting"
        return submitting or self._over() or self._renewal_due()

    async def _cancelled(self, session: Session) -> None:
        """Temporal's own cancellation, from its UI or command."""
        async with self._one_at_a_time:
            if session.can_move("cancelled"):
                self._move("cancelled")
        await self._ended(session)

    async def _ended(self, session: Session) -> None:
        if self._beginning.retains:
            await order_erasure(session, self._beginning.tenant)
        await workflow.wait_condition(workflow.all_handlers_finished)

    async def _opened(self) -> bool:
        """Load the form and wait for the connect that this was started with."""
        try:
            loaded = await load(self._locals, self._beginning)
        except FailureError as error:
            self._refusal = not_loaded(error, self._beginning.form)
            return False
        self._beginning = self._beginning.model_copy(
            update={
                "searchable": loaded.searchable,
                "transports": loaded.transports,
                "retains": loaded.retains,
            }
        )
        form = loaded.form
        if self._beginning.ttl is not None:
            form = form.model_copy(update={"abandon_after": self._beginning.ttl})
        epoch = workflow.info().first_execution_run_id[-EPOCH_CHARACTERS:]
        session = Session.begin(workflow.info().workflow_id, form, epoch)
        self._begin(session, renewed=False)
        opened = await _within(
            OPENING_TIMEOUT, lambda: session.ledger.leg > 0, summary="until somebody connects"
        )
        if not opened:  # But who is connecting as the time runs out is let in.
            await workflow.wait_condition(workflow.all_handlers_finished)
            opened = session.ledger.leg > 0
        if not opened:
            self._refusal = ApplicationError("nobody connected in time", type=SESSION_ENDING)
        return opened

    def _begin(self, session: Session, *, renewed: bool) -> None:
        self._session = session
        self._measures = Measures(session, self._beginning.tenant, renewed=renewed)
        self._display = Display(
            session,
            self._beginning.tenant,
            searchable=self._beginning.searchable,
            transports=self._beginning.transports,
            renewed=renewed,
        )

    async def _discard(self) -> None:
        """Leave nothing behind: this run deletes itself."""
        await workflow.wait_condition(workflow.all_handlers_finished)
        info = workflow.info()
        await workflow.execute_activity(
            DISCARD,
            Discard(session_id=info.workflow_id, run_id=info.run_id),
            summary="nobody connected: nothing is left behind",
            start_to_close_timeout=timedelta(seconds=10),
            schedule_to_close_timeout=timedelta(minutes=5),
        )

    def _act(self, at: datetime) -> None:
        """Do what was due by then."""
        due = self._due()
        if due is not None and due <= at:
            self._known().run_out(at)
            self._refresh(settle=True)
        else:
            self._set_timer()

    def _set_timer(self) -> None:
        """Be woken when something is due.

        One timer an idle window: it sleeps the remainder when turns came meanwhile, for a timer
        that starts anew with each turn costs two events a turn.
        """
        due = None if self._over() else self._due()
        if due is not None:
            settles = due == self._settling()
            what = "the asked field is settled" if settles else "the session times out"
            self._timers.wake_by(due, f"until {what}")

    def _due(self) -> datetime | None:
        """When the session has to do something by itself."""
        deadline = self._known().deadline(workflow.now())
        due = [at for at in (self._settling(), deadline[0] if deadline else None) if at is not None]
        return min(due, default=None)

    def _over(self) -> bool:
        return self._known().is_over(workflow.now())

    def _renewal_due(self) -> bool:
        info = workflow.info()
        return not self._locals.crossing and (
            self._messages >= MESSAGES_PER_RUN
            or info.is_continue_as_new_suggested()
            or info.is_target_worker_deployment_version_changed()
        )

    async def _renew(self, session: Session) -> None:
        """Go on in a new run, with everything that this one knows."""
        await workflow.wait_condition(workflow.all_handlers_finished)
        moved_on = workflow.info().is_target_worker_deployment_version_changed()
        workflow.continue_as_new(
            self._beginning.model_copy(update={"record": session.record()}),
            initial_versioning_behavior=(
                workflow.ContinueAsNewVersioningBehavior.AUTO_UPGRADE if moved_on else None
            ),
        )

    def _move(self, status: Status) -> None:
        session = self._known()
        if session.dialogue.status != status:
            session.move(status, workflow.now())
        self._refresh()

    # --- helpers ----------------------------------------------------------------------------------

    def _known(self) -> Session:
        if self._session is None:
            raise ApplicationError(NOT_OPENED, type="SessionNotFound")
        return self._session

    def _measured(self) -> Measures:
        if self._measures is None:
            raise ApplicationError(NOT_OPENED, type="SessionNotFound")
        return self._measures

    def _shown(self, reply: Reply) -> Reply:
        self._refresh()
        return reply

    def _settling(self) -> datetime | None:
        return self._display.due if self._display is not None else None

    def _refresh(self, *, settle: bool = False) -> None:
        if self._display is not None:
            self._display.refresh(settle=settle)
            self._measured().refresh()
            self._set_timer()


async def _within(
    timeout: timedelta | None, condition: Callable[[], bool], *, summary: str
) -> bool:
    """Wait for a condition; False when the time ran out first."""
    if timeout is not None:
        timeout = max(timeout, timedelta(milliseconds=1))  # One of nothing would never yield.
    try:
        await workflow.wait_condition(condition, timeout=timeout, timeout_summary=summary)
    except TimeoutError:
        return False
    return True
