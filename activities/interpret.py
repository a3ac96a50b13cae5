"""The local activities of a turn: load the form once, decide each message once."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from activities.contract import (
    DECIDE,
    LOAD_FORM,
    MIGRATE,
    MIGRATION_REFUSED,
    SETTLE,
    UNKNOWN_FORM,
    Decide,
    Loaded,
    LoadForm,
    MovedForm,
    MoveForm,
)
from activities.measuring import log_decision, log_migration, measure_decision
from turnkeeper.contract import STORE_FORM
from turnkeeper.dialogue.decide import decide
from turnkeeper.dialogue.events import Decision, Event
from turnkeeper.dialogue.migrate import migrate
from turnkeeper.errors import MigrationRefused
from turnkeeper.forms.free import FREE_FORM
from turnkeeper.forms.model import Form
from turnkeeper.forms.registry import recall
from turnkeeper.settings import Settings
from turnkeeper.telemetry.traces import DECIDE as DECIDE_SPAN
from turnkeeper.telemetry.traces import STATUS, turn_span
from turnkeeper.values.reading import Context

FindForm = Callable[[str], Form | None]


class Interpreter:
    """Interprets messages against forms.

    Decides in threads: a date parser may take a hundred milliseconds, and the worker's event loop
    serves every other session meanwhile. (A coroutine that goes to a thread is 0.8 ms cheaper than
    an activity that the SDK runs in one.)
    """

    def __init__(self, settings: Settings, find_form: FindForm, *, searchable: bool = True) -> None:
        self._settings = settings
        self._find_form = find_form
        self._searchable = searchable

    @activity.defn(name=LOAD_FORM)
    async def load_form(self, wanted: LoadForm) -> Loaded:
        """The form of that id, with this worker's region and time zone where it names none."""
        form = FREE_FORM if wanted.form == STORE_FORM else self._find_form(wanted.form)
        if form is None:
            raise ApplicationError(
                f"no worker has a form {wanted.form!r}", type=UNKNOWN_FORM, non_retryable=True
            )
        settled = form.model_copy(
            update={
                "region": form.region or self._settings.region,
                "timezone": form.timezone or self._settings.timezone,
            }
        )
        return Loaded(
            form=settled, searchable=self._searchable, transports=self._searchable, retains=True
        )

    @activity.defn(name=DECIDE)
    async def decide(self, given: Decide) -> Decision:
        """What a message means to a form in a state. Its result is in history: it is never asked
        again, whatever is deployed."""
        return await asyncio.to_thread(self._decide, given)

    @activity.defn(name=SETTLE)
    async def settle(self) -> bool:
        """Whether what a signal changed can be shown in Temporal's list. A signal awaits it, though
        it seldom says anything new: see `workflows.local`."""
        return self._searchable

    @activity.defn(name=MIGRATE)
    async def migrate(self, given: MoveForm) -> MovedForm:
        """The deployed version of a session's form, or the one before, and what its answers are
        under it; like a decision, once."""
        old, new = recall(given.form), given.before or await self._deployed(given)
        events = await asyncio.to_thread(self._migrate, old, new, given)
        log_migration(old, new, events, activity.info().workflow_run_id or "")
        return MovedForm(form=new, events=events)

    async def _deployed(self, given: MoveForm) -> Form:
        form = (await self.load_form(given.wanted)).form
        return form.model_copy(update={"abandon_after": given.ttl or form.abandon_after})

    def _migrate(self, old: Form, new: Form, given: MoveForm) -> tuple[Event, ...]:
        state, context = given.state, context_of(new, given.now)
        try:
            return migrate(old, new, state, given.message, context, on_line=given.on_line)
        except MigrationRefused as error:
            raise ApplicationError(
                str(error),
                type=MIGRATION_REFUSED,
                non_retryable=True,
                category=ApplicationErrorCategory.BENIGN,  # Else the SDK warns, with a traceback.
            ) from None
        except Exception as error:
            raise _wordless("migrating", error) from None

    def _decide(self, given: Decide) -> Decision:
        form = recall(given.form)
        with turn_span(form.form, given.state.field, name=DECIDE_SPAN) as span:
            try:
                decision = decide(form, given.state, given.message, context_of(form, given.now))
            except Exception as error:
                raise _wordless("deciding", error) from None
            span.set_attribute(STATUS, decision.reply.status)
            info = activity.info()
            log_decision(form, given, decision, info.workflow_run_id or "")
            measure_decision(form, given, decision, info.workflow_id or "")
            return decision


def _wordless(doing: str, error: Exception) -> ApplicationError:
    """The failure by its type only: its text may hold an answer, and the SDK logs it in clear."""
    return ApplicationError(f"{doing} failed: {type(error).__name__}", type=type(error).__name__)


def context_of(form: Form, now: datetime) -> Context:
    """When and where a message was heard, from the session's own form."""
    zone = ZoneInfo(form.timezone) if form.timezone else UTC
    return Context(now=now.astimezone(zone), region=form.region or "US", language=form.language)
