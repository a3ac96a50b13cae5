"""Retell's custom-LLM socket, frame by frame, over a real socket."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.channels.stand import Stand
from turnkeeper.contract import Connect, Opening, Reply, SessionState, Turn
from turnkeeper.errors import TurnFailed
from turnkeeper.forms.load import parse_form
from turnkeeper.gateway import retell
from turnkeeper.gateway.access.ways import Open
from turnkeeper.gateway.app import create_app
from turnkeeper.gateway.retell import caller_of
from turnkeeper.gateway.serve import listen, serve, url_of
from turnkeeper.testing import MemorySessions

ROOT = Path(__file__).parents[2]
CALLER = "+14155550100"

CLAIM = parse_form("""
form: claim
title: Claim
timezone: Europe/London
greeting: Hello.
goodbye: Thank you.
confirm: false
hand_off: "+1 415 555 0123"
fields:
  - {name: policy, type: digits, length: 4, prompt: ["Policy number?", "Four digits please."]}
  - {name: theft, type: boolean, prompt: "Was anything stolen?"}
  - {name: name, type: text, prompt: "What is your name?"}
""")

Json = dict[str, object]


class Retell:
    """Retell's end of one socket, and the transcript of the call."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.transcript: list[dict[str, str]] = []
        self.response_id = 0

    async def send(self, **frame: object) -> None:
        await self.socket.send(json.dumps(frame))

    async def details(self, **call: object) -> None:
        given = call or {"direction": "inbound", "from_number": CALLER}
        await self.send(interaction_type="call_details", call=given)

    async def response(self) -> Json:
        """The next response, past frames of other kinds."""
        async with asyncio.timeout(10):
            while True:
                frame: Json = json.loads(await self.socket.recv())
                if frame["response_type"] == "response":
                    return frame

    async def require(self, kind: str = "response_required") -> None:
        self.response_id += 1
        await self.send(
            interaction_type=kind, response_id=self.response_id, transcript=self.transcript
        )

    async def is_told_nothing(self) -> bool:
        """Whether no response came until two pings were answered, one after the other."""
        kinds = []
        for stamp in (1, 2):
            await self.send(interaction_type="ping_pong", timestamp=stamp)
            async with asyncio.timeout(10):
                while (frame := json.loads(await self.socket.recv())).get("timestamp") != stamp:
                    kinds.append(frame["response_type"])
        return "response" not in kinds

    async def says(self, words: str) -> Json:
        self.transcript.append({"role": "user", "content": words})
        await self.require()
        response = await self.response()
        self.transcript.append({"role": "agent", "content": str(response["content"])})
        return response


@pytest_asyncio.fixture(loop_scope="session")
async def sessions() -> AsyncIterator[MemorySessions]:
    async with MemorySessions([CLAIM]) as sessions:
        yield sessions


@pytest_asyncio.fixture(loop_scope="session")
async def url(sessions: MemorySessions) -> AsyncIterator[str]:
    """A gateway on a real port."""
    bound, up = listen("127.0.0.1", 0), asyncio.Event()
    address = url_of(bound).replace("http", "ws")
    serving = asyncio.ensure_future(serve(create_app(sessions, access=Open()), bound, ready=up.set))
    await up.wait()
    try:
        yield f"{address}/retell/claim"
    finally:
        serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await serving


@pytest_asyncio.fixture(loop_scope="session")
async def call(url: str) -> AsyncIterator[Retell]:
    """A call that was greeted."""
    async with connect(f"{url}/call-1") as socket:
        call = Retell(socket)
        await call.details()
        call.transcript.append(
            {"role": "agent", "content": str((await call.response())["content"])}
        )
        yield call


async def state_of(sessions: MemorySessions, caller: str = CALLER) -> SessionState:
    return await sessions.state(await sessions.session_id("claim", caller))


async def until(condition: Callable[[SessionState], bool], sessions: MemorySessions) -> None:
    """Returns when the session is so."""
    async with asyncio.timeout(10):
        while not condition(await state_of(sessions)):
            await asyncio.sleep(0.01)


# --- frames ---------------------------------------------------------------------------------------


async def test_a_call_begins_with_our_config_and_its_greeting(url: str) -> None:
    async with connect(f"{url}/call-1") as socket:
        call = Retell(socket)
        config = json.loads(await socket.recv())
        assert config == {
            "response_type": "config",
            "config": {"auto_reconnect": True, "call_details": True},
        }
        await call.details()
        assert await call.response() == {
            "response_type": "response",
            "response_id": 0,
            "content": "Hello. Policy number?",
            "content_complete": True,
            "end_call": False,
        }


async def test_a_ping_is_answered_even_while_the_store_is_away(
    url: str, sessions: MemorySessions
) -> None:
    async with connect(f"{url}/call-1") as socket:
        call = Retell(socket)
        await socket.recv()
        with sessions.unreachable():
            await call.details()
            await call.send(interaction_type="ping_pong", timestamp=17)
            pong = json.loads(await socket.recv())
        assert pong == {"response_type": "ping_pong", "timestamp": 17}


async def test_a_response_has_the_id_of_its_request(call: Retell) -> None:
    call.response_id = 6
    response = await call.says("4321")
    assert (response["response_id"], response["content"]) == (7, "Was anything stolen?")


async def test_updates_and_frames_of_kinds_to_come_are_no_turns(
    call: Retell, sessions: MemorySessions
) -> None:
    partly = [*call.transcript, {"role": "user", "content": "43"}]
    await call.send(interaction_type="update_only", transcript=partly, turntaking="user_turn")
    await call.send(interaction_type="something_new", why=["not"])
    assert (await call.says("4321"))["content"] == "Was anything stolen?"
    assert (await state_of(sessions)).turns == 1


@pytest.mark.parametrize("frame", ["{", "[]", '{"interaction_type": 5}', b"\x00"], ids=str)
async def test_what_is_no_frame_closes_the_socket_with_a_sentence(
    url: str, frame: str | bytes
) -> None:
    async with connect(f"{url}/call-1") as socket:
        await socket.send(frame)
        with pytest.raises(ConnectionClosed) as closed:
            await Retell(socket).response()
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (
        1007,
        "this socket takes Retell's frames: JSON, as text",
    )


# --- turns ----------------------------------------------------------------------------------------


async def test_more_words_with_a_newer_id_amend(call: Retell, sessions: MemorySessions) -> None:
    await call.says("4321")
    await call.says("yes")
    call.transcript[-2:] = []
    assert (await call.says("no, nothing"))["content"] == "What is your name?"
    state = await state_of(sessions)
    assert (state.form_answers["theft"], state.turns) == (False, 2)


async def test_only_the_newest_response_is_spoken_and_no_utterance_is_lost(
    call: Retell, sessions: MemorySessions
) -> None:
    for words in ("4321", "no"):
        call.transcript.append({"role": "user", "content": words})
        await call.require()
    response = await call.response()
    assert (response["response_id"], response["content"]) == (2, "What is your name?")
    assert (await state_of(sessions)).form_answers == {"policy": "4321", "theft": False}


async def test_an_older_response_id_is_not_answered(call: Retell, sessions: MemorySessions) -> None:
    await call.says("4321")
    late = [{"role": "user", "content": "1234"}]
    await call.send(interaction_type="response_required", response_id=1, transcript=late)
    assert await call.is_told_nothing()
    assert (await call.says("no"))["response_id"] == 2
    assert (await state_of(sessions)).form_answers["policy"] == "4321"


async def test_a_reminder_is_no_input(call: Retell, sessions: MemorySessions) -> None:
    await call.require("reminder_required")
    assert str((await call.response())["content"]).endswith("Four digits please.")
    assert (await call.says("4321"))["content"] == "Was anything stolen?"
    assert (await state_of(sessions)).turns == 2


async def test_what_was_heard_of_an_interrupted_reply_is_noted(
    call: Retell, sessions: MemorySessions
) -> None:
    await call.says("4321")
    call.transcript[-1]["content"] = "Was any"
    await call.says("no")
    transcript = await sessions.transcript(await sessions.session_id("claim", CALLER))
    assert [entry.heard_until for entry in transcript.entries] == [None, "Was any", None]


async def test_a_request_before_anything_was_said_repeats_the_greeting(call: Retell) -> None:
    call.transcript = []
    await call.require()
    assert (await call.response())["content"] == "Hello. Policy number?"


async def test_an_answer_is_kept_though_the_line_is_cut_before_the_reply(
    call: Retell, sessions: MemorySessions
) -> None:
    call.transcript.append({"role": "user", "content": "4321"})
    await call.require()
    call.socket.transport.abort()
    await until(lambda state: state.form_answers == {"policy": "4321"}, sessions)


async def test_an_answer_is_kept_though_its_call_ends_before_it_was_found(
    url: str, sessions: MemorySessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store is slow to open the session, and the caller quick to speak and to hang up."""
    gate, opened, connecting = asyncio.Event(), asyncio.Event(), sessions._memory.connect

    async def slow(session_id: str, opening: Opening, message: Connect) -> Reply:
        await gate.wait()
        reply = await connecting(session_id, opening, message)
        opened.set()
        return reply

    monkeypatch.setattr(sessions._memory, "connect", slow)
    async with connect(f"{url}/call-1") as socket:
        call = Retell(socket)
        await call.details()
        call.transcript.append({"role": "user", "content": "4321"})
        await call.require()
        assert await call.is_told_nothing()
    gate.set()
    await opened.wait()
    await until(lambda state: state.form_answers == {"policy": "4321"}, sessions)


# --- legs -----------------------------------------------------------------------------------------


async def test_a_socket_that_was_lost_is_the_same_leg_and_the_turn_the_same_turn(
    call: Retell, url: str, sessions: MemorySessions
) -> None:
    await call.says("4321")
    call.socket.transport.abort()
    await until(lambda state: state.legs[0].reason == "socket_closed", sessions)
    async with connect(f"{url}/call-1") as socket:
        again = Retell(socket)
        again.transcript, again.response_id = call.transcript[:-1], 1
        await again.details()
        assert await again.is_told_nothing()
        await again.require()
        assert (await again.response())["content"] == "Was anything stolen?"
        again.transcript.append({"role": "agent", "content": "Was anything stolen?"})
        assert (await again.says("no"))["content"] == "What is your name?"
    state = await state_of(sessions)
    assert (len(state.legs), state.turns) == (1, 2)


async def test_a_redial_is_welcomed_back_and_the_older_call_ends(
    call: Retell, url: str, sessions: MemorySessions
) -> None:
    await call.says("4321")
    async with connect(f"{url}/call-2") as socket:
        again = Retell(socket)
        await again.details()
        assert str((await again.response())["content"]).startswith("Welcome back.")
        older = await call.says("no")
        assert (older["content"], older["end_call"]) == ("", True)
    assert (await state_of(sessions)).form_answers == {"policy": "4321"}


async def test_the_end_of_the_form_ends_the_call_and_words_after_it_begin_nothing(
    call: Retell, sessions: MemorySessions
) -> None:
    for words in ("4321", "no"):
        await call.says(words)
    for words in ("Ada Lovelace", "thanks"):
        last = await call.says(words)
        assert (last["content"], last["end_call"]) == ("Thank you.", True)
    assert len(sessions.delivered) == 1


async def test_a_caller_who_wants_a_person_is_transferred(call: Retell) -> None:
    last = await call.says("let me talk to a person")
    assert (last["transfer_number"], last["end_call"]) == ("+1 415 555 0123", False)


# --- trouble --------------------------------------------------------------------------------------


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
