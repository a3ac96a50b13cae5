"""How fast a client may send: a token bucket (RFC 2697 has its terms, with bytes for messages).

Nothing is refused by it, for what is refused in the middle would be overtaken by what follows: a
client that sends more is read more slowly, is told so, and in the end is let go.
"""


class Pace:
    """The pace of one socket. It reads no clock: times are seconds of any one.

    Args:
        rate: messages a second that are always read at once.
        burst: messages that may come together, after a pause.
        patience: messages over the rate, one after the other, that are read before it is too many.
    """

    def __init__(self, rate: float, burst: int, patience: int) -> None:
        self._rate = rate
        self._burst = burst
        self._patience = patience
        self._full_at = 0.0
        """When the bucket will be full again."""
        self.over = 0
        """Messages over the rate since the bucket was half full."""

    @property
    def is_too_much(self) -> bool:
        return self.over > self._patience

    def came(self, now: float) -> float:
        """Count a message; the seconds to wait before the next may be read."""
        self._full_at = max(self._full_at, now) + 1 / self._rate
        missing, whole = self._full_at - now, self._burst / self._rate
        if missing > whole:
            self.over += 1
        elif missing < whole / 2:
            self.over = 0
        return max(0.0, missing - whole)
