"""The demo's caller, and the agent that speaks for Turnkeeper."""

import secrets

from turnkeeper import Reply, VoiceSession, VoiceSessions
from worker.demo_screen import Screen, Stopwatch


class Call:
    """One phone call: what is said goes to the screen both ways, and turns are counted."""

    def __init__(self, screen: Screen, session: VoiceSession) -> None:
        self._screen = screen
        self._last = ("", "")
        self.session = session
        self.turns = 0

    @classmethod
    async def ring(
        cls, screen: Screen, sessions: VoiceSessions, form: str, *, caller: str, line: str
    ) -> "Call":
        """The agent picks up: a new session, or the one that this caller has begun."""
        watch = Stopwatch()
        session = await sessions.open(form, caller=caller, transport_id=line, channel="demo")
        screen.agent(session.reply.say, watch.seconds)
        return cls(screen, session)

    async def say(self, text: str) -> Reply:
        """One turn, and the reply to it."""
        self.turns += 1
        self._last = (text, secrets.token_hex(4))
        self._screen.caller(text)
        return await self._send()

    async def say_again(self) -> Reply:
        """The last turn once more, under its own utterance id: it is one turn all the same."""
        return await self._send()

    async def breaks_off(self, half_said: str) -> None:
        """The line drops before the recogniser has a final transcript: there is no turn."""
        self._screen.caller(half_said)
        self._screen.event("the line drops")
        await self.session.hang_up("dropped")

    async def _send(self) -> Reply:
        text, utterance_id = self._last
        watch = Stopwatch()
        reply = await self.session.turn(text, utterance_id=utterance_id)
        self._screen.agent(reply.say, watch.seconds)
        return reply
