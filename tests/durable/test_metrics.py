"""What a session counts, fetched as Prometheus fetches it: each thing once, and not on replay."""

import asyncio
import re
import socket
import urllib.request
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio
from temporalio.runtime import Runtime

from tests.durable.conftest import CLAIM, World
from turnkeeper.connection import connect
from turnkeeper.errors import StoreUnavailable, SupersededLeg, TurnConflict
from turnkeeper.forms.load import parse_form
from turnkeeper.instruments import INSTRUMENTS
from turnkeeper.settings import read_settings
from turnkeeper.telemetry.core import setup_core
from turnkeeper.telemetry.metrics import TASK_BUCKETS, use_runtime
from worker.sampling import sample
from worker.server import EmbeddedServer

SAMPLE = re.compile(r"^(turnkeeper_\w+)\{(.*)\} (\S+)$", re.MULTILINE)
LABEL = re.compile(r'(\w+)="([^"]*)"')
OF_THE_SDK = frozenset({"service_name", "namespace", "task_queue", "workflow_type"})


@dataclass(frozen=True)
class Page:
    """The page of metrics as one process serves it now."""

    address: str

    def text(self) -> str:
        with urllib.request.urlopen(f"http://{self.address}/metrics", timeout=5) as page:
            return str(page.read().decode())

    def values(self, **only: str) -> dict[str, float]:
        """Our series, without the labels that the SDK adds, those that are above zero."""
        found: dict[str, float] = {}
        for name, text, value in SAMPLE.findall(self.text()):
            labels = dict(LABEL.findall(text))
            if only.items() <= labels.items() and "_bucket" not in name and "_sum" not in name:
                ours = {key: labels[key] for key in labels.keys() - OF_THE_SDK - only.keys()}
                rest = ",".join(ours[key] for key in sorted(ours))
                found[f"{name.removeprefix('turnkeeper_')} {rest}".strip()] = float(value)
        return {key: value for key, value in found.items() if value}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def page(server: EmbeddedServer) -> AsyncIterator[Page]:
    """This process serves its metrics, and made none of the clients before."""
    before = Runtime.default()
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    setup_core("turnkeeper-test", read_settings(metrics=address))
    yield Page(address)
    use_runtime(before, None, tenants=False)
    Runtime.set_default(before, error_if_already_set=False)


@pytest_asyncio.fixture(loop_scope="session")
async def measured(page: Page, server: EmbeddedServer, world: World) -> World:
    """A world whose form and counts are its own."""
    world.client = await connect(server.address)
    form = world.settings.tenant
    world.forms = {form: parse_form(CLAIM.replace("form: claim", f"form: {form}"))}
    return world


async def test_a_calls_counts_are_its_funnel_once_each_although_every_turn_replays(
    page: Page, measured: World
) -> None:
    form = measured.settings.tenant
    async with measured.worker(max_cached_sessions=0), measured.sessions() as sessions:
        session = await sessions.open(form, "+14155550100")
        await session.turn(event="noinput", utterance_id="1")
        await session.turn("1234", utterance_id="2")
        await session.turn("1234", utterance_id="2")
        await session.turn("no", utterance_id="3")
        with pytest.raises(TurnConflict):
            await session.turn("4321", utterance_id="2")
        await session.hang_up()
        again = await sessions.open(form, "+14155550100")
        with pytest.raises(SupersededLeg):
            await session.turn("yes", utterance_id="4")
        await again.cancel()
    assert page.values(form=form) == {
        "restores_total miss": 1,
        "restores_total hit": 1,
        "sessions_opened_total": 1,
        "fields_asked_total policy": 1,
        "fields_asked_total theft": 1,
        "fields_asked_total day": 1,
        "fields_reprompted_total policy,noinput": 1,
        "fields_answered_total policy,text": 1,
        "fields_answered_total theft,text": 1,
        "turns_total accepted": 3,
        "turns_total duplicate": 1,
        "turns_total conflict": 1,
        "turns_total superseded": 1,
        "turn_duration_seconds_count answered": 4,
        "turn_duration_seconds_count conflict": 1,
        "turn_duration_seconds_count superseded": 1,
        "legs_hung_up_total day": 1,
        "sessions_finished_total day,cancelled": 1,
    }


async def test_the_sdks_own_metrics_are_on_the_same_page(page: Page, measured: World) -> None:
    async with measured.worker(), measured.sessions() as sessions:
        await sessions.open(measured.settings.tenant, "+14155550101")
    assert "temporal_workflow_task_execution_latency_seconds_bucket{" in page.text()
    assert "temporal_request_total{" in page.text()


async def test_a_workflow_task_of_a_millisecond_is_told_from_one_of_a_hundred(
    page: Page, measured: World
) -> None:
    async with measured.worker(max_cached_sessions=0), measured.sessions() as sessions:
        session = await sessions.open(measured.settings.tenant, "+14155550104")
        await session.turn("1234")
    for of in ("schedule_to_start", "execution", "replay"):
        series = rf"^temporal_workflow_task_{of}_latency_seconds_bucket{{.*le=\"([\d.]+)\""
        bounds = {float(bound) for bound in re.findall(series, page.text(), re.MULTILINE)}
        assert bounds >= set(TASK_BUCKETS), of


async def test_a_store_that_does_not_answer_is_counted_by_kind(page: Page, measured: World) -> None:
    unavailable = "store_unavailable_total"
    before = page.values().get(unavailable, 0)
    async with measured.sessions(deadline=0.3) as sessions:  # and there is no worker
        with pytest.raises(StoreUnavailable):
            await sessions.open(measured.settings.tenant, "+14155550102")
    assert page.values()[unavailable] == before + 1
    assert page.values()["store_errors_total timeout"] >= 1


async def test_open_sessions_are_counted_by_status(page: Page, measured: World) -> None:
    async with measured.worker(), measured.sessions() as sessions:
        form = measured.settings.tenant
        for number in range(3):
            await sessions.open(form, f"+1415555020{number}")
        await (await sessions.open(form, "+14155550209")).hand_off()
        counted: dict[str, float] = {}
        async with asyncio.timeout(20):  # Temporal's list follows a moment later.
            while counted != {"sessions_open collecting": 3, "sessions_open handed_off": 1}:
                await sample(measured.client, measured.settings.task_queue)
                values = page.values().items()
                counted = {name: value for name, value in values if "sessions_open " in name}
    assert "sessions_stale" not in page.values()


async def test_nothing_that_is_served_names_a_caller_or_a_session(
    page: Page, measured: World
) -> None:
    async with measured.worker(), measured.sessions() as sessions:
        session = await sessions.open(measured.settings.tenant, "+14155550103")
        await session.turn("9876")
    text = page.text()
    assert session.id.rpartition(":")[2] not in text
    assert '"9876"' not in text
    assert "4155550103" not in text
    named = {name for name, _, _ in SAMPLE.findall(text)}
    known = tuple(instrument.series for instrument in INSTRUMENTS)
    assert all(name.startswith(known) for name in named)
