"""Callers in mid-form, as a client process of their own.

    python -m tests.deploy.callers FOLDER FIRST COUNT GAP

COUNT callers, numbered from FIRST, open the form and correct one of its answers again and again,
some GAP seconds apart, until there is a file FOLDER/stop. Now and then a line drops and the caller
rings back. What each was told is in FOLDER/FIRST.jsonl (see `journal`).
"""

import asyncio
import random
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.deploy.journal import Ended, Journal, Opened, Refused, Stamp, Took
from tests.deploy.releases import FIRST_FIELD, FORM, KEPT_FIELD
from turnkeeper.client import TurnContent, VoiceSession, VoiceSessions
from turnkeeper.errors import TurnkeeperError

TURNS_PER_CALL = 6


@dataclass
class Caller:
    """One person; `number` makes everything that they say their own."""

    number: int
    sessions: VoiceSessions
    journal: Journal
    began: float = 0.0
    """When the newest message was sent, in seconds since the epoch."""

    async def talk(self, stop: Path, gap: float) -> None:
        """Until `stop` is there, or a message is refused."""
        await asyncio.sleep(gap * random.random())
        try:
            await self._talk(stop, gap)
        except TurnkeeperError as error:
            self.journal.write(Refused(**self._stamp(), error=type(error).__name__))

    async def _talk(self, stop: Path, gap: float) -> None:
        session = await self._ring()
        flight = f"3{self.number:02}4"
        await self._say(session, FIRST_FIELD, flight, {"dtmf": f"{flight}#"})
        corrections = 0
        while not stop.exists():
            await asyncio.sleep(gap * random.uniform(0.5, 1.5))
            corrections += 1
            if corrections % TURNS_PER_CALL == 0:
                await session.hang_up("drop")
                session = await self._ring()
            tag = f"1{self.number:02}{corrections:04}2"
            await self._say(session, KEPT_FIELD, tag, {"answers": {KEPT_FIELD: tag}})
        await self._end(session)

    async def _ring(self) -> VoiceSession:
        self.began = time.time()
        session = await self.sessions.open(FORM, caller=f"rehearsal-{self.number}")
        stamp, state = self._stamp(), await session.state()
        self.journal.write(
            Opened(
                **stamp,
                restored=session.restored,
                version=state.form_version,
                answers=dict(state.form_answers),
            )
        )
        return session

    async def _say(
        self, session: VoiceSession, field: str, said: str, content: TurnContent
    ) -> None:
        self.began = time.time()
        reply = await session.turn(**content)
        recorded = str(reply.recorded.get(field))
        self.journal.write(Took(**self._stamp(), field=field, said=said, recorded=recorded))

    async def _end(self, session: VoiceSession) -> None:
        self.began = time.time()
        state = await session.state()
        form = state.definition
        self.journal.write(
            Ended(
                **self._stamp(),
                turns=state.turns,
                answers=dict(state.form_answers),
                version=state.form_version,
                fields=tuple(field.name for field in form.fields) if form else (),
            )
        )

    def _stamp(self) -> Stamp:
        return {"caller": self.number, "at": self.began, "wait": time.time() - self.began}


async def main(folder: Path, first: int, count: int, gap: float) -> None:
    journal = Journal(folder / f"{first}.jsonl")
    async with VoiceSessions.connect() as sessions:
        callers = [Caller(number, sessions, journal) for number in range(first, first + count)]
        await asyncio.gather(*(caller.talk(folder / "stop", gap) for caller in callers))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])))
