"""The folder of forms that a worker serves: read when it starts, and again when a file changes.

A session keeps the form that it began with; a change is for those that begin after it. A file with
a mistake changes nothing: the forms stay as they were, and a log line says that it was left out.
"""

from pathlib import Path

from turnkeeper.errors import FormError
from turnkeeper.forms import Form, load_folder
from turnkeeper.forms.load import form_files
from turnkeeper.telemetry import logger

Stamp = tuple[tuple[str, int, int], ...]

_log = logger(__name__)


class FormFolder:
    """The forms of a folder, of which there must be one at least.

    Raises FormError with every mistake where the folder cannot be used as it is.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._forms = load_folder(path)
        if not self._forms:
            raise FormError(
                [f"{path}: no form in this folder; put a .yaml file there or name another folder"]
            )
        self._stamp = _stamp(path)

    @property
    def names(self) -> tuple[str, ...]:
        """The ids of the forms as they were read last."""
        return tuple(self._forms)

    def find(self, form: str) -> Form | None:
        """The form of that id as its file stands now, or None."""
        self._read_again_if_changed()
        return self._forms.get(form)

    def _read_again_if_changed(self) -> None:
        stamp = _stamp(self._path)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._forms = load_folder(self._path)
            _log.info("forms were read again", count=len(self._forms))
        except FormError as error:
            _log.error(
                "changed forms have mistakes, the former ones stay: see `turnkeeper forms check`",
                folder=str(self._path),
                count=len(error.mistakes),
            )


def _stamp(folder: Path) -> Stamp:
    """What changes with any file of the folder: name, time of change in ns, size in bytes."""
    try:
        files = [(file.name, file.stat()) for file in form_files(folder)]
    except OSError:  # taken away, or just being replaced: as good as changed
        return ()
    return tuple((name, status.st_mtime_ns, status.st_size) for name, status in files)
