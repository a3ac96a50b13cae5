"""Two sides of a phone call: the agent's voice and the caller's, with a recogniser between them."""

import asyncio
from dataclasses import dataclass, field
from typing import NamedTuple

from examples.speech.caller import Caller
from examples.speech.ears import Recogniser
from examples.speech.grammars import grammar
from examples.speech.line import Line
from examples.speech.tape import Tape
from examples.speech.voices import Pace, SpeechError, Voice, seconds_of
from turnkeeper.contract import Reply
from worker.demo_screen import Screen, Stopwatch

AGENT_VOICE = "en-us+m3"
CALLER_VOICE = "en-us+f2"
"""Of espeak-ng's American voices the one that pocketsphinx hears best (measured: README.md)."""
AGENT_PACE = Pace(words_a_minute=165, gap=0)
MOST_TURNS = 60
"""Two people who do not understand each other for so long give up."""


class Heard(NamedTuple):
    """One line of the caller's, on its way to a turn."""

    field: str | None
    """That was asked; None: about the whole form."""
    said: str
    heard: str | None
    seconds: float
    """How long it was."""
    hearing_seconds: float
    """How long the recogniser took."""


@dataclass
class Conversation:
    """What is kept of it, over all lines that it took."""

    caller: Caller
    screen: Screen
    labels: list[str] = field(default_factory=list)
    """What the form's fields are called."""
    tape: Tape = field(default_factory=Tape)
    turns: list[Heard] = field(default_factory=list)
    turn_seconds: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._ears = Recogniser()
        self._agent, self._speaker = Voice(AGENT_VOICE), Voice(CALLER_VOICE)

    async def hold(self, line: Line, *, cut_at: str | None = None) -> Reply:
        """Until the agent hangs up, or the caller is cut off in the answer to field `cut_at`.

        Gives the reply that was spoken last. Raises SpeechError when it leads nowhere.
        """
        reply = await self._tell(line.reply)
        while reply.next == "listen":
            if len(self.turns) >= MOST_TURNS:
                raise SpeechError(f"After {MOST_TURNS} turns the form is not done.")
            if cut_at is not None and reply.field == cut_at:
                await self._break_off(line, reply)
                return reply
            heard = await self._listen(reply)
            reply = await self._tell(await self._take_turn(line, heard))
        return reply

    async def _tell(self, reply: Reply) -> Reply:
        """The agent says a reply."""
        self.screen.agent(reply.say, self.turn_seconds[-1] if reply.utterance_id else None)
        sound = await asyncio.to_thread(self._agent.say, reply.say, AGENT_PACE)
        self.tape.say("Agent", reply.say, sound)
        return reply

    async def _listen(self, reply: Reply) -> Heard:
        """The caller answers, and is heard."""
        spoken = self.caller.reply_to(reply)
        sound = await asyncio.to_thread(self._speaker.say, *spoken)
        watch = Stopwatch()
        words = await asyncio.to_thread(self._ears.hear, sound, self._grammar(reply))
        heard = Heard(reply.field, spoken.words, words, seconds_of(sound), watch.seconds)
        self._show(heard)
        self.tape.say("Caller", f"{spoken.words}\n<i>heard: {words or 'nothing'}</i>", sound)
        self.tape.wait(heard.hearing_seconds)
        return heard

    async def _take_turn(self, line: Line, heard: Heard) -> Reply:
        watch = Stopwatch()
        reply = await line.turn(heard.heard)
        self.turns.append(heard)
        self.turn_seconds.append(watch.seconds)
        self.tape.wait(watch.seconds)
        return reply

    async def _break_off(self, line: Line, reply: Reply) -> None:
        """The line is cut in the middle of an answer, with the agent's socket. It was no turn yet:
        nobody has heard it to its end."""
        spoken = self.caller.reply_to(reply)
        sound = await asyncio.to_thread(self._speaker.say, *spoken)
        half = sound[: len(sound) // 4 * 2]
        words = await asyncio.to_thread(self._ears.overhear, half, self._grammar(reply))
        await line.cut()
        self.screen.caller(f"{spoken.words[: len(spoken.words) // 2]}—")
        self.screen.event(f"the line is cut; heard so far: {words or 'nothing'}")
        self.tape.say("Caller", f"{spoken.words[: len(spoken.words) // 2]}—", half)
        self.tape.lose_line()

    def _grammar(self, reply: Reply) -> str:
        return grammar(reply.expects, self.labels)

    def _show(self, heard: Heard) -> None:
        self.screen.caller(heard.said)
        times = f"[{heard.seconds:.1f} s of speech, {heard.hearing_seconds * 1000:.0f} ms]"
        if heard.heard == heard.said:
            self.screen.event(f"heard right  {times}")
        else:
            self.screen.event(f"MISHEARD: {heard.heard or 'nothing'}  {times}")
