"""The keys of the embedded server's sessions: in its data folder, made on the first start.

tenant-keys.json       the tenant keys, for the folder's owner alone; whoever has them reads all
keys.db                the wrapped keys of sessions (SQLite)
plaintext-sessions     there are sessions from before there were keys: what is in clear is read too

Keys that the settings name go before these.
"""

import shlex
from pathlib import Path

import click

from turnkeeper.local_server import Note, remove_note, write_note
from turnkeeper.security.key_file import make_key_file
from turnkeeper.settings import Settings
from worker.data_folder import DataFolder

KEY_FILE, KEY_STORE, PLAINTEXT = "tenant-keys.json", "keys.db", "plaintext-sessions"

BEGUN_IN_CLEAR = """\
This folder has sessions from before encryption. They go on as they are, in clear, and are readable
here. Ids of callers are made with a key from now on: who rings again begins a new session.
"""


def with_keys(settings: Settings, folder: DataFolder) -> Settings:
    """The settings with keys: their own, else those of the folder, which are made where there are
    none. To be called before the server first starts there."""
    key_file, marker = folder.path / KEY_FILE, folder.path / PLAINTEXT
    if settings.keys is None:
        if folder.database.exists() and not key_file.exists():
            marker.write_text(BEGUN_IN_CLEAR)  # First: cut short here, the next start does it.
            click.echo(BEGUN_IN_CLEAR)
        make_key_file(key_file)
        places = {"keys": f"file:{key_file}", "key_store": f"sqlite:{folder.path / KEY_STORE}"}
        settings = settings.model_copy(update=places)
    readable = settings.accept_plaintext or marker.exists()
    return settings.model_copy(update={"accept_plaintext": readable})


def keys_of(settings: Settings) -> dict[str, object]:
    """The settings that are about keys, by name."""
    return settings.model_dump(include={"keys", "key_store", "accept_plaintext"})


def are_of(folder: Path, settings: Settings) -> bool:
    """Whether the keys are those of the folder."""
    return settings.keys == f"file:{folder / KEY_FILE}"


def tell_clients(settings: Settings, folder: Path, address: str) -> None:
    """Notes for clients beside the server how they get its keys, if these are the folder's."""
    if not are_of(folder, settings):
        remove_note(folder)
        return
    write_note(folder, Note.model_validate({"address": address, **keys_of(settings)}))


def as_variables(settings: Settings) -> str:
    """The two settings as a shell takes them."""
    keys, store = (shlex.quote(str(place)) for place in (settings.keys, settings.key_store))
    return f"TURNKEEPER_KEYS={keys} TURNKEEPER_KEY_STORE={store}"
