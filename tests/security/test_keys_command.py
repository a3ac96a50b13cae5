"""`turnkeeper keys`: what an operator sees and does while sessions go on."""

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.security.conftest import Place
from turnkeeper.cli import main
from turnkeeper.security.codec import SessionCodec
from turnkeeper.security.key_store import SessionId


@pytest.fixture(autouse=True)
def named(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of an operator."""
    monkeypatch.setenv("TURNKEEPER_KEYS", f"file:{place.key_file}")
    monkeypatch.setenv("TURNKEEPER_KEY_STORE", place.store_url)
    monkeypatch.setenv("TURNKEEPER_TENANT", "acme")


async def run(*arguments: str) -> Result:
    """In a thread: a command has an event loop of its own."""
    return await asyncio.to_thread(CliRunner().invoke, main, ["keys", *arguments])


async def listed() -> dict[str, object]:
    found: dict[str, object] = json.loads((await run("list", "--json")).stdout)
    return found


def session(number: int) -> SessionId:
    return SessionId("default", f"voice:session:acme:claim:{number}")


async def begin(place: Place, count: int) -> None:
    ring = place.keyring()
    for number in range(count):
        await ring.of_session(session(number))


async def test_before_the_first_session_there_is_one_version_and_nothing_under_it() -> None:
    assert (await run("list")).stdout == (
        "version\twraps new sessions\tsessions\tidentity key\n1\tyes\t0\t\n"
    )


async def test_a_rotation_leaves_old_sessions_as_they_are_and_a_rewrap_moves_them(
    place: Place,
) -> None:
    await begin(place, 5)
    assert (await run("rotate")).exit_code == 0
    assert ((await listed())["live"], (await listed())["outdated"]) == ({"1": 5}, 5)
    running = place.keyring()
    key = await running.of_session(session(1))
    assert (await run("rewrap")).stdout == "Rewrapped 5 keys.\n"
    assert ((await listed())["live"], (await listed())["outdated"]) == ({"2": 5}, 0)
    fresh = await place.keyring().of_session(session(1))
    assert fresh.key_id == key.key_id


async def test_what_was_written_before_a_rewrap_is_read_after_it(place: Place) -> None:
    from temporalio.api.common.v1 import Payload

    plain = Payload(data=b"said")
    await begin(place, 1)
    written = await SessionCodec(place.keyring(), session=session(0)).encode([plain])
    await run("rotate")
    await run("rewrap")
    assert await SessionCodec(place.keyring(), session=session(0)).decode(written) == [plain]


async def test_a_second_rewrap_finds_nothing_to_do(place: Place) -> None:
    await begin(place, 3)
    await run("rotate")
    said = [json.loads((await run("rewrap", "--json")).stdout) for _ in range(2)]
    assert [one["rewrapped"] for one in said] == [3, 0]


async def test_a_rewrap_that_was_cut_short_goes_on_where_it_was(place: Place) -> None:
    from turnkeeper.errors import StoreUnavailable
    from turnkeeper.security.rewrapping import rewrap

    await begin(place, 7)
    await run("rotate")

    def lost(_: int) -> None:
        raise StoreUnavailable("the connection was lost")

    with pytest.raises(StoreUnavailable):
        await rewrap(place.keyring(), "acme", lost, batch=3)
    assert (await listed())["outdated"] == 4
    assert (await run("rewrap")).stdout == "Rewrapped 4 keys.\n"


async def test_keys_of_a_version_that_is_not_here_are_left_alone_and_told(place: Place) -> None:
    await begin(place, 2)
    await run("rotate")
    document = json.loads(place.key_file.read_text())
    place.key_file.write_text(json.dumps({"current": "2", "keys": {"2": document["keys"]["2"]}}))
    await place.keyring().of_session(session(9))
    result = await run("rewrap")
    assert (result.exit_code, result.stdout) == (1, "Rewrapped 0 keys.\n")
    assert "2 keys are wrapped by a version that is not here" in result.stderr
    assert (await listed())["live"] == {"1": 2, "2": 1}
    place.key_file.write_text(json.dumps(document))
    assert (await run("rewrap")).stdout == "Rewrapped 2 keys.\n"


async def test_the_identity_key_is_shown_moved_with_the_others_and_is_no_session(
    place: Place,
) -> None:
    await begin(place, 2)
    made = await place.keyring().identity_key("acme")
    await run("rotate")
    assert (await run("list")).stdout.splitlines()[1:] == ["1\t\t2\tyes", "2\tyes\t0\t"]
    assert (await listed())["outdated"] == 3
    assert (await run("rewrap")).stdout == "Rewrapped 3 keys.\n"
    assert (await run("list")).stdout.splitlines()[1:] == ["1\t\t0\t", "2\tyes\t2\tyes"]
    assert await place.keyring().identity_key("acme") == made


async def test_another_tenants_keys_are_neither_counted_nor_moved(place: Place) -> None:
    await begin(place, 2)
    await run("rotate")
    assert (
        json.loads((await run("rewrap", "--tenant", "globex", "--json")).stdout)["rewrapped"] == 0
    )
    assert json.loads((await run("list", "--tenant", "globex", "--json")).stdout)["live"] == {}
    assert (await listed())["outdated"] == 2


async def test_keys_from_a_variable_are_not_rotated_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOICE_KEYS", f"1:{'A' * 43}=")
    monkeypatch.setenv("TURNKEEPER_KEYS", "env:VOICE_KEYS")
    result = await run("rotate")
    assert result.exit_code == 1
    assert result.stderr.startswith("error: only a key file (TURNKEEPER_KEYS=file:PATH) is rotated")


async def test_without_keys_the_command_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("TURNKEEPER_KEYS", "TURNKEEPER_KEY_STORE"):
        monkeypatch.delenv(variable)
    result = await run("list")
    assert result.exit_code == 1
    assert result.stderr.startswith("error: no keys are set: set TURNKEEPER_KEYS")


def test_a_key_file_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "tenant-keys.json"
    first = CliRunner().invoke(main, ["keys", "make", str(file)])
    assert (first.exit_code, f"TURNKEEPER_KEYS=file:{file}" in first.output) == (0, True)
    assert file.stat().st_mode & 0o777 == 0o600
    made = file.read_bytes()
    again = CliRunner().invoke(main, ["keys", "make", str(file)])
    assert again.output.startswith("There is")
    assert file.read_bytes() == made
