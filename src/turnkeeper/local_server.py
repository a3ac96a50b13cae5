"""How clients beside a development server find its keys.

`python -m worker dev` encrypts with keys of its own and notes in its data folder how these are
reached. A client that has no keys set, is started where that folder is (`TURNKEEPER_DATA`), and
talks to that very server uses them, so that what works in the first minute works unencrypted and
encrypted alike. A note that somebody else could have written is none.
"""

import os
from pathlib import Path

from pydantic import ValidationError

from turnkeeper.connection import target
from turnkeeper.errors import SettingsError
from turnkeeper.forms.model import Frozen
from turnkeeper.settings import Settings

FILE = "clients.json"
_WRITABLE_BY_OTHERS = 0o022


class Note(Frozen):
    """What a client needs to know. It holds no key, only where keys are."""

    address: str
    """`host:port` of the server."""
    keys: str
    """As the settings of the same names, with absolute paths."""
    key_store: str
    accept_plaintext: bool = False


def write_note(folder: Path, note: Note) -> None:
    """Replaces the note of the folder, for its owner alone."""
    made = folder / f".{FILE}"
    made.unlink(missing_ok=True)
    with open(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(note.model_dump_json(indent=2))
    made.replace(folder / FILE)


def remove_note(folder: Path) -> None:
    """Of a server that has no keys of its own."""
    (folder / FILE).unlink(missing_ok=True)


def beside(settings: Settings, address: str | None = None) -> Settings:
    """The settings, with the keys of the development server that is talked to where none are set.

    Args:
        address: as `turnkeeper.connection.connect` takes it.

    Raises SettingsError for a note that can't be read.
    """
    if settings.keys is not None:
        return settings
    note = _note(settings.data / FILE)
    if note is None or _loopback(note.address) != _loopback(target(address)):
        return settings
    return settings.model_copy(update=note.model_dump(exclude={"address"}))


def _note(path: Path) -> Note | None:
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            text = file.read()
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return None
    if os.name == "posix" and (
        status.st_uid != os.geteuid() or status.st_mode & _WRITABLE_BY_OTHERS
    ):
        return None
    try:
        return Note.model_validate_json(text)
    except ValidationError:
        raise SettingsError(
            f"{path} can't be read: start `python -m worker dev` again, which writes it anew"
        ) from None


def _loopback(address: str) -> str:
    """The address with one name for this machine."""
    host, _, port = address.rpartition(":")
    return f"127.0.0.1:{port}" if host in ("localhost", "[::1]") else address
