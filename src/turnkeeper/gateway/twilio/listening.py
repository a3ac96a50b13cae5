"""When a caller has said or keyed something, or nothing: frames and times in, inputs out.

Pure: it reads no clock and waits for nothing. Times are seconds of any one clock. The words are
VoiceXML's (2.0, section 6.3.3): `timeout` is the silence after a prompt that makes a noinput,
`interdigittimeout` the pause that ends keys, `termchar` the key that does.

    Heard | None = listening.hear(frame, now)
    listening.deadline()               when to ask again if no frame comes
    Heard | None = listening.overdue() what the silence means
"""

from dataclasses import dataclass
from typing import Literal

from turnkeeper.contract import Expects
from turnkeeper.gateway.twilio.frames import Dtmf, Inbound, Info, Interrupt, Prompt

TIMEOUT = 8.0
"""Seconds. Twilio's <Gather> waits 5; a caller here may be looking for a paper."""
INTERDIGIT_TIMEOUT = 3.0
"""Seconds. <Gather> waits 5 for the next key; for most fields the last key is known (`expects`)."""
TERMCHAR = "#"
"""As in VoiceXML, and as <Gather>'s `finishOnKey`."""
REPEAT = "*"
"""Alone it asks for the question again (`turnkeeper.dialogue.interpret`): nothing follows it."""
KEYS = frozenset("0123456789*#")

CHARACTERS_A_SECOND = 12.0
"""Of synthetic speech, slowly: 150 words a minute are 14 to 15 (six characters a word)."""
LATENCY = 1.5
"""Seconds from a text frame to its first sound."""
LONGEST_UTTERANCE = 30.0
"""Seconds that a caller may speak before the report that they began counts as out of date."""


def seconds_to_say(text: str) -> float:
    """How long the platform takes to speak a text: an estimate, too long rather than too short."""
    return LATENCY + len(text) / CHARACTERS_A_SECOND


@dataclass(frozen=True, slots=True)
class Heard:
    """One input: it becomes one turn."""

    text: str | None = None
    dtmf: str | None = None
    event: Literal["noinput"] | None = None
    said: str | None = None
    """Up to where the caller heard the last reply before breaking in."""


class Playback:
    """Until when the platform speaks: as it reports, as estimated where it does not."""

    def __init__(self) -> None:
        self.ends = 0.0
        self._seconds = 0.0
        self._on = False

    def began(self, text: str, now: float) -> None:
        """A text was sent."""
        self._seconds, self._on = seconds_to_say(text), False
        self.ends = now + self._seconds

    def reported(self, value: object, now: float) -> None:
        """`off` counts after the `on` of the newest text only: before, it is an older text's."""
        if value == "on":
            self._on = True
            self.ends = now + 2 * self._seconds
        elif self._on:
            self.stopped(now)

    def stopped(self, now: float) -> None:
        self._on = False
        self.ends = min(self.ends, now)


class Listening:
    """The caller's side of one call."""

    def __init__(
        self, timeout: float = TIMEOUT, interdigit_timeout: float = INTERDIGIT_TIMEOUT
    ) -> None:
        self.playback = Playback()
        self._timeout = timeout
        self._interdigit_timeout = interdigit_timeout
        self._expects: Expects | None = None
        self._keys = ""
        self._sign = 0.0
        """When the caller gave the last sign of life, or until when they are taken to speak."""
        self._said: str | None = None
        self._spoke = 0.0
        """When the newest text was sent: what came before is about an older one."""

    def spoke(self, text: str, now: float) -> None:
        """A text was sent to be spoken."""
        self._spoke = now
        self.playback.began(text, now)

    def ask(self, expects: Expects | None) -> Heard | None:
        """What is asked now; the input that keys pressed ahead of the question make, if any."""
        self._expects = expects
        return self._complete()

    def hear(self, frame: Inbound, now: float) -> Heard | None:
        """The input that a frame completes."""
        match frame:
            case Prompt():
                return self._words(frame, now)
            case Dtmf():
                return self._key(frame.digit, now)
            case Interrupt() if now >= self._spoke:
                self.playback.stopped(now)
                self._said = frame.utterance_until_interrupt or None
                self._sign = now
            case Info(name="agentSpeaking") if now >= self._spoke:
                self.playback.reported(frame.value, now)
            case Info(name="clientSpeaking"):
                self._sign = now + (LONGEST_UTTERANCE if frame.value == "on" else 0.0)
        return None

    def deadline(self) -> float | None:
        """When silence means something; None: never."""
        if self._keys:
            return self._sign + self._interdigit_timeout
        if not self._timeout:
            return None
        return max(self._sign, self.playback.ends) + self._timeout

    def overdue(self) -> Heard:
        """The input that the silence until the deadline makes."""
        return self._taken(event=None if self._keys else "noinput")

    def _words(self, frame: Prompt, now: float) -> Heard | None:
        self._sign = now
        words = frame.voice_prompt.strip()
        return self._taken(words) if frame.last and words else None

    def _key(self, digit: str, now: float) -> Heard | None:
        if digit not in KEYS:
            return None
        self._sign = now
        self._keys += digit
        return self._complete()

    def _complete(self) -> Heard | None:
        """The keys, once no more can follow."""
        keys, most = self._keys, most_keys(self._expects)
        ended = keys.endswith(TERMCHAR) or keys == REPEAT
        return self._taken() if ended or (keys and len(keys) >= most) else None

    def _taken(self, words: str | None = None, event: Literal["noinput"] | None = None) -> Heard:
        """Keys that were pressed beside words are one turn with them."""
        heard = Heard(text=words, dtmf=self._keys or None, event=event, said=self._said)
        self._keys, self._said = "", None
        return heard


def most_keys(expects: Expects | None) -> float:
    """How many keys an answer has at most: one where it is yes, no or the place of a choice."""
    if expects is None:
        return float("inf")
    if expects.type in ("boolean", "confirmation") or 0 < len(expects.choices) < 10:
        return 1
    return expects.max_digits or float("inf")
