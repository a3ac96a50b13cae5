"""A caller's whole life with unique answers, and then a search for these in all that is kept."""

import base64
import gzip
import hashlib
import random
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import pytest
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from temporalio.api.common.v1 import Payloads
from temporalio.client import WorkflowHistory

from tests.security.canary import TENANT, Life, Said, life
from tests.security.conftest import Place
from tests.security.searching import files, finds, forms_of, payloads, unpacked
from turnkeeper.settings import read_settings
from worker.build import build_replayer

SEED = random.randrange(10**9)

NOT_OURS = (".search_attributes.", ".header.", ".marker_recorded_event_attributes.details.data")
"""Search attributes are an index and never encrypted; headers carry trace ids; `data` of a local
activity's marker is the SDK's own: which activity it was, and when."""


async def test_nothing_that_a_caller_said_is_readable_in_what_is_kept(
    place: Place, tmp_path_factory: pytest.TempPathFactory
) -> None:
    said, folder = Said.made(SEED), tmp_path_factory.mktemp("canary")
    async with life(place.settings(tenant=TENANT), folder, said) as lived:
        await assert_it_happened(lived)
        histories = await lived.histories()
        await assert_replays(lived, histories)
        plain = {path for one in histories for event in one.events for path in in_clear(event)}
        assert {path for path in plain if not any(part in path for part in NOT_OURS)} == set()
        hidden = (*said.all, *lived.tokens)
        assert found(hidden, await kept(lived, place.folder)) == {}
        await assert_the_codec_server_reads(lived, histories)
        certificate = await lived.erase()
        assert certificate["runs_deleted"] == len(histories)
        assert certificate["keys_shredded"] == 1
        assert str(certificate["certificate_id"]).encode() in files(place.folder)
        assert found(hidden, await kept(lived, place.folder)) == {}
    # The processes have ended: their logs and spans are complete.
    assert found(hidden, {"all": files(folder) + files(place.folder)}) == {}
    assert found(hidden, {"spans": lived.outside.spans}) == {}


async def test_the_same_search_finds_it_when_nothing_is_encrypted(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    said, folder = Said.made(SEED + 1), tmp_path_factory.mktemp("canary")
    async with life(read_settings(tenant=TENANT), folder, said) as lived:
        await assert_it_happened(lived)
        held = await kept(lived)
        for marker in said.kept:
            assert found([marker], held).keys() == {"Temporal's files", "histories"}, marker
        assert found((*said.who, said.misplaced), held) == {}


async def kept(lived: Life, *folders: Path) -> dict[str, bytes]:
    """All that anybody has of the session who has no right to read it, by where it is."""
    histories = [one.to_json().encode() for one in await lived.histories()]
    return {
        **await lived.watched(),
        "Temporal's files": files(lived.server.data),
        "histories": b"".join(histories),
        "keys, certificates, API keys": b"".join(files(folder) for folder in folders),
    }


def found(markers: Iterable[str], held: Mapping[str, bytes]) -> dict[str, set[str]]:
    """Where which forms of the markers are, compressed or not."""
    looked = {place: finds(markers, text + unpacked(text)) for place, text in held.items()}
    return {place: forms for place, forms in looked.items() if forms}


async def assert_it_happened(lived: Life) -> None:
    """Else there is nothing to be found."""
    said, state = lived.said, await lived.state()
    answers = {"complaint": said.amended, "email": said.email, "policy": said.policy}
    assert state["form_answers"] == {**answers, "passcode": "***"}
    assert lived.outside.forms[0]["answers"] == {**answers, "passcode": said.passcode}
    assert len(lived.outside.forms) == 2
    seen = await lived.watched()
    assert seen["logs"].count(b"Completing activity as failed") >= 2
    assert seen["logs"].count(b'"level": "debug"') > 10
    assert b"turnkeeper.turn" in seen["spans"]
    assert b"turnkeeper_turn_duration" in seen["metrics"]
    assert lived.session_id.encode() in seen["visibility"]
    assert lived.session_id.encode() in seen["listing"]


async def assert_replays(lived: Life, histories: Sequence[WorkflowHistory]) -> None:
    assert len(histories) >= 2
    for history in histories:
        await build_replayer(lived.settings, namespace="default").replay_workflow(history)


def in_clear(event: Message) -> set[str]:
    return {
        path
        for path, payload in payloads(event)
        if payload.metadata["encoding"] != b"binary/encrypted"
    }


async def assert_the_codec_server_reads(lived: Life, histories: Sequence[WorkflowHistory]) -> None:
    """It shows answers to who may read them, secrets to nobody, and to others what is stored."""
    assert lived.codec is not None
    events = [event for one in histories for event in one.events]
    sealed = [payload for event in events for _, payload in payloads(event)]
    body = MessageToDict(Payloads(payloads=sealed))
    path = "/codec/default/decode"
    answer = await lived.codec.post(path, json=body)
    refused = await lived.codec.post(path, json=body, headers={"Authorization": "Bearer no"})
    shown = b"".join(base64.b64decode(one.get("data", "")) for one in answer.json()["payloads"])
    assert finds([lived.said.policy], shown)
    assert finds([lived.said.passcode], shown) == set()
    assert refused.json() == body


# --- the search -----------------------------------------------------------------------------------

MARKER = "Reference 481516-2342"
SPLIT = {
    "as said": MARKER.encode(),
    "lower case": MARKER.lower().encode(),
    "digits": b"4815162342",
    "percent-encoded": b"Reference%20481516-2342",
    "hexadecimal": MARKER.encode().hex().encode(),
    "hashed": hashlib.sha256(MARKER.encode()).digest(),
    "hashed, in hexadecimal": hashlib.sha256(MARKER.encode()).hexdigest().encode(),
}


@pytest.mark.parametrize("form", SPLIT)
def test_the_search_knows_every_form(form: str) -> None:
    assert form in finds([MARKER], b"..." + SPLIT[form] + b"...")


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize("lead", ["", "x", "xy", "{'say': '"])
def test_the_search_reads_base64_wherever_the_text_begins(
    lead: str, encode: Callable[[bytes], bytes]
) -> None:
    assert finds([MARKER], encode(f"{lead}{MARKER} and more".encode()))
    assert finds(["~~~???~~~???~~~"], encode(f"{lead}~~~???~~~???~~~ and more".encode()))


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress])
def test_the_search_looks_into_what_is_compressed(pack: Callable[[bytes], bytes]) -> None:
    packed = random.Random(SEED).randbytes(70_000) + pack(f"so {MARKER}".encode()) + b"..."
    assert finds([MARKER], packed) == set()
    assert finds([MARKER], unpacked(packed)) == {"as said"}


def test_the_search_finds_nothing_else() -> None:
    assert finds([MARKER], b"Reference 481516-2343") == set()
    assert len(dict(forms_of(MARKER))) == 13
