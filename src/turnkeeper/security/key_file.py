"""Tenant keys in a local file: `{"current": "2", "keys": {"1": "BASE64", "2": "BASE64"}}`.

The file is for its owner alone (mode 0600 when made here) and is refused when others may read it;
its group may, for that is how an orchestrator hands a secret to a process that is not root. It is
read at each use, which is once a session: a version that was added is there at once. It is never
changed in place: a reader sees the old one or the new one, after a power cut too.
"""

import asyncio
import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from turnkeeper.errors import KeyUnknown, SettingsError, StoreUnavailable
from turnkeeper.security.keys import KeyVersions, WrappedKey
from turnkeeper.security.master_keys import MasterKeys

_OTHERS = 0o007


class FileKeys:
    """The keys in the file at `place`, as it is when they are used.

    Reading raises SettingsError where the file is not a key file, KeyUnknown where there is none:
    a secret that is mounted late is no different from a version that comes late.
    """

    def __init__(self, place: str | Path) -> None:
        self._path = Path(place).expanduser().absolute()

    async def wrap(self, tenant: str, data_key: bytes) -> WrappedKey:
        return (await asyncio.to_thread(read_key_file, self._path)).wrap(tenant, data_key)

    async def unwrap(self, tenant: str, wrapped: WrappedKey) -> bytes:
        return (await asyncio.to_thread(read_key_file, self._path)).unwrap(tenant, wrapped)

    async def versions(self) -> KeyVersions:
        return (await asyncio.to_thread(read_key_file, self._path)).versions()

    async def rotate(self) -> KeyVersions:
        """Adds a version and makes it current. Two at once add two versions."""
        return await asyncio.to_thread(_rotate, self._path)


def make_key_file(path: Path) -> bool:
    """Makes a key file with one version, for its owner alone; whether there was none.

    Two processes that do so at once end with one file. Raises SettingsError where the folder can't
    be written.
    """
    if path.exists():
        return False
    with _written(path, MasterKeys("0", {}).with_next()) as made:
        try:
            os.link(made, path)
        except FileExistsError:
            return False
    _sync_folder(path.parent)
    return True


def read_key_file(path: Path) -> MasterKeys:
    """Raises as `FileKeys` says. No message quotes a key."""
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_mode & _OTHERS:
                raise SettingsError(f"the key file {path} is open to every user: chmod 600 it")
            document = json.load(file)
        return MasterKeys.read(document["current"], document["keys"])
    except FileNotFoundError:
        raise KeyUnknown(f"there is no key file {path}") from None
    except OSError as error:
        raise StoreUnavailable(f"the key file {path} can't be read: {error.strerror}") from None
    except SettingsError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        detail = "" if isinstance(error, json.JSONDecodeError | KeyError) else f": {error}"
        raise SettingsError(
            f'{path} is not a key file {{"current": VERSION, "keys": {{VERSION: BASE64}}}}{detail}'
        ) from None


def _rotate(path: Path) -> KeyVersions:
    with _alone(path):
        keys = read_key_file(path).with_next()
        with _written(path, keys) as made:
            os.replace(made, path)
        _sync_folder(path.parent)
    return keys.versions()


@contextmanager
def _written(path: Path, keys: MasterKeys) -> Iterator[Path]:
    """A complete, synced file beside `path`, for its owner alone; gone afterwards."""
    made = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    document = {"current": keys.current, "keys": keys.written()}
    try:
        descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise SettingsError(f"no key file can be made in {path.parent}: {error.strerror}") from None
    try:
        with open(descriptor, "w", encoding="utf-8") as file:
            json.dump(document, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        yield made
    finally:
        made.unlink(missing_ok=True)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """One change at a time: held on the folder, since the file itself is replaced."""
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
