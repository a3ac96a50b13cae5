"""A Retell call whose store is away, whose turn fails, or that cannot be taken; and the example."""

import asyncio
import json
import os
import subprocess
import sys

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.channels.claim import CALLER, state_of
from tests.channels.retell.calls import Json, Retell
from tests.channels.stand import ROOT, Stand
from turnkeeper.contract import Reply, Turn
from turnkeeper.errors import TurnFailed
from turnkeeper.gateway import retell
from turnkeeper.gateway.retell import caller_of
from turnkeeper.testing import MemorySessions


async def test_a_turn_waits_for_the_store_as_long_as_the_caller_does(
    call: Retell, sessions: MemorySessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retell, "AGAIN_SECONDS", 0.01)
    call.transcript.append({"role": "user", "content": "4321"})
    with sessions.unreachable():
        await call.require()
        await call.send(interaction_type="ping_pong", timestamp=1)
        assert json.loads(await call.socket.recv())["response_type"] == "ping_pong"
    assert (await call.response())["content"] == "Was anything stolen?"


async def test_older_words_do_not_come_back_with_the_store(
    call: Retell, sessions: MemorySessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The response that waits for the store has been superseded by one with other words."""
    await call.says("4321")
    monkeypatch.setattr(retell, "AGAIN_SECONDS", 0.2)
    with sessions.unreachable():
        call.transcript.append({"role": "user", "content": "yes"})
        await call.require()
        assert await call.is_told_nothing()
        monkeypatch.setattr(retell, "AGAIN_SECONDS", 0.01)
        call.transcript[-1] = {"role": "user", "content": "no"}
        await call.require()
        assert await call.is_told_nothing()
    assert (await call.response())["content"] == "What is your name?"
    await asyncio.sleep(0.3)  # Past when the older one would have tried again.
    assert (await state_of(sessions)).form_answers["theft"] is False


async def test_a_turn_that_cannot_be_interpreted_asks_again(
    call: Retell, sessions: MemorySessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    await call.says("4321")

    async def failing(session_id: str, turn: object) -> None:
        raise TurnFailed("the interpreter broke")

    with monkeypatch.context() as broken:
        broken.setattr(sessions._memory, "turn", failing)
        assert (await call.says("no"))["content"] == "Was anything stolen?"
    assert (await call.says("no"))["content"] == "What is your name?"


async def test_a_defect_closes_the_socket_and_no_log_quotes_the_caller(
    call: Retell,
    sessions: MemorySessions,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def broken(session_id: str, turn: Turn) -> Reply:
        raise ValueError(f"cannot digest {turn.text}")

    monkeypatch.setattr(sessions._memory, "turn", broken)
    call.transcript.append({"role": "user", "content": "SECRET"})
    await call.require()
    with pytest.raises(ConnectionClosed) as closed:
        await call.response()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1011
    logged = caplog.text + "".join(capsys.readouterr())
    assert "ValueError" in logged
    assert "SECRET" not in logged


@pytest.mark.parametrize(
    ("form", "details", "reason"),
    [
        ("claim", {"call_type": "web_call"}, "metadata.subject"),
        ("nothing", {"from_number": CALLER}, "nothing"),
    ],
)
async def test_a_call_that_cannot_be_taken_is_closed_with_a_sentence(
    url: str, form: str, details: Json, reason: str
) -> None:
    async with connect(f"{url.removesuffix('claim')}{form}/call-1") as socket:
        call = Retell(socket)
        await call.require()
        await call.details(**details)
        with pytest.raises(ConnectionClosed) as closed:
            await call.response()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1008
    assert reason in closed.value.rcvd.reason


@pytest.mark.parametrize(
    ("details", "caller"),
    [
        ({"direction": "inbound", "from_number": "+1", "to_number": "+2"}, "+1"),
        ({"direction": "outbound", "from_number": "+1", "to_number": "+2"}, "+2"),
        ({"from_number": "+1", "metadata": {"subject": "ada"}}, "ada"),
        ({"from_number": "anonymous", "metadata": {}}, "call-c1"),
    ],
)
def test_the_caller_is_the_other_end_of_the_line(details: Json, caller: str) -> None:
    assert caller_of(details, "c1", "US") == caller


# --- the example ----------------------------------------------------------------------------------


def test_the_example_fills_in_a_form_over_a_real_gateway(channels: Stand) -> None:
    words = ("4321", "drop", "no", "Ada Lovelace", "yes")
    ran = subprocess.run(
        [sys.executable, "-W", "error", ROOT / "examples" / "retell_call.py",
         "--gateway", channels.gateway.ws_url, "claim", *words],
        env={
            **os.environ, "PYTHONIOENCODING": "utf-8", "TURNKEEPER_TOKEN": channels.gateway.token
        },
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert "Welcome back." in ran.stdout
    assert ran.stdout.rstrip().endswith("(hangs up)")
