"""A chat completion request, as far as a form is concerned, and the conversation in it."""

from collections.abc import Mapping
from functools import cached_property

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request

from turnkeeper.errors import InvalidInput, TurnTooLarge
from turnkeeper.gateway.calls import Conversation

INSTRUCTIONS = ("system", "developer")
"""Roles of messages that nobody said."""
MAX_BODY_BYTES = 1024 * 1024
"""Of a request: hours of talk. Reading 30 MB held up every other call for 5 s (measured)."""


class _Sent(BaseModel):
    """What a platform sends may have more in it than we read."""

    model_config = ConfigDict(extra="allow", frozen=True)


class Part(_Sent):
    """A piece of a message's content; only text is read."""

    text: str | None = None


class Message(_Sent):
    role: str
    content: str | list[Part] | None = None

    @property
    def words(self) -> str:
        """The text of it, whichever of OpenAI's two forms it has."""
        if isinstance(self.content, list):
            return " ".join(part.text for part in self.content if part.text)
        return self.content or ""


class Function(_Sent):
    name: str = ""
    parameters: dict[str, object] | None = None


class Tool(_Sent):
    """A tool on offer. Vapi's own may have their name as `type`."""

    type: str = "function"
    function: Function = Function()

    @property
    def name(self) -> str:
        return self.function.name or self.type

    @property
    def arguments(self) -> frozenset[str] | None:
        """The names of what it takes; None where it does not say."""
        properties = (self.function.parameters or {}).get("properties")
        return frozenset(properties) if isinstance(properties, Mapping) else None


class StreamOptions(_Sent):
    include_usage: bool | None = None


class ChatRequest(_Sent):
    """`POST /v1/chat/completions`: OpenAI's fields that mean something here; others are ignored,
    or are a platform's place for the caller's identity."""

    model: str
    messages: list[Message] = Field(default_factory=list)
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    tools: list[Tool] | None = None
    tool_choice: object = None

    @classmethod
    def read(cls, body: bytes) -> "ChatRequest":
        """The request in a body. Raises InvalidInput, without the values: they may be answers."""
        try:
            return cls.model_validate_json(body)
        except ValidationError as error:
            wrong = {".".join(map(str, one["loc"][:4])): one["msg"] for one in error.errors()}
            text = "; ".join(f"{place or 'body'}: {message}" for place, message in wrong.items())
            raise InvalidInput(f"this is not a chat completion request: {text}") from None

    @property
    def prompt(self) -> str:
        """The instructions; they are not followed, but may name the caller."""
        return "\n".join(one.words for one in self.messages if one.role in INSTRUCTIONS)

    @property
    def last_role(self) -> str | None:
        """Who spoke last: `user`, `assistant`, `tool`; None before anybody did."""
        said = (one.role for one in reversed(self.messages) if one.role not in INSTRUCTIONS)
        return next(said, None)

    @cached_property
    def conversation(self) -> Conversation:
        heard: list[str] = []
        said: list[str] = []
        before, answered = "", False
        for message in self.messages:
            if message.role == "user":
                heard.append(message.words)
                before, said = " ".join(said), []
            elif message.role == "assistant":
                said.append(message.words)
                answered = answered or bool(heard and message.words)
        return Conversation(tuple(heard), before, answered)


async def body_of(request: Request) -> bytes:
    """A request's body. Raises TurnTooLarge as soon as it is over the limit."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise TurnTooLarge(
                f"the request is over the limit of {MAX_BODY_BYTES:,} bytes: send fewer of the"
                " oldest messages"
            )
    return bytes(body)
