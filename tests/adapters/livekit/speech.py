"""A recogniser that hears what a test tells it: LiveKit's own road for speech, without audio."""

import asyncio
from typing import Literal

from livekit.agents import AgentSession, APIConnectOptions, TurnHandlingOptions, stt
from livekit.agents.language import LanguageCode
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS, NOT_GIVEN, NotGivenOr
from livekit.agents.utils import AudioBuffer

Heard = Literal["preflight_transcript", "final_transcript", "start_of_speech", "end_of_speech"]


class ScriptedSTT(stt.STT[str]):
    """Sends the events that `hear` is given to whoever streams."""

    def __init__(self) -> None:
        super().__init__(capabilities=stt.STTCapabilities(streaming=True, interim_results=True))
        self.events: asyncio.Queue[stt.SpeechEvent] = asyncio.Queue()

    def hear(self, kind: Heard, words: str = "") -> None:
        """One event, as a recogniser with preflight transcripts sends it."""
        said = [stt.SpeechData(language=LanguageCode("en"), text=words)] if words else []
        self.events.put_nowait(stt.SpeechEvent(stt.SpeechEventType(kind), alternatives=said))

    def stream(
        self,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
    ) -> stt.RecognizeStream:
        return _Stream(self, conn_options)

    async def _recognize_impl(
        self,
        buffer: AudioBuffer,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions,
    ) -> stt.SpeechEvent:
        raise NotImplementedError("it only streams")


class _Stream(stt.RecognizeStream):
    def __init__(self, scripted: ScriptedSTT, conn_options: APIConnectOptions) -> None:
        super().__init__(stt=scripted, conn_options=conn_options)
        self._script = scripted.events

    async def _run(self) -> None:
        while True:
            self._event_ch.send_nowait(await self._script.get())


def speaking(recogniser: ScriptedSTT) -> AgentSession[None]:
    """A session that hears through it, and speculates as LiveKit does by default."""
    turns: TurnHandlingOptions = {
        "turn_detection": "stt",
        "endpointing": {"min_delay": 0.0, "max_delay": 0.0},
        "preemptive_generation": {"enabled": True},
    }
    return AgentSession(
        stt=recogniser, vad=None, turn_handling=turns, session_close_transcript_timeout=0.05
    )
