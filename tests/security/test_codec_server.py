"""The codec server: who has the right sees a session in clear, without its secrets; nobody else
sees more than ciphertext."""

import asyncio
import base64
import json
import logging
import time
from itertools import pairwise

import pytest
import pytest_asyncio
from google.protobuf.json_format import MessageToDict
from temporalio.api.common.v1 import Payload
from temporalio.converter import DataConverter

from tests.security.codec_reading import (
    CLAIM,
    FORM,
    FORM_FILE,
    UI,
    Asking,
    OneForm,
    app_of,
    asking,
    holding,
    payload_list,
    stored,
)
from tests.security.conftest import OTHER, Place
from turnkeeper.forms.load import parse_form
from turnkeeper.forms.model import Form
from turnkeeper.gateway.codec import (
    ERASED,
    MAX_BODY_BYTES,
    MAX_VALUES,
    STRANGERS_BYTES,
    UNREADABLE,
)
from turnkeeper.gateway.doorway import NoForms
from turnkeeper.security.codec import SessionCodec
from turnkeeper.security.key_store import SessionId
from turnkeeper.testing import MemorySessions


@pytest_asyncio.fixture(loop_scope="session")
async def codec(place: Place) -> Asking:
    """A codec server that can ask the session."""
    return asking(app_of(place, await holding(place, FORM), NoForms()))


# --- who sees what --------------------------------------------------------------------------------


async def test_who_may_decode_sees_the_value(place: Place, codec: Asking) -> None:
    assert await codec.read(await stored(place, {"status": "collecting"})) == [
        {"status": "collecting"}
    ]


@pytest.mark.parametrize("token", ["", "unknown", "other", "talker", "caller"])
async def test_who_may_not_sees_the_very_ciphertext(
    place: Place, codec: Asking, token: str
) -> None:
    payload = await stored(place, {"status": "collecting"})
    found = await codec.post("/default/decode", payload, token=token)
    assert found == MessageToDict(payload_list(payload))["payloads"]


async def test_one_namespace_does_not_show_what_another_stored(place: Place, codec: Asking) -> None:
    payload = await stored(place, {"status": "collecting"})
    found = await codec.post("/elsewhere/decode", payload, token="acme")
    assert found == MessageToDict(payload_list(payload))["payloads"]


async def test_the_namespace_is_the_paths_or_the_headers_where_the_path_leaves_it_open(
    place: Place, codec: Asking
) -> None:
    payload, named = await stored(place, "x"), {"X-Namespace": "default"}
    for path in ("/default/decode", "/{namespace}/decode"):
        found = await codec.post(path, payload, token="acme", **named)
        assert found != MessageToDict(payload_list(payload))["payloads"]
    response = await codec.raw("/elsewhere/decode", payload, token="acme", **named)
    assert response.status_code == 422
    assert "two namespaces" in response.json()["detail"]


async def test_what_was_in_clear_stays_as_it_is(codec: Asking) -> None:
    (plain,) = await DataConverter.default.encode([{"a": 1}])
    assert await codec.read(plain) == [{"a": 1}]


async def test_what_can_not_be_opened_takes_nothing_else_away(place: Place, codec: Asking) -> None:
    good = await stored(place, {"a": 1})
    changed = Payload.FromString(good.SerializeToString())
    changed.data = changed.data[:-1] + bytes([changed.data[-1] ^ 1])
    assert await codec.read(changed, good) == [UNREADABLE, {"a": 1}]


async def test_what_is_erased_says_so_to_its_tenant_alone(place: Place, codec: Asking) -> None:
    payload = await stored(place, {"a": 1})
    await place.keyring().shred(CLAIM)
    assert await codec.read(payload) == [ERASED]
    found = await codec.post("/default/decode", payload, token="other")
    assert found == MessageToDict(payload_list(payload))["payloads"]


@pytest.mark.parametrize(("origin", "allowed"), [(UI, True), ("https://elsewhere.example", False)])
async def test_pages_of_the_ui_alone_may_ask(
    place: Place, codec: Asking, origin: str, allowed: bool
) -> None:
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    asked["Access-Control-Request-Headers"] = "authorization,content-type,x-namespace"
    preflight = await codec.client.options("/default/decode", headers=asked)
    assert (preflight.headers.get("access-control-allow-origin") == origin) is allowed
    answer = await codec.raw("/default/decode", await stored(place, 1), token="acme", Origin=origin)
    assert (answer.status_code == 200) is allowed
    assert (answer.headers.get("access-control-allow-origin") == origin) is allowed


AS_ACME = {"Authorization": "Bearer acme"}


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"481516 is no JSON", 400),
        (b'{"payloads": 481516}', 400),
        (b'{"481516\xff', 400),
        (b"[" * 100_000, 400),
        (b"x" * (MAX_BODY_BYTES + 1), 413),
        (b'{"payloads": [{}' + b",{}" * (MAX_VALUES + 1) + b"]}", 413),
    ],
    ids=["no JSON", "no Payloads", "no UTF-8", "too deep", "too large", "too many"],
)
async def test_a_body_that_is_none_is_a_problem_that_quotes_nothing(
    codec: Asking, content: bytes, status: int
) -> None:
    answer = await codec.client.post("/default/decode", content=content, headers=AS_ACME)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert "481516" not in answer.text


async def test_what_a_stranger_sends_is_not_read_and_a_long_body_is_refused(codec: Asking) -> None:
    for sent in (b"481516 is no JSON", b"{" * STRANGERS_BYTES):
        answer = await codec.client.post("/default/decode", content=sent)
        assert (answer.status_code, answer.content) == (200, sent)
    sent = b"{" * (STRANGERS_BYTES + 1)
    assert (await codec.client.post("/default/decode", content=sent)).status_code == 413
    assert (await codec.client.post("/default/encode", content=sent)).status_code == 404


async def test_others_are_served_while_a_long_request_is_read(codec: Asking) -> None:
    turns: list[float] = []

    async def others() -> None:
        while True:
            turns.append(time.perf_counter())
            await asyncio.sleep(0)

    serving = asyncio.ensure_future(others())
    sent = b'{"payloads": [{}' + b",{}" * 3000 + b"]}"
    answer = await codec.client.post("/default/decode", content=sent, headers=AS_ACME)
    serving.cancel()
    assert len(answer.json()["payloads"]) == 3001
    longest = max(after - before for before, after in pairwise(turns))
    assert longest < (turns[-1] - turns[0]) / 2  # Read on the loop, it is all of the time.


async def test_a_stranger_who_tries_tokens_does_not_fill_the_log(
    place: Place, codec: Asking, caplog: pytest.LogCaptureFixture
) -> None:
    payload = await stored(place, 1)
    with caplog.at_level(logging.WARNING):
        for _ in range(80):
            found = await codec.post("/default/decode", payload, token="unknown")
            assert found == MessageToDict(payload_list(payload))["payloads"]
    assert 0 < caplog.text.count("a token was refused") < 70


async def test_what_is_nested_too_deep_takes_nothing_else_away(place: Place, codec: Asking) -> None:
    good = await stored(place, {"a": 1})
    for depth in (800, 100_000):  # The first is read, and too deep for what comes after.
        plain = Payload(metadata={"encoding": b"json/plain"}, data=b"[" * depth + b"]" * depth)
        (deep,) = await SessionCodec(place.keyring()).of(CLAIM).encode([plain])
        seen = await codec.read(deep, good)
        assert seen[1] == {"a": 1}
    assert seen[0] == UNREADABLE


# --- encoding -------------------------------------------------------------------------------------


def for_session(value: object, session: SessionId) -> Payload:
    metadata = {"encoding": b"json/plain", "session-id": session.workflow_id.encode()}
    return Payload(metadata=metadata, data=json.dumps(value).encode())


async def test_what_names_its_session_is_encrypted_for_it(place: Place, codec: Asking) -> None:
    await stored(place, 1)
    answer = await codec.raw("/default/encode", for_session("x", CLAIM), token="operator")
    (sent,) = answer.json()["payloads"]
    metadata = {name: base64.b64decode(text) for name, text in sent["metadata"].items()}
    payload = Payload(metadata=metadata, data=base64.b64decode(sent["data"]))
    (opened,) = await SessionCodec(place.keyring()).of(CLAIM).decode([payload])
    assert (opened.data, dict(opened.metadata)) == (b'"x"', {"encoding": b"json/plain"})


@pytest.mark.parametrize(
    ("token", "session"),
    [
        ("other", CLAIM),
        ("acme", CLAIM),
        ("caller", CLAIM),
        ("", CLAIM),
        ("operator", OTHER),
    ],
    ids=["another tenant", "no scope", "a caller", "nobody", "no such session"],
)
async def test_who_may_not_write_meets_a_session_that_does_not_exist(
    place: Place, codec: Asking, token: str, session: SessionId
) -> None:
    await stored(place, 1)
    answer = await codec.raw("/default/encode", for_session("x", session), token=token)
    assert answer.status_code == 404
    assert await place.store.live(OTHER) is None


async def test_content_of_no_session_is_refused_with_what_to_do(codec: Asking) -> None:
    (plain,) = await DataConverter.default.encode(["x"])
    answer = await codec.raw("/default/encode", plain, token="operator")
    assert answer.status_code == 422
    assert "--input-meta session-id=" in answer.json()["detail"]


# --- secrets --------------------------------------------------------------------------------------

SECRET_MESSAGES = {
    "a turn's words": {"kind": "turn", "text": "it is S", "alternatives": [{"text": "S"}]},
    "a turn's keys": {"kind": "turn", "dtmf": "S"},
    "a turn's answers": {"kind": "turn", "answers": {"passcode": "S"}},
    "an event": {"events": [{"kind": "filled", "field": "passcode", "answer": {"value": "S"}}]},
    "a question": {"question": {"field": "passcode", "answer": {"value": "S"}}},
    "what was heard": {"kind": "turn_taken", "heard": "S"},
    "a state": {"record": {"dialogue": {"answers": {"passcode": {"value": "S"}}}}},
    "what was thrown away": {"discarded": [{"passcode": "S"}], "denied": {"passcode": ["S"]}},
    "a delivery": {"answers": {"passcode": "S"}},
    "words that may be its beginning": {"state": {"begun": "S"}, "events": [{"words": "it is S"}]},
    "a digest": {"ledger": {"content": "S", "replies": {"S": {"status": "collecting"}}}},
    "a text that is not known to hold none": {"from_a_later_release": "it is S"},
}


@pytest.mark.parametrize("message", SECRET_MESSAGES.values(), ids=SECRET_MESSAGES)
async def test_a_secret_is_masked_wherever_it_stands(
    place: Place, codec: Asking, message: dict[str, object]
) -> None:
    (seen,) = await codec.read(await stored(place, message))
    assert "S" not in json.dumps(seen)
    assert "***" in json.dumps(seen)


@pytest.mark.parametrize("secret", [False, 0, 0.0])
async def test_a_secret_that_is_no_or_nothing_is_masked_too(
    place: Place, codec: Asking, secret: object
) -> None:
    assert await codec.read(await stored(place, {"answers": {"passcode": secret}})) == [
        {"answers": {"passcode": "***"}}
    ]


async def test_other_answers_and_what_was_said_to_the_caller_are_readable(
    place: Place, codec: Asking
) -> None:
    message = {
        "events": [
            {"kind": "filled", "field": "story", "answer": {"value": "a fire", "heard": ""}},
            {"kind": "said", "text": "Your passcode?"},
        ],
        "reply": {"say": "Your passcode?", "field": "passcode", "recorded": {"story": "a fire"}},
    }
    assert await codec.read(await stored(place, message)) == [message]


NOT_THE_FORMS_ANSWERS = {
    "a number that is no field's": {"answers": {"passcod": 481516}},
    "a field with the name of a place": {"answers": {"detail": "481516"}},
    "the name of no field": {"answers": {"481516": True}, "recorded": ["481516"]},
    "what looks as if we said it": {"answers": {"kind": "said", "text": "481516"}},
    "an answer in an answer": {"answers": {"story": {"kind": "said", "text": "481516"}}},
    "an object as the value": {"answers": {"story": {"value": {"value": 481516}}}},
    "a read-back of no field": {"confirming": {"field": "passcod", "value": 481516}},
    "a question of no field": {"question": {"field": None, "answer": {"value": 481516}}},
}


@pytest.mark.parametrize("message", NOT_THE_FORMS_ANSWERS.values(), ids=NOT_THE_FORMS_ANSWERS)
async def test_among_answers_those_of_the_forms_fields_alone_are_shown(
    place: Place, codec: Asking, message: dict[str, object]
) -> None:
    (seen,) = await codec.read(await stored(place, message))
    assert "481516" not in json.dumps(seen)
    assert "***" in json.dumps(seen)


PLAIN = parse_form("form: plain\nfields: [{name: a, type: text, prompt: A}]")
PLAIN_SESSION = SessionId("default", "voice:session:acme:plain:" + "a" * 26)


async def test_words_are_readable_where_a_form_has_no_secret(place: Place) -> None:
    codec = asking(app_of(place, await holding(place, PLAIN, PLAIN_SESSION), NoForms()))
    message = {"kind": "turn", "text": "well", "answers": {"a": "b"}}
    assert await codec.read(await stored(place, message, PLAIN_SESSION)) == [message]


WITHOUT = parse_form(FORM_FILE.replace("secret: true, ", ""))
"""The form of a later release, in which nothing is secret."""


@pytest.mark.parametrize(("kept", "deployed"), [(FORM, WITHOUT), (WITHOUT, FORM)])
async def test_what_the_session_or_the_folder_calls_secret_is_masked(
    place: Place, kept: Form, deployed: Form
) -> None:
    codec = asking(app_of(place, await holding(place, kept), OneForm(deployed)))
    seen = await codec.read(await stored(place, {"answers": {"story": "a", "passcode": "4"}}))
    assert seen == [{"answers": {"story": "a", "passcode": "***"}}]


async def test_no_answer_is_shown_of_a_session_that_can_not_be_asked_whatever_the_folder_says(
    place: Place,
) -> None:
    nobody = MemorySessions([], settings=place.settings())
    codec = asking(app_of(place, nobody, OneForm(WITHOUT)))
    message = {"kind": "turn", "text": "4815", "answers": {"passcode": "4815", "story": "a"}}
    (seen,) = await codec.read(await stored(place, message))
    assert seen == {"kind": "turn", "text": "***", "answers": "***"}


async def test_of_an_unknown_form_neither_answers_nor_what_tells_them_are_shown(
    place: Place,
) -> None:
    codec = asking(app_of(place, MemorySessions([], settings=place.settings()), NoForms()))
    message = {"kind": "turn", "text": "well", "answers": {"a": "b"}, "leg": 1}
    masked = {"kind": "turn", "text": "***", "answers": "***", "leg": 1}
    assert await codec.read(await stored(place, message)) == [masked]
    for told in (
        {"say": "So it is Ann"},
        {"said": "Ann", "heard_until": "Ann"},
        {"trail": ["Ann"]},
        {"detail": "Ann", "message": "Ann"},
        {"kind": "said", "text": "So it is Ann"},
    ):
        assert "Ann" not in json.dumps(await codec.read(await stored(place, told)))
