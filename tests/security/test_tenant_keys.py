"""Tenant keys: where they come from, whose data keys they wrap, and how they change."""

import asyncio
import base64
import json
import multiprocessing
import os
from pathlib import Path

import pytest

from turnkeeper.errors import KeyUnknown, SettingsError
from turnkeeper.security.key_file import FileKeys, make_key_file
from turnkeeper.security.keys import KeyProvider, WrappedKey, key_provider

DATA_KEY = bytes(range(32))
ONE, TWO = (base64.b64encode(bytes([number]) * 32).decode() for number in (1, 2))


@pytest.fixture(params=["file", "env"])
def provider(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> KeyProvider:
    """One with versions 1 and 2, of which 2 is current."""
    if request.param == "env":
        monkeypatch.setenv("VOICE_KEYS", f"1:{ONE},2:{TWO}")
        return key_provider("env:VOICE_KEYS")
    write(tmp_path / "keys.json", {"current": "2", "keys": {"1": ONE, "2": TWO}})
    return key_provider(f"file:{tmp_path / 'keys.json'}")


def write(path: Path, document: object) -> None:
    path.write_text(json.dumps(document))
    path.chmod(0o600)


async def test_a_data_key_comes_back_from_the_version_that_wrapped_it(
    provider: KeyProvider,
) -> None:
    wrapped = await provider.wrap("acme", DATA_KEY)
    assert wrapped.version == "2"
    assert DATA_KEY not in wrapped.data
    assert await provider.unwrap("acme", wrapped) == DATA_KEY
    assert (await provider.versions()).known == ("1", "2")


async def test_what_one_tenants_key_wraps_no_other_tenants_unwraps(provider: KeyProvider) -> None:
    wrapped = await provider.wrap("acme", DATA_KEY)
    with pytest.raises(KeyUnknown):
        await provider.unwrap("globex", wrapped)


async def test_a_wrapped_key_is_bound_to_its_version(provider: KeyProvider) -> None:
    wrapped = await provider.wrap("acme", DATA_KEY)
    with pytest.raises(KeyUnknown):
        await provider.unwrap("acme", WrappedKey("1", wrapped.data))


async def test_a_flipped_bit_in_any_byte_of_a_wrapped_key_fails(provider: KeyProvider) -> None:
    wrapped = await provider.wrap("acme", DATA_KEY)
    for place in range(len(wrapped.data)):
        changed = bytearray(wrapped.data)
        changed[place] ^= 1
        with pytest.raises(KeyUnknown):
            await provider.unwrap("acme", WrappedKey("2", bytes(changed)))


async def test_a_version_that_is_not_here_is_named(provider: KeyProvider) -> None:
    with pytest.raises(KeyUnknown, match="version 7 of the tenant key is not among those here"):
        await provider.unwrap("acme", WrappedKey("7", b"x" * 60))


async def test_the_same_keys_from_a_file_and_from_the_environment_are_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VOICE_KEYS", f"1:{ONE}")
    write(tmp_path / "keys.json", {"current": "1", "keys": {"1": ONE}})
    wrapped = await key_provider("env:VOICE_KEYS").wrap("acme", DATA_KEY)
    assert await key_provider(f"file:{tmp_path / 'keys.json'}").unwrap("acme", wrapped) == DATA_KEY


# --- the file -------------------------------------------------------------------------------------


def test_a_key_file_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    assert make_key_file(path)
    made = path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    assert not make_key_file(path)
    assert path.read_bytes() == made
    assert list(tmp_path.iterdir()) == [path]


def test_processes_that_make_it_at_once_end_with_one_file(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        made = pool.map(make_key_file, [tmp_path / "keys.json"] * 16)
    assert made.count(True) == 1
    assert len(list(tmp_path.iterdir())) == 1


async def test_a_version_that_is_added_is_used_at_once_and_older_ones_still_read(
    tmp_path: Path,
) -> None:
    make_key_file(tmp_path / "keys.json")
    running = FileKeys(tmp_path / "keys.json")
    before = await running.wrap("acme", DATA_KEY)
    versions = await FileKeys(tmp_path / "keys.json").rotate()
    after = await running.wrap("acme", DATA_KEY)
    assert (before.version, after.version, versions.current) == ("1", "2", "2")
    assert [await running.unwrap("acme", wrapped) for wrapped in (before, after)] == [DATA_KEY] * 2
    assert (tmp_path / "keys.json").stat().st_mode & 0o777 == 0o600


async def test_two_rotations_at_once_lose_no_version(tmp_path: Path) -> None:
    make_key_file(tmp_path / "keys.json")
    keys = FileKeys(tmp_path / "keys.json")
    await asyncio.gather(*(keys.rotate() for _ in range(5)))
    assert (await keys.versions()).known == ("1", "2", "3", "4", "5", "6")


async def test_a_key_file_that_others_may_read_is_refused_and_says_what_to_do(
    tmp_path: Path,
) -> None:
    make_key_file(tmp_path / "keys.json")
    os.chmod(tmp_path / "keys.json", 0o644)
    with pytest.raises(SettingsError, match="is open to every user: chmod 600 it"):
        await FileKeys(tmp_path / "keys.json").versions()


async def test_a_key_file_that_is_not_there_yet_is_an_unknown_key(tmp_path: Path) -> None:
    with pytest.raises(KeyUnknown, match="there is no key file"):
        await FileKeys(tmp_path / "keys.json").versions()


@pytest.mark.parametrize(
    "document",
    [[], {}, {"current": "1"}, {"current": "2", "keys": {"1": ONE}}, {"current": 1, "keys": [ONE]},
     {"current": "1", "keys": {"1": ONE[:-8]}}, {"current": "one", "keys": {"one": ONE}}],
)  # fmt: skip
async def test_what_is_no_key_file_is_told_in_one_sentence_that_quotes_no_key(
    document: object, tmp_path: Path
) -> None:
    write(tmp_path / "keys.json", document)
    with pytest.raises(SettingsError, match="is not a key file") as caught:
        await FileKeys(tmp_path / "keys.json").versions()
    assert "\n" not in str(caught.value)
    assert ONE[:8] not in str(caught.value)


# --- the variable and the URL ---------------------------------------------------------------------


@pytest.mark.parametrize("value", ["", ONE, "1:short", f"1:{ONE},1:{TWO}", f"one:{ONE}", "1:*"])
def test_a_variable_without_keys_is_told_in_one_sentence_that_quotes_none(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VOICE_KEYS", value)
    with pytest.raises(
        SettingsError, match=r"^the variable VOICE_KEYS .* must hold keys"
    ) as caught:
        key_provider("env:VOICE_KEYS")
    assert ONE not in str(caught.value)


@pytest.mark.parametrize("url", ["vault:x", "file:", "keys.json", ""])
def test_a_url_of_no_kind_names_the_kinds(url: str) -> None:
    with pytest.raises(SettingsError, match="must begin with one of file:, env:, aws-kms:"):
        key_provider(url)
