"""Speech made by espeak-ng: words in, sound out.

Sound is raw here: 16-bit little-endian samples of one channel, `RATE` a second, as bytes.
"""

import shutil
import subprocess
from typing import NamedTuple

from turnkeeper.errors import TurnkeeperError

RATE = 22_050
"""Samples a second: what espeak-ng makes. Nothing is resampled."""
BYTES_A_SECOND = RATE * 2
PAUSE_SECONDS = 0.5
"""Silence before and after what is said: a recogniser needs some to find where speech begins."""


class SpeechError(TurnkeeperError):
    """Something that a person can mend is missing or wrong; the message says what."""


class Pace(NamedTuple):
    """How something is said."""

    words_a_minute: int
    gap: int
    """Between two words, in hundredths of a second."""


def silence(seconds: float) -> bytes:
    return bytes(2 * round(seconds * RATE))


def seconds_of(sound: bytes) -> float:
    return len(sound) / BYTES_A_SECOND


class Voice:
    """One of espeak-ng's voices (`espeak-ng --voices`), with a variant: `en-us+f2`.

    Raises SpeechError where there is no espeak-ng.
    """

    def __init__(self, name: str) -> None:
        program = shutil.which("espeak-ng")
        if program is None:
            raise SpeechError("There is no espeak-ng here: install it (apt install espeak-ng).")
        self._command = (program, "-v", name)

    def say(self, words: str, pace: Pace) -> bytes:
        """What it sounds like, with a pause on both ends."""
        how = ("-s", str(pace.words_a_minute), "-g", str(pace.gap), "--stdout", "--", words)
        spoken = subprocess.run([*self._command, *how], capture_output=True, check=False)
        if spoken.returncode:
            raise SpeechError(f"espeak-ng failed: {spoken.stderr.decode(errors='replace').strip()}")
        pause = silence(PAUSE_SECONDS)
        return pause + _samples(spoken.stdout) + pause


def _samples(wav: bytes) -> bytes:
    """The samples in a WAV stream; its header has no length, since espeak-ng cannot seek a pipe."""
    begin = wav.index(b"data") + 8
    return wav[begin : begin + (len(wav) - begin) // 2 * 2]
