"""OpenAI-compatible: a form as the language model of a platform, by the unmodified client."""

import json
import os
import subprocess
import sys

import httpx2
import pytest
from fastapi import FastAPI
from openai import AsyncOpenAI, ConflictError, InternalServerError, NotFoundError

from tests.channels.claim import CALLER, state_of
from tests.channels.openai.chat_platform import Body, Platform, gateway, tool
from tests.channels.stand import ROOT, Stand
from turnkeeper.gateway.openai import refusal
from turnkeeper.testing import MemorySessions

# --- the client -----------------------------------------------------------------------------------


async def test_a_request_without_a_user_message_is_answered_with_the_greeting(
    client: AsyncOpenAI,
) -> None:
    answer = await client.chat.completions.create(model="claim", messages=[])
    (choice,) = answer.choices
    assert choice.message.content == "Hello. Policy number?"
    assert (choice.finish_reason, answer.model, answer.object) == (
        "stop",
        "claim",
        "chat.completion",
    )
    assert answer.usage is not None
    assert answer.usage.total_tokens == 0


async def test_a_stream_has_the_same_words_and_usage_only_when_it_is_asked_for(
    client: AsyncOpenAI,
) -> None:
    plain = [c async for c in await client.chat.completions.create(
        model="claim", messages=[{"role": "user", "content": "4321"}], stream=True
    )]  # fmt: skip
    assert [c.choices[0].delta.content for c in plain] == ["Was anything stolen?", None]
    assert plain[0].choices[0].delta.role == "assistant"
    assert [c.choices[0].finish_reason for c in plain] == [None, "stop"]
    counted = [c async for c in await client.chat.completions.create(
        model="claim", messages=[{"role": "user", "content": "4321"}], stream=True,
        stream_options={"include_usage": True},
    )]  # fmt: skip
    assert [c.usage and c.usage.total_tokens for c in counted] == [None, None, 0]
    assert counted[-1].choices == []


async def test_a_stream_is_framed_as_openais_and_ends_with_done(platform: Platform) -> None:
    response = await platform.post(stream=True)
    assert response.headers["content-type"].startswith("text/event-stream")
    *events, done, rest = response.text.split("\n\n")
    assert (done, rest) == ("data: [DONE]", "")
    chunks = [json.loads(event.removeprefix("data: ")) for event in events]
    assert {(c["object"], c["model"]) for c in chunks} == {("chat.completion.chunk", "claim")}
    assert len({c["id"] for c in chunks}) == 1
    assert chunks[-1]["turnkeeper"]["next"] == "listen"


async def test_an_answer_tells_the_session_in_headers_and_in_a_field_of_its_own(
    platform: Platform, sessions: MemorySessions
) -> None:
    response = await platform.post()
    about = response.json()["turnkeeper"]
    state = await state_of(sessions)
    expected = {"session_id": state.session_id, "leg": 1, "epoch": state.epoch}
    assert about == {"status": "collecting", "next": "listen", **expected}
    headers = {name: response.headers[f"x-turnkeeper-{name}"] for name in ("session", "leg")}
    assert headers == {"session": state.session_id, "leg": "1"}


async def test_the_models_are_the_forms(client: AsyncOpenAI) -> None:
    assert [model.id async for model in client.models.list()] == ["claim"]
    assert (await client.models.retrieve("claim")).owned_by == "turnkeeper"
    with pytest.raises(NotFoundError) as refused:
        await client.models.retrieve("nothing")
    assert (refused.value.code, refused.value.param) == ("model_not_found", "model")


async def test_content_in_parts_is_read_as_its_text(
    platform: Platform, sessions: MemorySessions
) -> None:
    parts = [{"type": "text", "text": "four three"}, {"type": "text", "text": "two one"}]
    assert await platform.says([*parts, {"type": "image_url"}]) == "Was anything stolen?"
    assert (await state_of(sessions)).form_answers == {"policy": "4321"}


async def test_the_endpoint_is_openais_to_describe_and_not_in_our_document(app: FastAPI) -> None:
    assert [path for path in app.openapi()["paths"] if "completions" in path] == []


# --- the end --------------------------------------------------------------------------------------

END_TOOLS: dict[str, tuple[Body, Body]] = {
    "Vapi": (tool("endCall"), {}),
    "Vapi, by type": ({"type": "endCall"}, {}),
    "ElevenLabs": (tool("end_call", "reason", "message"), {"reason": "submitting"}),
    "LiveKit": (tool("end_call"), {}),
}


@pytest.mark.parametrize("name", END_TOOLS)
async def test_at_the_end_the_offered_tool_hangs_up_after_the_last_words(
    platform: Platform, name: str
) -> None:
    offered, arguments = END_TOOLS[name]
    platform.extra = {"tools": [tool("look_up"), offered]}
    await platform.says("4321")
    await platform.says("no")
    platform.messages.append({"role": "user", "content": "Ada Lovelace"})
    last = await platform.asked()
    assert (last["content"], last["finish"], last["next"]) == (
        "Thank you.",
        "tool_calls",
        "hang_up",
    )
    (call,) = last["tool_calls"]
    assert call["function"]["name"] in ("endCall", "end_call")
    assert json.loads(call["function"]["arguments"]) == arguments
    streamed = (await platform.post(stream=True)).text
    assert '"finish_reason": "tool_calls"' in streamed
    platform.messages.append({"role": "tool", "content": "ok"})
    assert "tool_calls" not in await platform.asked()


async def test_without_a_tool_for_it_there_are_only_the_words(platform: Platform) -> None:
    for words in ("4321", "no"):
        await platform.says(words)
    platform.messages.append({"role": "user", "content": "Ada Lovelace"})
    plain = await platform.asked()
    assert (plain["content"], plain["finish"], plain["next"]) == ("Thank you.", "stop", "hang_up")
    forbidden = await platform.asked(tools=[tool("endCall")], tool_choice="none")
    assert "tool_calls" not in forbidden


TRANSFER_TOOLS: dict[str, tuple[Body, Body]] = {
    "Vapi": (tool("transferCall", "destination"), {"destination": "+1 415 555 0123"}),
    "ElevenLabs": (
        tool("transfer_to_number", "transfer_number"),
        {"transfer_number": "+1 415 555 0123"},
    ),
}


@pytest.mark.parametrize("name", TRANSFER_TOOLS)
async def test_a_caller_who_wants_a_person_is_transferred_with_the_offered_tool(
    platform: Platform, name: str
) -> None:
    offered, arguments = TRANSFER_TOOLS[name]
    await platform.says("4321")
    platform.messages.append({"role": "user", "content": "let me talk to a person"})
    last = await platform.asked(tools=[tool("endCall"), offered])
    assert (last["status"], last["next"]) == ("handed_off", "transfer")
    (call,) = last["tool_calls"]
    assert json.loads(call["function"]["arguments"]) == arguments


@pytest.mark.parametrize("elsewhere", [False, True], ids=["same gateway", "another"])
@pytest.mark.parametrize("call", ["call-1", None])
async def test_words_after_the_end_get_the_last_reply_and_begin_nothing(
    app: FastAPI, sessions: MemorySessions, elsewhere: bool, call: str | None
) -> None:
    platform = Platform(app, call)
    for words in ("4321", "no", "Ada Lovelace"):
        await platform.says(words)
    epoch = (await state_of(sessions)).epoch
    if elsewhere:
        platform.app = gateway(sessions)
    platform.messages.append({"role": "user", "content": "thanks, bye"})
    after = await platform.asked(tools=[tool("endCall")])
    assert (after["content"], after["next"]) == ("Thank you.", "hang_up")
    state = await state_of(sessions)
    assert (state.epoch, state.turns, len(sessions.delivered)) == (epoch, 3, 1)


async def test_a_form_that_was_cancelled_from_outside_is_an_error(
    platform: Platform, sessions: MemorySessions, client: AsyncOpenAI
) -> None:
    await platform.says("4321")
    await sessions.cancel(await sessions.session_id("claim", CALLER))
    with pytest.raises(ConflictError) as refused:
        await client.chat.completions.create(
            model="claim",
            messages=[{"role": "user", "content": "4321"}, {"role": "user", "content": "no"}],
        )
    assert refused.value.code == "session_closed"


# --- errors ---------------------------------------------------------------------------------------


async def test_an_unreachable_store_is_a_503_that_the_client_tries_again_by_itself(
    client: AsyncOpenAI, sessions: MemorySessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And never a new caller: what was said before is still there."""
    monkeypatch.setitem(refusal.AGAIN[503], "Retry-After", "0.01")
    messages = [{"role": "user", "content": "4321"}]
    tried: list[str] = []

    async def see(request: httpx2.Request) -> None:
        tried.append(request.headers["x-stainless-retry-count"])
        if len(tried) == 2:
            unreachable.__exit__(None, None, None)

    client._client.event_hooks["request"].append(see)
    unreachable = sessions.unreachable()
    unreachable.__enter__()
    answer = await client.chat.completions.create(model="claim", messages=messages)  # type: ignore[arg-type]  # a dict is such a message
    assert answer.choices[0].message.content == "Was anything stolen?"
    assert tried == ["0", "1"]
    with sessions.unreachable(), pytest.raises(InternalServerError) as refused:
        await client.with_options(max_retries=0).chat.completions.create(
            model="claim",
            messages=[*messages, {"role": "user", "content": "no"}],  # type: ignore[list-item]  # a dict is such a message
        )
    assert (refused.value.status_code, refused.value.code) == (503, "store_unavailable")
    assert (await state_of(sessions)).turns == 1


async def test_a_503_says_when_to_come_back(platform: Platform, sessions: MemorySessions) -> None:
    with sessions.unreachable():
        refused = await platform.post(stream=True)
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "2")
    assert refused.json()["error"]["type"] == "server_error"


async def test_a_model_that_is_no_form_is_not_found(client: AsyncOpenAI) -> None:
    with pytest.raises(NotFoundError) as refused:
        await client.chat.completions.create(model="nothing", messages=[])
    assert refused.value.code == "model_not_found"


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ("{", "body"),
        ('{"messages": [{"role": "user", "content": "4321"}]}', "model"),
        ('{"model": "claim", "messages": [{"role": 5, "content": "4321"}]}', "messages.0.role"),
        ('{"model": "claim", "messages": {"4321": 1}}', "messages"),
    ],
)
async def test_a_wrong_body_gets_a_sentence_without_what_was_said(
    app: FastAPI, body: str, place: str
) -> None:
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app), base_url="http://127.0.0.1"
    ) as client:
        refused = await client.post("/v1/chat/completions", content=body)
    error = refused.json()["error"]
    assert (refused.status_code, error["code"]) == (400, "invalid_input")
    assert place in error["message"]
    assert "4321" not in error["message"]


async def test_a_calls_id_that_is_too_long_is_refused(app: FastAPI) -> None:
    refused = await Platform(app, "x" * 201).post()
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "invalid_input")


async def test_no_error_names_the_caller(platform: Platform, sessions: MemorySessions) -> None:
    """A session that is gone in mid-call: the error's own text has its id."""
    await platform.says("4321")
    sessions._memory._sessions.clear()
    platform.messages.append({"role": "user", "content": "no"})
    refused = await platform.post()
    assert (refused.status_code, refused.json()["error"]["code"]) == (404, "session_not_found")
    assert "415" not in refused.text


# --- the example ----------------------------------------------------------------------------------


def test_the_example_fills_in_a_form_over_a_real_gateway(channels: Stand) -> None:
    words = ("4321", "drop", "no", "Ada Lovelace", "yes")
    ran = subprocess.run(
        [sys.executable, "-W", "error", ROOT / "examples" / "openai_client.py",
         "--gateway", channels.gateway.url, "claim", *words],
        env={**os.environ, "PYTHONIOENCODING": "utf-8", "TURNKEEPER_TOKEN": channels.gateway.token},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert "Welcome back." in ran.stdout
    assert ran.stdout.rstrip().endswith("(hang_up)")
