"""The codec: nobody reads, changes or moves what a session stored."""

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.converter import (
    ActivitySerializationContext,
    SerializationContext,
    WorkflowSerializationContext,
)

from tests.security.conftest import OTHER, SESSION, Place
from turnkeeper.contract import NOT_OPENED
from turnkeeper.erasure import erasure_id
from turnkeeper.errors import KeyShredded, KeyUnknown, PayloadRefused
from turnkeeper.security.aead import associated
from turnkeeper.security.codec import KEY_ID, SessionCodec
from turnkeeper.security.converter import data_converter
from turnkeeper.security.key_file import FileKeys
from turnkeeper.security.key_store import SessionId
from turnkeeper.security.refused import REFUSED, SessionPayloadConverter
from turnkeeper.settings import read_settings

PLAIN = Payload(metadata={"encoding": b"json/plain", "messageType": b"Turn"}, data=b'"policy 4321"')


def codec(place: Place, **overrides: object) -> SessionCodec:
    """What another process has: with an empty cache."""
    return SessionCodec(place.keyring(**overrides), session=SESSION)


async def sealed(place: Place, session: SessionId = SESSION) -> Payload:
    """Of a session that somebody has begun."""
    ring = place.keyring()
    await ring.of_session(session)
    (payload,) = await SessionCodec(ring, session=session).encode([PLAIN])
    return payload


def is_refused(payload: Payload) -> bool:
    return payload.metadata["encoding"] == REFUSED and b"4321" not in payload.SerializeToString()


async def test_another_process_reads_what_one_wrote_metadata_and_all(place: Place) -> None:
    assert await codec(place).decode([await sealed(place)]) == [PLAIN]


async def test_nothing_of_a_payload_shows_but_its_key_id_and_its_length(place: Place) -> None:
    payload = await sealed(place)
    assert set(payload.metadata) == {"encoding", KEY_ID}
    assert payload.metadata["encoding"] == b"binary/encrypted"
    assert len(payload.metadata[KEY_ID]) == 32
    for part in (b"4321", b"policy", b"json", b"messageType", b"acme"):
        assert part not in payload.SerializeToString()


async def test_the_same_words_are_never_the_same_bytes(place: Place) -> None:
    await sealed(place)
    assert len({payload.data for payload in await codec(place).encode([PLAIN] * 20)}) == 20


@pytest.mark.parametrize(
    "elsewhere", [OTHER, SESSION._replace(namespace="staging")], ids=["session", "namespace"]
)
async def test_a_payload_that_was_moved_does_not_open(place: Place, elsewhere: object) -> None:
    moved = await codec(place).of(elsewhere).decode([await sealed(place)])  # type: ignore[arg-type]  # a session
    assert is_refused(moved[0])


async def test_a_payload_under_another_sessions_key_id_does_not_open(place: Place) -> None:
    payload, other = await sealed(place), await sealed(place, OTHER)
    payload.metadata[KEY_ID] = other.metadata[KEY_ID]
    for session in (OTHER, SESSION, None):
        (read,) = await codec(place).of(session).decode([payload])
        assert is_refused(read)


async def test_a_payload_whose_key_row_was_given_to_another_session_does_not_open(
    place: Place,
) -> None:
    """Whoever can write to the key store can't move a session's content either."""
    import sqlite3
    from contextlib import closing

    payload = await sealed(place)
    with closing(sqlite3.connect(place.folder / "keys.db")) as store, store:
        store.execute("UPDATE session_keys SET session_id = ?", (OTHER.workflow_id,))
    (read,) = await codec(place).of(OTHER).decode([payload])
    assert is_refused(read)


async def test_a_flipped_bit_in_any_byte_fails(place: Place) -> None:
    """In the data it is refused; in the key's id there is no such key."""
    payload, reader = await sealed(place), codec(place)
    assert await reader.decode([payload]) == [PLAIN]
    for bit in range(len(payload.data) * 8):
        changed = bytearray(payload.data)
        changed[bit // 8] ^= 1 << bit % 8
        (read,) = await reader.decode([Payload(metadata=payload.metadata, data=bytes(changed))])
        assert is_refused(read)
    for name in (KEY_ID, "encoding"):
        for bit in range(len(payload.metadata[name]) * 8):
            changed = bytearray(payload.metadata[name])
            changed[bit // 8] ^= 1 << bit % 8
            metadata = {**payload.metadata, name: bytes(changed)}
            await fails(reader, Payload(metadata=metadata, data=payload.data))


async def fails(reader: SessionCodec, payload: Payload) -> None:
    try:
        (read,) = await reader.decode([payload])
    except KeyUnknown:
        return
    assert is_refused(read)


@pytest.mark.parametrize("length", [0, 1, 11, 12, 27, 28])
async def test_data_that_is_cut_short_is_refused(place: Place, length: int) -> None:
    payload = await sealed(place)
    (read,) = await codec(place).decode(
        [Payload(metadata=payload.metadata, data=payload.data[:length])]
    )
    assert is_refused(read)


async def test_what_is_not_encrypted_is_refused_unless_a_setting_says_otherwise(
    place: Place,
) -> None:
    (read,) = await codec(place).decode([PLAIN])
    assert is_refused(read)
    lenient = SessionCodec(place.keyring(), accept_plaintext=True, session=SESSION)
    assert await lenient.decode([PLAIN, await sealed(place)]) == [PLAIN, PLAIN]


async def test_one_refused_payload_does_not_take_others_with_it(place: Place) -> None:
    good = await sealed(place)
    read = await codec(place).decode([good, PLAIN, good])
    assert [is_refused(payload) for payload in read] == [False, True, False]


def test_no_two_lists_of_parts_are_the_same_associated_data() -> None:
    lists = (("ab", "c"), ("a", "bc"), ("abc",), ("abc", ""), ("", "abc"), ("\0\0\0\1a", "bc"), ())
    assert len({associated(*parts) for parts in lists}) == len(lists)


# --- without the SDK's context --------------------------------------------------------------------


async def test_who_has_no_context_reads_by_the_key_alone(place: Place) -> None:
    """The codec server."""
    assert await codec(place).of(None).decode([await sealed(place)]) == [PLAIN]


async def test_content_of_no_session_is_not_encrypted(place: Place) -> None:
    with pytest.raises(PayloadRefused, match="no key"):
        await codec(place).of(None).encode([PLAIN])


async def test_content_of_a_session_that_nobody_began_is_not_encrypted_and_makes_no_key(
    place: Place,
) -> None:
    with pytest.raises(KeyUnknown, match="the key store has no key of this session"):
        await codec(place).encode([PLAIN])
    assert await place.store.live(SESSION) is None


async def test_an_erasure_and_what_may_have_begun_in_clear_get_a_key_when_they_need_it(
    place: Place,
) -> None:
    erasure = SESSION._replace(workflow_id=erasure_id(SESSION.workflow_id))
    await codec(place).of(erasure).encode([PLAIN])
    assert await place.store.live(erasure) is not None
    await SessionCodec(place.keyring(), accept_plaintext=True, session=SESSION).encode([PLAIN])
    assert await place.store.live(SESSION) is not None


@pytest.mark.parametrize(
    "context",
    [
        WorkflowSerializationContext(SESSION.namespace, SESSION.workflow_id),
        ActivitySerializationContext(
            SESSION.namespace, "1", "deliver", "q", SESSION.workflow_id, "VoiceSession", False
        ),
    ],
    ids=["workflow", "activity"],
)
async def test_the_sdks_contexts_name_the_session(
    place: Place, context: SerializationContext
) -> None:
    await sealed(place)
    unbound = SessionCodec(place.keyring())
    (payload,) = await unbound.with_context(context).encode([PLAIN])
    assert await codec(place).decode([payload]) == [PLAIN]


# --- keys that are not there ----------------------------------------------------------------------


async def test_to_another_tenant_a_key_is_as_unknown_as_one_that_is_not_there(place: Place) -> None:
    ring = place.keyring()
    key = await ring.of_session(SESSION)
    for seen in (ring, place.keyring()):
        assert (await seen.of_id(key.key_id, tenant="acme")).key_id == key.key_id
        for key_id in (key.key_id, "0" * 32):
            with pytest.raises(KeyUnknown, match=f"^the key store has no key {key_id}$"):
                await seen.of_id(key_id, tenant="globex")


async def test_an_old_version_of_the_tenant_key_still_reads(place: Place) -> None:
    payload = await sealed(place)
    await FileKeys(place.key_file).rotate()
    assert await codec(place).decode([payload]) == [PLAIN]
    again = await sealed(place)
    assert again.metadata[KEY_ID] == payload.metadata[KEY_ID]


async def test_a_key_without_its_row_is_unknown_and_reads_once_the_row_is_back(
    place: Place,
) -> None:
    payload, database = await sealed(place), place.folder / "keys.db"
    database.rename(place.folder / "away")
    with pytest.raises(KeyUnknown, match="the key store has no key"):
        await codec(place).decode([payload])
    (place.folder / "away").replace(database)
    assert await codec(place).decode([payload]) == [PLAIN]


async def test_a_version_that_is_not_here_is_unknown_and_no_second_key_is_made(
    place: Place,
) -> None:
    older = place.key_file.read_bytes()
    await FileKeys(place.key_file).rotate()
    newer, payload = place.key_file.read_bytes(), await sealed(place)
    place.key_file.write_bytes(older)
    waiting = codec(place)
    with pytest.raises(KeyUnknown, match="version 2"):
        await waiting.decode([payload])
    with pytest.raises(KeyUnknown, match="version 2"):
        await waiting.encode([PLAIN])
    place.key_file.write_bytes(newer)
    assert await waiting.decode([payload]) == [PLAIN]
    assert (await waiting.encode([PLAIN]))[0].metadata[KEY_ID] == payload.metadata[KEY_ID]


async def test_a_shredded_key_is_said_to_be_and_not_to_be_missing(place: Place) -> None:
    payload = await sealed(place)
    await place.keyring().shred(SESSION)
    for session in (SESSION, None):
        with pytest.raises(KeyShredded, match=payload.metadata[KEY_ID].decode()):
            await codec(place).of(session).decode([payload])


async def test_after_a_shred_a_session_of_the_same_id_has_another_key(place: Place) -> None:
    before = await sealed(place)
    await place.keyring().shred(SESSION)
    after = await sealed(place)
    assert after.metadata[KEY_ID] != before.metadata[KEY_ID]
    assert await codec(place).decode([after]) == [PLAIN]


# --- the converter --------------------------------------------------------------------------------


async def test_a_client_is_told_what_was_refused_and_a_process_without_keys_what_it_lacks(
    place: Place,
) -> None:
    context = WorkflowSerializationContext(SESSION.namespace, SESSION.workflow_id)
    with_keys = data_converter(place.settings()).with_context(context)
    with pytest.raises(PayloadRefused, match="content that is not encrypted"):
        await with_keys.decode([PLAIN], [str])
    without = data_converter(read_settings()).with_context(context)
    with pytest.raises(KeyUnknown, match="TURNKEEPER_KEYS is not set here"):
        await without.decode([await sealed(place)], [str])


async def test_a_failure_shows_its_type_and_nothing_else(place: Place) -> None:
    from temporalio.api.failure.v1 import Failure
    from temporalio.exceptions import ApplicationError

    context = WorkflowSerializationContext(SESSION.namespace, SESSION.workflow_id)
    await sealed(place)
    converter = data_converter(place.settings()).with_context(context)
    failure = Failure()
    error = ApplicationError("no such policy: 4321", {"policy": "4321"}, type="TurnFailed")
    error.__cause__ = ValueError("4321")
    await converter.encode_failure(error, failure)
    assert b"4321" not in failure.SerializeToString()
    assert failure.application_failure_info.type == "TurnFailed"
    read = await converter.decode_failure(failure)
    assert isinstance(read, ApplicationError)
    assert (read.message, read.details) == ("no such policy: 4321", ({"policy": "4321"},))


async def test_that_a_session_was_not_opened_can_be_read_off_a_failed_query(place: Place) -> None:
    """Of a failed query Temporal passes the message in clear, and nothing else."""
    from temporalio.api.failure.v1 import Failure
    from temporalio.exceptions import ApplicationError

    failure = Failure()
    context = WorkflowSerializationContext(SESSION.namespace, SESSION.workflow_id)
    await sealed(place)
    converter = data_converter(place.settings()).with_context(context)
    await converter.encode_failure(ApplicationError(NOT_OPENED, type="SessionNotFound"), failure)
    assert failure.message == NOT_OPENED


def test_a_payload_converter_is_made_for_each_message_and_knows_types_already() -> None:
    """The SDK makes one whenever it binds a codec to a workflow; pydantic's own would learn every
    type anew, in milliseconds."""
    one, other = SessionPayloadConverter(), SessionPayloadConverter()
    assert one.converters == other.converters
