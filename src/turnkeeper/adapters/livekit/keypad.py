"""Keys, collected until they are an answer."""

import asyncio
from collections.abc import Callable

TERMINATOR = "#"
"""VoiceXML's default `termchar`."""
INTERDIGIT_TIMEOUT = 3.0
"""Seconds after a key within which the next belongs to the same answer."""


class Keypad:
    """Collects keys; `#`, enough of them, or a pause ends them.

    Args:
        entered: is given the keys, the terminator among them.
        interdigit_timeout: the pause, in seconds.
    """

    def __init__(self, entered: Callable[[str], None], interdigit_timeout: float) -> None:
        self._entered = entered
        self._timeout = interdigit_timeout
        self._keys = ""
        self._pause: asyncio.TimerHandle | None = None

    def press(self, key: str, max_digits: int | None = None) -> None:
        """One key; `max_digits` keys are a whole answer, when that is known."""
        self._stop()
        self._keys += key
        if key == TERMINATOR or (max_digits is not None and len(self._keys) >= max_digits):
            self._enter()
        else:
            loop = asyncio.get_running_loop()
            self._pause = loop.call_later(self._timeout, self._enter)

    def clear(self) -> None:
        """Forget what was pressed."""
        self._stop()
        self._keys = ""

    @property
    def pressed(self) -> bool:
        """Whether keys are being collected."""
        return bool(self._keys)

    def _enter(self) -> None:
        keys = self._keys
        self.clear()
        self._entered(keys)

    def _stop(self) -> None:
        if self._pause is not None:
            self._pause.cancel()
            self._pause = None
