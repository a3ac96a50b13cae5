"""ConversationRelay as Twilio drives it; `tests.channels.conformance.Line`."""

from tests.channels.conformance import Unsupported
from tests.channels.stand import TWILIO_TOKEN, GatewayProcess
from turnkeeper.relay_caller import RelayCaller


class TwilioLine:
    """A socket that is lost is opened again by the platform, for the same call; on another gateway
    it is another call."""

    def __init__(self) -> None:
        self._call: RelayCaller | None = None
        self._gateway: GatewayProcess | None = None

    async def open(self, gateway: GatewayProcess, form: str, caller: str) -> str:
        if self._call is not None and gateway is self._gateway:
            return await self._call.carry_on()
        self._gateway = gateway
        webhook = f"{gateway.url}/twilio/voice?form={form}"
        self._call = RelayCaller(webhook, caller=caller, auth_token=TWILIO_TOKEN)
        return await self._call.ring()

    async def say(self, words: str) -> str:
        return await self._line.say(words)

    async def again(self) -> str:
        raise Unsupported("ConversationRelay sends each frame once: a lost socket repeats nothing")

    async def amend(self, words: str) -> str:
        raise Unsupported("ConversationRelay's prompt with `last` is final: no words replace it")

    async def say_and_drop(self, words: str) -> None:
        await self._line.utter(words)
        await self._line.drop()

    async def barge_in(self, words: str, then: str) -> str:
        """Before the reply was there, so that nothing of it was heard."""
        await self._line.utter(words)
        await self._line.interrupt("")
        await self._line.utter(then)
        await self._line.listen()
        return await self._line.listen()

    async def drop(self) -> None:
        await self._line.drop()

    async def close(self) -> None:
        if self._call is not None:
            await self._call.hang_up()

    @property
    def _line(self) -> RelayCaller:
        assert self._call is not None
        return self._call
