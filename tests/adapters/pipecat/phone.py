"""A real Pipecat pipeline without a network, with a caller at its ends.

What a recogniser with turn detection sends goes in at one end, by `Phone`; at the other, `Voice`
stands for speech synthesis and loudspeaker: it says what the caller hears, and stops in the middle
when they speak. All between is Pipecat's, but for the processor under test.
"""

import asyncio
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from pipecat.audio.dtmf.types import KeypadEntry
from pipecat.frames.frames import (
    BotStartedSpeakingFrame,
    BotStoppedSpeakingFrame,
    ClientConnectedFrame,
    EagerEndOfTurnCancelFrame,
    EagerTranscriptionFrame,
    ErrorFrame,
    Frame,
    InputDTMFFrame,
    InterruptionFrame,
    LLMAssistantPushAggregationFrame,
    LLMTextFrame,
    ProposedUserStartedSpeakingFrame,
    ProposedUserStoppedSpeakingFrame,
    TranscriptionFrame,
    TTSSpeakFrame,
    TTSTextFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import (
    LLMContextAggregatorPair,
    LLMUserAggregatorParams,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.turns.user_turn_strategies import EagerUserTurnStrategies
from pipecat.workers.runner import WorkerRunner

from turnkeeper.forms.load import parse_form

CALLER = "+14155550100"
PATIENCE = 10.0
"""Seconds within which whatever a test waits for must come."""

CLAIM = parse_form("""
form: claim
title: Claim
greeting: Hello.
goodbye: Thank you. Goodbye.
confirm: false
timezone: Europe/London
hand_off: claims desk
fields:
  - name: policy
    type: digits
    length: 4
    prompt: ["Policy number?", "Four digits please."]
  - name: theft
    type: boolean
    prompt: Was anything stolen?
  - name: story
    type: text
    prompt: What happened?
""")
GREETING = "Hello. Policy number?"


class Voice(FrameProcessor):
    """Speaks what it is given; `said` has what the caller began to hear, text by text.

    While `holds_on` is set it goes on speaking until it is interrupted, and only the first
    `holds_on` words were heard. While `is_slow` is set nothing of it is heard at all.
    """

    def __init__(self) -> None:
        super().__init__()
        self.said: asyncio.Queue[str] = asyncio.Queue()
        self.given: list[str] = []
        self.holds_on: int | None = None
        self.is_slow = False
        self._speaking = False

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, LLMTextFrame):
            await self._speak(frame.text)
        elif isinstance(frame, TTSSpeakFrame):
            await self._speak(frame.text, in_context=frame.append_to_context)
            await self.push_frame(LLMAssistantPushAggregationFrame())
        else:
            if isinstance(frame, InterruptionFrame) and self._speaking:
                await self._stop()
            await self.push_frame(frame, direction)

    async def _speak(self, text: str, *, in_context: bool = True) -> None:
        self.given.append(text)
        if self.is_slow:
            await asyncio.Event().wait()  # An interruption cancels it.
        self._speaking = True
        await self.broadcast_frame(BotStartedSpeakingFrame)
        for word in text.split()[: self.holds_on]:
            spoken = TTSTextFrame(word, "word")
            spoken.append_to_context = in_context
            await self.push_frame(spoken)
        self.said.put_nowait(text)
        if self.holds_on is not None:
            await asyncio.Event().wait()  # An interruption cancels it.
        await self._stop()

    async def _stop(self) -> None:
        self._speaking = False
        await self.broadcast_frame(BotStoppedSpeakingFrame)


class Phone:
    """A call to an agent; use as a context manager, leaving which is a cancelled pipeline."""

    def __init__(self, agent: FrameProcessor, messages: Sequence[dict[str, str]] = ()) -> None:
        self.voice = Voice()
        self.errors: list[ErrorFrame] = []
        self.context = LLMContext([*messages])  # type: ignore[list-item]  # plain dicts are messages
        params = LLMUserAggregatorParams(user_turn_strategies=EagerUserTurnStrategies())
        self.aggregators = both = LLMContextAggregatorPair(self.context, user_params=params)
        self.worker = PipelineWorker(
            Pipeline([both.user(), agent, self.voice, both.assistant()]),
            cancel_on_idle_timeout=False,
            enable_rtvi=False,
        )
        self.worker.add_event_handler("on_pipeline_error", self._failed)
        self._runner = WorkerRunner(handle_sigint=False)
        self.running: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        started = asyncio.Event()
        self.worker.add_event_handler("on_pipeline_started", lambda *_: started.set())
        await self._runner.add_workers(self.worker)
        self.running = asyncio.create_task(self._runner.run())
        async with asyncio.timeout(PATIENCE):
            await started.wait()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.running and not self.running.done():
            await self.worker.cancel()
        await self.ended()

    async def ended(self) -> None:
        """Returns when the pipeline has ended."""
        assert self.running is not None
        async with asyncio.timeout(PATIENCE):
            await self.running

    # --- what the caller does ---------------------------------------------------------------------

    async def ring(self) -> str:
        """The transport says that somebody is there; what they hear."""
        await self.worker.queue_frame(ClientConnectedFrame())
        return await self.hears()

    async def says(self, words: str) -> str:
        """One whole turn of the caller's; what they hear then."""
        await self.speaks(words)
        return await self.hears()

    async def speaks(self, words: str) -> None:
        """One whole turn of the caller's."""
        await self.begins()
        await self.goes_on(words)

    async def begins(self) -> None:
        """The caller begins to speak: an interruption."""
        await self.worker.queue_frame(ProposedUserStartedSpeakingFrame())

    async def goes_on(self, words: str) -> None:
        """What they said is final, and they stop."""
        await self.worker.queue_frame(TranscriptionFrame(words, "", "", finalized=True))
        await self.worker.queue_frame(ProposedUserStoppedSpeakingFrame())

    async def pauses(self, words: str) -> None:
        """The recogniser guesses that they have finished with these words."""
        await self.worker.queue_frame(EagerTranscriptionFrame(words, "", ""))

    async def resumes(self) -> None:
        """They have not."""
        await self.worker.queue_frame(EagerEndOfTurnCancelFrame())

    async def presses(self, keys: str) -> None:
        for key in keys:
            await self.worker.queue_frame(InputDTMFFrame(KeypadEntry(key)))

    async def hears(self) -> str:
        """The next thing that they hear."""
        async with asyncio.timeout(PATIENCE):
            return await self.voice.said.get()

    def texts(self, role: str) -> list[str]:
        """What the context has of one role."""
        messages = self.context.get_messages()
        return [str(m["content"]) for m in messages if isinstance(m, dict) and m["role"] == role]

    async def _failed(self, _: PipelineWorker, error: ErrorFrame) -> None:
        self.errors.append(error)


async def until(condition: Callable[[], bool]) -> None:
    """Returns when it holds."""
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.01)
