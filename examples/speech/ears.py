"""A recogniser that runs offline: pocketsphinx, its American English model, a grammar a turn."""

from typing import Protocol

from examples.speech.voices import BYTES_A_SECOND, RATE, SpeechError

FRAME_BYTES = BYTES_A_SECOND // 5
"""A fifth of a second: sound comes in pieces from a line."""
WINDOW = 1024
"""Samples of one spectrum: the model's 25.6 ms are 565 at this rate, and a power of two is over
them."""


class _Guess(Protocol):
    hypstr: str


class _Decoder(Protocol):
    """What is used of `pocketsphinx.Decoder`."""

    def add_jsgf_string(self, name: str, jsgf: str) -> None: ...
    def activate_search(self, name: str) -> None: ...
    def start_utt(self) -> None: ...
    def process_raw(self, data: bytes, no_search: bool, full_utt: bool) -> int: ...
    def end_utt(self) -> None: ...
    def hyp(self) -> _Guess | None: ...


class Recogniser:
    """Hears one speaker; it adapts to the voice and the line as it goes.

    Raises SpeechError where pocketsphinx is not installed.
    """

    def __init__(self) -> None:
        self._decoder = _load()

    def hear(self, sound: bytes, grammar: str) -> str | None:
        """The words of the grammar that this sounds like; None where it sounds like none."""
        self._take_in(sound, grammar)
        self._decoder.end_utt()
        return self._words()

    def overhear(self, sound: bytes, grammar: str) -> str | None:
        """What can be told of words that are still being said."""
        self._take_in(sound, grammar)
        words = self._words()
        self._decoder.end_utt()
        return words

    def _take_in(self, sound: bytes, grammar: str) -> None:
        try:
            self._decoder.add_jsgf_string("answers", grammar)
        except ValueError:
            raise SpeechError(
                "pocketsphinx cannot use the grammar of this question: a choice or a label of the"
                " form has a word that is not in its dictionary, or a character other than letters."
            ) from None
        self._decoder.activate_search("answers")
        self._decoder.start_utt()
        for begin in range(0, len(sound), FRAME_BYTES):
            self._decoder.process_raw(sound[begin : begin + FRAME_BYTES], False, False)

    def _words(self) -> str | None:
        guess = self._decoder.hyp()
        return guess.hypstr if guess is not None and guess.hypstr else None


def _load() -> _Decoder:
    try:
        from pocketsphinx import Decoder  # type: ignore[import-not-found]  # not in the project
    except ImportError:
        raise SpeechError(
            "There is no pocketsphinx here: run this with `uv run --with pocketsphinx ...`."
        ) from None
    # lm: a grammar stands in for the language model. bestpath: grammars have none to look for.
    decoder: _Decoder = Decoder(
        samprate=RATE, nfft=WINDOW, lm=None, bestpath=False, loglevel="FATAL"
    )
    return decoder
