"""A reply as a chat completion: whole, or as the chunks of a stream.

A reply is whole before its first byte is sent, since it is in history by then; a stream is the
same words under OpenAI's framing. No tokens are used, and usage says so.
"""

import json
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from turnkeeper.client import VoiceSession
from turnkeeper.contract import Next, Reply
from turnkeeper.gateway.openai.request import ChatRequest, Tool

Json = dict[str, object]

USAGE: Json = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}


def _destination(reply: Reply) -> Mapping[str, str]:
    return {"destination": reply.transfer_to} if reply.transfer_to else {}


def _number(reply: Reply) -> Mapping[str, str] | None:
    if reply.transfer_to is None:
        return None
    return {
        "transfer_number": reply.transfer_to,
        "client_message": reply.say,
        "agent_message": "This caller asked for a person while filling in a form.",
    }


TOOLS: dict[str, tuple[Next, Callable[[Reply], Mapping[str, str] | None]]] = {
    # Vapi, "Default tools"
    "endCall": ("hang_up", lambda reply: {}),
    "transferCall": ("transfer", _destination),
    # ElevenLabs, "System tools"; LiveKit's EndCallTool has the same name
    "end_call": ("hang_up", lambda reply: {"reason": reply.status}),
    "transfer_to_number": ("transfer", _number),
}
"""Tools of platforms by name: for which `Reply.next`, and with what arguments; None: not without
a number. Of the arguments an offered tool gets those that it names."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One reply to one request."""

    request: ChatRequest
    reply: Reply
    leg: VoiceSession
    id: str = field(default_factory=lambda: f"chatcmpl-{secrets.token_hex(12)}")
    created: int = field(default_factory=lambda: int(time.time()))

    @property
    def about(self) -> Json:
        """What a completion has no word for: the field `turnkeeper`."""
        return {
            "status": self.reply.status,
            "next": self.reply.next,
            "session_id": self.leg.id,
            "leg": self.leg.leg,
            "epoch": self.leg.epoch or self.reply.epoch,
        }

    @property
    def headers(self) -> dict[str, str]:
        """The same as response headers."""
        return {f"X-Turnkeeper-{name.title()}": str(value) for name, value in self._named.items()}

    @property
    def _named(self) -> Json:
        about = self.about
        return {"session": about.pop("session_id"), **about}

    def completion(self) -> Json:
        """The body of an answer that is not streamed."""
        calls = self._tool_calls()
        message: Json = {"role": "assistant", "content": self.reply.say, "refusal": None}
        if calls:
            message["tool_calls"] = calls
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _finish(calls)}
        return {
            **self._head("chat.completion"),
            "choices": [choice],
            "usage": USAGE,
            "turnkeeper": self.about,
        }

    def events(self) -> Iterator[str]:
        """The stream: server-sent events, with `[DONE]` at the end."""
        for chunk in self._chunks():
            yield f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n"
        yield "data: [DONE]\n\n"

    def _chunks(self) -> Iterator[Json]:
        head = self._head("chat.completion.chunk")
        options = self.request.stream_options
        counted = bool(options and options.include_usage)
        # With usage asked for, every chunk has the field, null until the last (OpenAI's reference).
        usage: Json = {"usage": None} if counted else {}
        calls = self._tool_calls()
        deltas: list[Json] = [{"role": "assistant", "content": self.reply.say}]
        if calls:
            deltas.append({"tool_calls": [{"index": n, **call} for n, call in enumerate(calls)]})
        for delta in deltas:
            yield {**head, "choices": [_choice(delta, None)], **usage}
        yield {
            **head, "choices": [_choice({}, _finish(calls))], **usage, "turnkeeper": self.about,
        }  # fmt: skip
        if counted:
            yield {**head, "choices": [], "usage": USAGE}

    def _head(self, kind: str) -> Json:
        return {
            "id": self.id,
            "object": kind,
            "created": self.created,
            "model": self.request.model,
        }

    def _tool_calls(self) -> list[Json]:
        """What the platform is to do beside speaking, with the first offered tool that does it.
        After a tool's own result nothing is called again."""
        if self.request.last_role == "tool" or self.request.tool_choice == "none":
            return []
        calls = (self._tool_call(tool) for tool in self.request.tools or ())
        return [call for call in calls if call is not None][:1]

    def _tool_call(self, tool: Tool) -> Json | None:
        fitting, arguments_of = TOOLS.get(tool.name, ("listen", _destination))
        if fitting == "listen" or fitting != self.reply.next:
            return None
        given = arguments_of(self.reply)
        if given is None:
            return None
        takes = tool.arguments
        arguments = {name: given[name] for name in given if takes is None or name in takes}
        function = {"name": tool.name, "arguments": json.dumps(arguments)}
        return {"id": f"call_{secrets.token_hex(12)}", "type": "function", "function": function}


def _choice(delta: Json, finish: str | None) -> Json:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}


def _finish(calls: list[Json]) -> str:
    return "tool_calls" if calls else "stop"
