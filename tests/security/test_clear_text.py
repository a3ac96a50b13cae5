"""What stays in clear beside the encrypted content names nobody and quotes nobody."""

import io
import logging
import random
import re
from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

import pytest
from temporalio import activity, workflow
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowFailureError
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from tests.durable.conftest import World
from tests.security.searching import finds
from turnkeeper.client import VoiceSessions
from turnkeeper.errors import SessionClosed, SessionNotFound, TurnConflict
from turnkeeper.security.converter import keyring
from turnkeeper.security.key_store import SessionId
from turnkeeper.telemetry.logs import setup_logs

ONCE = RetryPolicy(maximum_attempts=1)


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What this process logs, everything included."""
    root = logging.getLogger()
    before, stream = (root.handlers[:], root.level), io.StringIO()
    setup_logs("json", "debug", stream)
    yield stream
    root.handlers[:], root.level = before


@pytest.fixture
def caller() -> str:
    return f"+1415555{random.randrange(100, 200):04d}"


async def life(sessions: VoiceSessions, caller: str) -> str:
    """Everything that makes an update, with ids that say who it is; the session's id."""
    session = await sessions.open(
        "claim", caller, transport_id=f"room-{caller}", connect_id=f"connect-{caller}"
    )
    await session.turn("4321", utterance_id=f"{caller}-1")
    await session.turn("4322", utterance_id=f"{caller}-1")
    for _ in range(2):
        await session.turn("no", utterance_id=f"{caller}-2")
    with pytest.raises(TurnConflict) as refused:
        await session.turn("4323", utterance_id=f"{caller}-1")
    assert caller not in str(refused.value)
    await session.hand_off()
    again = await sessions.open("claim", caller)
    await again.cancel()
    with pytest.raises(SessionClosed) as closed:
        await again.turn("5", utterance_id=f"{caller}-3")
    assert caller not in str(closed.value)
    return session.id


async def test_update_ids_are_random_and_hold_neither_ids_nor_a_digest(
    sealed: World, caller: str
) -> None:
    async with sealed.worker(), sealed.sessions() as sessions:
        session_id = await life(sessions, caller)
    seen = []
    for event in (await sealed.handle(session_id).fetch_history()).events:
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED:
            taken = event.workflow_execution_update_accepted_event_attributes
            seen.append(taken.accepted_request.meta.update_id)
    assert len(seen) == 9  # One a sending: an id made of the content would answer the repetition.
    for update_id in seen:
        assert re.fullmatch(r"(turn|hand_off|cancel)\.[0-9a-f]{16}|connect\.[0-9a-f]{16}~\d",
                            update_id)  # fmt: skip


async def test_nothing_that_temporal_holds_or_a_process_logs_has_the_caller(
    sealed: World, caller: str, written: io.StringIO
) -> None:
    async with sealed.worker(), sealed.sessions() as sessions:
        session_id = await life(sessions, caller)
        with pytest.raises(SessionNotFound) as missing:
            await sessions.state(await sessions.session_id("claim", f"{caller}9"))
    history = (await sealed.handle(session_id).fetch_history()).to_json()
    description = str((await sealed.handle(session_id).describe()).raw_description)
    for held in (history, description, written.getvalue(), str(missing.value), session_id):
        assert finds([caller, caller.removeprefix("+1")], held.encode()) == set()


@activity.defn
async def choke(answer: str) -> None:
    """Fails as careless code does: what it choked on is in the text, the details and the cause."""
    try:
        int(answer)
    except ValueError as error:
        raise ApplicationError(f"cannot use {answer}", {"heard": answer}) from error


@workflow.defn(sandboxed=False)
class Choking:
    @workflow.run
    async def run(self, answer: str) -> None:
        within = timedelta(seconds=10)
        try:
            await workflow.execute_local_activity(
                choke, answer, start_to_close_timeout=within, retry_policy=ONCE
            )
        finally:
            await workflow.execute_activity(
                choke, answer, start_to_close_timeout=within, retry_policy=ONCE
            )


async def test_the_sdks_own_lines_about_failed_activities_quote_no_answer(
    sealed: World, written: io.StringIO
) -> None:
    answer = f"Q{uuid4().hex}"
    session_id = await sealed.sessions().session_id("claim", answer)
    running = Worker(
        sealed.client,
        task_queue=sealed.settings.task_queue,
        workflows=[Choking],
        activities=[choke],
        workflow_runner=UnsandboxedWorkflowRunner(),
    )
    await keyring(sealed.settings).of_session(SessionId("default", session_id))
    async with running:
        with pytest.raises(WorkflowFailureError):
            await sealed.client.execute_workflow(
                Choking.run, answer, id=session_id, task_queue=sealed.settings.task_queue
            )
    lines = written.getvalue()
    assert lines.count("Completing activity as failed") == 2
    assert '"error": "ApplicationError"' in lines
    assert '"cause": ["ValueError"]' in lines
    assert finds([answer], lines.encode()) == set()
    history = (await sealed.handle(session_id).fetch_history()).to_json()
    assert finds([answer], history.encode()) == set()
