"""Keys, one frame each, to one entry."""

import asyncio
from collections.abc import Callable

TERMINATOR = "#"
"""VoiceXML's default `termchar`."""
INTERDIGIT_TIMEOUT = 3.0
"""Seconds after a key within which the next belongs to the same entry."""


class Keypad:
    """Collects keys until `#`, until there are enough, or until no more come.

    Args:
        entered: called with the keys of an entry, `#` included, on the running event loop.
        interdigit_timeout: how long the next key is waited for, in seconds.
    """

    def __init__(self, entered: Callable[[str], None], interdigit_timeout: float) -> None:
        self._entered = entered
        self._timeout = interdigit_timeout
        self._keys = ""
        self._pause: asyncio.TimerHandle | None = None
        self._filled_at = float("-inf")

    @property
    def pressed(self) -> bool:
        """Whether keys are being collected."""
        return bool(self._keys)

    def ignores(self, key: str) -> bool:
        """Whether the key is the `#` behind an entry that was over without it."""
        late = asyncio.get_running_loop().time() - self._filled_at < self._timeout
        return key == TERMINATOR and not self._keys and late

    def press(self, key: str, max_digits: int | None = None) -> None:
        """Take one key; `max_digits` is the most that the asked field takes, if it has a most."""
        self._stop()
        self._keys += key
        loop = asyncio.get_running_loop()
        if key == TERMINATOR:
            self.flush()
        elif len(self._keys) == max_digits:
            self._filled_at = loop.time()
            self.flush()
        else:
            self._pause = loop.call_later(self._timeout, self.flush)

    def flush(self) -> None:
        """The entry is over, whatever there is of it."""
        self._stop()
        keys, self._keys = self._keys, ""
        if keys:
            self._entered(keys)

    def clear(self) -> None:
        """Forget what was pressed."""
        self._stop()
        self._keys = ""

    def _stop(self) -> None:
        if self._pause is not None:
            self._pause.cancel()
            self._pause = None
