"""The recording of a call: both sides on one track, with what was said as captions.

The call takes no real time. What stands between two lines on the tape is what was measured: how
long the recogniser and Turnkeeper took to answer.
"""

import math
from array import array
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, cast

from examples.speech.voices import BYTES_A_SECOND, RATE, SpeechError, seconds_of, silence

TONE_LEVEL = 3000
"""Of 32,767."""
BUSY_TONE, BUSY_SECONDS = (480, 620), 0.25
"""The North American reorder tone, on and off: what one hears when a line is lost."""
RING_TONE, RING_SECONDS = (440, 480), 2.0
VORBIS_COMPRESSION = 0.8
"""0 to 1; about 30 kbit/s for this."""


@dataclass(frozen=True, slots=True)
class Cue:
    """A caption: who said what, from when to when, in seconds."""

    begin: float
    end: float
    who: str
    words: str


@dataclass
class Tape:
    """Grows as the call goes on."""

    sound: bytearray = field(default_factory=bytearray)
    cues: list[Cue] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        return len(self.sound) / BYTES_A_SECOND

    def say(self, who: str, words: str, sound: bytes) -> None:
        """A line of somebody's."""
        begin = self.seconds
        self.sound += sound
        self.cues.append(Cue(begin, begin + seconds_of(sound), who, words))

    def wait(self, seconds: float) -> None:
        self.sound += silence(seconds)

    def lose_line(self) -> None:
        """Three busy tones."""
        begin = self.seconds
        for _ in range(3):
            self.sound += tone(*BUSY_TONE, seconds=BUSY_SECONDS) + silence(BUSY_SECONDS)
        self.cues.append(Cue(begin, self.seconds, "Line", "(the line is lost)"))

    def ring(self) -> None:
        """One ring."""
        begin = self.seconds
        self.sound += tone(*RING_TONE, seconds=RING_SECONDS) + silence(BUSY_SECONDS)
        self.cues.append(Cue(begin, self.seconds, "Line", "(it rings)"))

    def captions(self) -> str:
        """As WebVTT."""
        cues = (
            f"{_clock(cue.begin)} --> {_clock(cue.end)}\n<v {cue.who}>{cue.words}\n"
            for cue in self.cues
        )
        return "\n".join(("WEBVTT\n", *cues))

    def save(self, path: Path) -> None:
        """As Ogg Vorbis. Raises SpeechError where there is no soundfile."""
        open_sound = _encoder()
        with open_sound(
            str(path), "w", RATE, 1, "VORBIS", format="OGG", compression_level=VORBIS_COMPRESSION
        ) as file:
            for begin in range(0, len(self.sound), BYTES_A_SECOND):
                # All at once, libsndfile runs out of stack.
                file.buffer_write(bytes(self.sound[begin : begin + BYTES_A_SECOND]), "int16")


def require_encoder() -> None:
    """Raises SpeechError where a tape cannot be saved: before a call, not after."""
    _encoder()


def tone(*hertz: int, seconds: float) -> bytes:
    """Sines of the same level, together."""
    samples = array("h")
    for number in range(round(seconds * RATE)):
        turns = (math.sin(2 * math.pi * one * number / RATE) for one in hertz)
        samples.append(round(TONE_LEVEL * sum(turns)))
    return samples.tobytes()


class _SoundFile(Protocol):
    """What is used of `soundfile.SoundFile`."""

    def __enter__(self) -> "_SoundFile": ...
    def __exit__(self, *args: object) -> None: ...
    def buffer_write(self, data: bytes, dtype: str) -> None: ...


class _Open(Protocol):
    def __call__(
        self, file: str, mode: str, samplerate: int, channels: int, subtype: str, *,
        format: str, compression_level: float,
    ) -> _SoundFile: ...  # fmt: skip


def _encoder() -> _Open:
    try:
        import soundfile  # type: ignore[import-not-found]  # not in the project
    except ImportError:
        raise SpeechError(
            "There is no soundfile here, which writes the recording: run this with"
            " `uv run --with pocketsphinx --with soundfile ...`."
        ) from None
    return cast(_Open, soundfile.SoundFile)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes):02}:{rest:06.3f}"
