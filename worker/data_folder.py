"""The data folder of the embedded server: made, checked for writing, and held by one process.

temporal.db     every session (SQLite; with -wal and -shm beside it while a server runs)
server.log      what the server said since it was started last; server.log.1, the time before
server.pid      the running server, for the next start to stop it where it was left behind
lock            held while in use; its text is the holder's process id

What is there of keys is in `local_keys`.
"""

import os
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import IO

from turnkeeper.errors import TurnkeeperError


class DataFolderError(TurnkeeperError):
    """The folder cannot be used; the message is one sentence for a person."""


class DataFolder:
    """A folder that one process uses at a time: a context manager that holds its lock.

    The lock is the operating system's (flock): it is gone with its holder, however that ended.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.database = self.path / "temporal.db"
        self.log = self.path / "server.log"
        self.pid_file = self.path / "server.pid"
        self._lock: IO[str] | None = None

    def __enter__(self) -> "DataFolder":
        """Takes the folder. Raises DataFolderError where it is no folder, cannot be written to, or
        is another process's."""
        self.make()
        self._take()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def make(self) -> None:
        """Makes the folder where there is none, for its owner alone, and sees whether it can be
        written to. The mode of one that is there is its owner's own business."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            # A try, not a look at the mode bits: these say nothing of a read-only file system.
            with tempfile.TemporaryFile(dir=self.path):
                pass
        except (FileExistsError, NotADirectoryError):
            raise DataFolderError(
                f"{self.path} cannot be the data folder, because it (or a part of its path) is a"
                " file: choose a folder with --data."
            ) from None
        except OSError as error:
            raise DataFolderError(
                f"The data folder {self.path} cannot be written to ({error.strerror}): choose"
                " another with --data, or change its permissions."
            ) from None

    def _take(self) -> None:
        try:
            lock = (self.path / "lock").open("a+")
        except OSError as error:  # the lock of another user, in a folder for all
            raise DataFolderError(
                f"{self.path / 'lock'} cannot be opened ({error.strerror}): choose another folder"
                " with --data."
            ) from None
        if not _lock_now(lock):
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            lock.close()
            raise DataFolderError(
                f"The data folder {self.path} is in use by process {holder}: stop that one, or"
                " choose another folder with --data (and other ports)."
            )
        lock.seek(0)
        lock.truncate()
        lock.write(str(os.getpid()))
        lock.flush()
        self._lock = lock


def _lock_now(file: IO[str]) -> bool:
    """Locks the file for this process, or says that another one has."""
    try:
        if sys.platform == "win32":
            import msvcrt

            # One byte, far behind the process id: on Windows a locked part cannot be read.
            file.seek(1 << 20)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
