"""`turnkeeper access`, and a gateway that starts only if somebody could come in."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from turnkeeper.cli import main
from turnkeeper.errors import SettingsError
from turnkeeper.gateway.access.api_keys import ApiKeys
from turnkeeper.gateway.access.ways import Made, ways_in
from turnkeeper.security.key_file import make_key_file
from turnkeeper.settings import read_settings


@pytest.fixture(autouse=True)
def named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of an operator."""
    make_key_file(tmp_path / "keys.json")
    monkeypatch.setenv("TURNKEEPER_KEYS", f"file:{tmp_path / 'keys.json'}")
    monkeypatch.setenv("TURNKEEPER_KEY_STORE", f"sqlite:{tmp_path / 'keys.db'}")
    monkeypatch.setenv("TURNKEEPER_TENANT", "acme")
    monkeypatch.setenv("TURNKEEPER_DATA", str(tmp_path / "none"))


async def run(*arguments: str) -> Result:
    """In a thread: a command has an event loop of its own."""
    return await asyncio.to_thread(CliRunner().invoke, main, ["access", *arguments])


async def test_a_key_that_was_made_is_good_and_shown_once() -> None:
    made = await run("make", "agent", "--scope", "talk", "--scope", "read")
    key = made.stdout.strip()
    principal = await ApiKeys.of(read_settings()).principal(key)
    assert (principal.tenant, principal.caller) == ("acme", None)
    assert principal.scopes == {"talk", "read"}
    assert principal.key_id == key.split("_")[1]
    assert principal.seconds_left == pytest.approx(90 * 86400, abs=60)
    listed = (await run("list", "--json")).stdout
    assert key.split("_")[2] not in listed
    (row,) = json.loads(listed)
    assert (row["name"], row["scopes"], row["is_live"]) == ("agent", ["read", "talk"], True)


async def test_a_script_gets_the_key_with_its_id_and_end() -> None:
    made = json.loads((await run("make", "agent", "--scope", "talk", "--json")).stdout)
    principal = await ApiKeys.of(read_settings()).principal(made.pop("key"))
    (row,) = json.loads((await run("list", "--json")).stdout)
    assert (made, made["id"]) == (row, principal.key_id)


async def test_a_key_is_rotated_by_a_second_one_and_there_is_no_third() -> None:
    old = (await run("make", "agent", "--scope", "talk")).stdout.split("_")[1]
    await run("make", "agent", "--scope", "talk", "--expires", "never")
    third = await run("make", "agent", "--scope", "talk")
    assert (third.exit_code, "2 keys 'agent'" in third.stderr) == (1, True)
    assert (await run("revoke", old, "--tenant", "other")).exit_code == 1
    assert (await run("revoke", old)).exit_code == 0
    assert (await run("revoke", old)).exit_code == 1
    assert (await run("make", "agent", "--scope", "talk")).exit_code == 0
    assert "revoked" in (await run("list")).stdout


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (["make", "a b", "--scope", "talk"], "is not an id"),
        (["make", "agent", "--scope", "talk", "--expires", "soon"], "--expires is 'soon'"),
        (["make", "agent", "--scope", "talk", "--tenant", "a:b"], "TURNKEEPER_TENANT|--tenant"),
    ],
)
async def test_what_is_wrong_is_said_in_one_sentence(wrong: list[str], said: str) -> None:
    refused = await run(*wrong)
    assert refused.exit_code == 1
    assert refused.stderr.count("\n") == 1
    assert any(one in refused.stderr for one in said.split("|"))


async def test_without_a_key_store_there_are_no_api_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KEYS", "KEY_STORE"):
        monkeypatch.delenv(f"TURNKEEPER_{name}")
    refused = await run("make", "agent", "--scope", "talk")
    assert (refused.exit_code, "TURNKEEPER_KEY_STORE" in refused.stderr) == (1, True)
    with pytest.raises(SettingsError, match="turnkeeper access make"):
        ways_in(read_settings())
    made = Made("acme")
    assert (await ways_in(read_settings(), made).principal(made.token)).tenant == "acme"


def test_a_gateway_that_nobody_could_come_in_at_does_not_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("KEYS", "KEY_STORE"):
        monkeypatch.delenv(f"TURNKEEPER_{name}")
    command = [sys.executable, "-m", "worker", "gateway", "--gateway-port", "0"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode == 1
    assert "nobody could come in at this gateway" in ran.stderr
    assert "Traceback" not in ran.stderr
