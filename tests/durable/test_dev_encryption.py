"""`python -m worker dev` encrypts: with keys that it makes, that clients beside it find, and that
leave what was there before readable."""

import asyncio
import signal
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.durable.test_dev_command import Command, address_in, dev, forms, running
from tests.security.searching import files
from turnkeeper.cli import main as turnkeeper
from turnkeeper.client import VoiceSessions
from turnkeeper.connection import connect
from turnkeeper.errors import KeyUnknown, SettingsError
from turnkeeper.forms.load import load_folder
from turnkeeper.local_server import FILE, Note, beside, write_note
from turnkeeper.settings import read_settings
from worker.build import build_worker
from worker.data_folder import DataFolder
from worker.local_keys import KEY_FILE, KEY_STORE, tell_clients, with_keys
from worker.server import EmbeddedServer

__all__ = ["dev", "forms"]

ANSWER = "a bag of kumquats"
OLD = "a box of quinces"
DONE = "worker is running"
NOTE = Note(address="127.0.0.1:7233", keys="file:/k", key_store="sqlite:/s", accept_plaintext=True)


@contextmanager
def stopped_well(*arguments: str, **environment: str) -> Iterator[Command]:
    with running(*arguments, **environment) as command:
        command.until(DONE)
        yield command
        command.process.send_signal(signal.SIGINT)
        assert command.ended() == 0, command.output


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data folder of `dev`, which is this process's too."""
    monkeypatch.setenv("TURNKEEPER_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


async def bring(address: str, what: str, caller: str = "ann") -> str:
    """One caller's answer, sent by a client that was told nothing but the address; the id."""
    async with VoiceSessions.connect(address=address) as sessions:
        session = await sessions.open("errand", caller=caller)
        await session.turn(what)
        state = await session.state()
        assert state.form_answers == {"what": what}
        return session.id


async def test_a_client_beside_dev_needs_nothing_and_nothing_is_kept_in_clear(
    dev: list[str], data: Path
) -> None:
    with stopped_well(*dev) as command:
        address = address_in(command.output)
        session_id = await bring(address, ANSWER)
        async with VoiceSessions.connect(address=address, settings=read_settings()) as stranger:
            with pytest.raises(KeyUnknown, match="TURNKEEPER_KEYS is not set here"):
                await stranger.state(session_id)
        assert "`python -m worker dev` prints them" in await asyncio.to_thread(
            stranger_s_talk, address
        )
        assert f"export TURNKEEPER_KEYS=file:{data / KEY_FILE} " in command.output
        assert f"TURNKEEPER_KEY_STORE=sqlite:{data / KEY_STORE}" in command.output
        assert f"TURNKEEPER_DATA={data} uv run turnkeeper talk" in command.output
        assert not beside(read_settings(), address).accept_plaintext
    assert ANSWER.encode() not in files(data)
    modes = {stat.S_IMODE((data / name).stat().st_mode) for name in (KEY_FILE, KEY_STORE, FILE)}
    assert modes == {0o600}


def stranger_s_talk(address: str) -> str:
    """What `turnkeeper talk` says in a folder that has no keys."""
    nowhere = {"TURNKEEPER_DATA": "nowhere", "TURNKEEPER_TURN_DEADLINE": "5"}
    command = ["talk", "errand", "--caller", "bob", "--address", address]
    return CliRunner(env=nowhere).invoke(turnkeeper, command).stderr


async def begun_in_clear(data: Path, folder: Path) -> str:
    """A session in a data folder of the time before encryption; its id."""
    async with EmbeddedServer(data) as server:
        client, settings = await connect(server.address), read_settings()
        async with build_worker(client, settings, load_folder(folder).get):
            return await bring(server.address, OLD)


async def test_sessions_from_before_encryption_go_on_and_new_ones_are_encrypted(
    dev: list[str], data: Path
) -> None:
    old = await begun_in_clear(data, Path(dev[-1]))
    assert OLD.encode() in files(data)
    with stopped_well(*dev) as command:
        assert "has sessions from before encryption" in command.output
        address = address_in(command.output)
        async with VoiceSessions.connect(address=address) as sessions:
            assert (await sessions.state(old)).form_answers == {"what": OLD}
        await bring(address, ANSWER)
    assert ANSWER.encode() not in files(data)


# --- the keys of a folder -------------------------------------------------------------------------


@pytest.fixture
def folder(data: Path) -> DataFolder:
    made = DataFolder(data)
    made.make()
    return made


def test_a_folder_has_one_key_file_which_stays(folder: DataFolder, data: Path) -> None:
    first = with_keys(read_settings(), folder)
    text = (data / KEY_FILE).read_text()
    folder.database.touch()
    assert with_keys(read_settings(), folder) == first
    assert (data / KEY_FILE).read_text() == text
    assert not first.accept_plaintext, "a folder that was new takes nothing in clear"


def test_that_a_folder_was_begun_in_clear_is_remembered_and_said_once(
    folder: DataFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    folder.database.touch()
    for said in (1, 0):
        assert with_keys(read_settings(), folder).accept_plaintext
        assert capsys.readouterr().out.count("before encryption") == said


def test_keys_that_are_set_go_before_those_of_the_folder(folder: DataFolder, data: Path) -> None:
    tell_clients(with_keys(read_settings(), folder), data, NOTE.address)
    assert beside(read_settings(), NOTE.address).keys == f"file:{data / KEY_FILE}"
    own = with_keys(read_settings(keys="env:OWN", key_store="sqlite:own.db"), folder)
    assert own.keys == "env:OWN"
    tell_clients(own, data, NOTE.address)
    assert beside(read_settings(), NOTE.address).keys is None, "they would lead to other keys"


# --- the note for clients -------------------------------------------------------------------------


@pytest.fixture
def note(data: Path) -> Path:
    data.mkdir()
    write_note(data, NOTE)
    return data / FILE


@pytest.mark.usefixtures("note")
@pytest.mark.parametrize("address", ["127.0.0.1:7233", "localhost:7233", "[::1]:7233"])
def test_the_note_is_for_who_talks_to_that_server(address: str) -> None:
    found = beside(read_settings(), address)
    assert (found.keys, found.key_store, found.accept_plaintext) == ("file:/k", "sqlite:/s", True)


@pytest.mark.usefixtures("note")
@pytest.mark.parametrize("address", ["127.0.0.1:7234", "temporal.example.com:7233"])
def test_another_server_is_no_business_of_the_note(address: str) -> None:
    assert beside(read_settings(), address) == read_settings()


@pytest.mark.usefixtures("note")
def test_settings_that_name_keys_stay_as_they_are() -> None:
    own = read_settings(keys="env:OWN", key_store="sqlite:own.db")
    assert beside(own, NOTE.address) == own


def test_a_note_that_another_could_have_written_is_none(note: Path) -> None:
    note.chmod(0o666)
    assert beside(read_settings(), NOTE.address).keys is None


def test_a_broken_note_is_one_sentence(note: Path) -> None:
    note.write_text("{")
    with pytest.raises(SettingsError, match="start `python -m worker dev` again"):
        beside(read_settings(), NOTE.address)
