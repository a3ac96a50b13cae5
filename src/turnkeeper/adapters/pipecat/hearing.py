"""What a conversation's context says that is new.

Pipecat sends the whole context each time; a user message is there whether or not its context frame
ever arrived (an interruption empties queues). So the context is the inbox: each user message in it
is taken once, in order, whichever frame brings it.
"""

from pipecat.processors.aggregators.llm_context import LLMContext, LLMContextMessage


class Hearing:
    """Which user messages of one conversation have been taken."""

    def __init__(self) -> None:
        self._taken: int | None = None

    def new_words(self, context: LLMContext) -> list[str]:
        """The texts of user messages that were not there before; they count as taken now.

        What the context held before the first call is another conversation's, but for the user
        messages at its end; so is everything after the context was cut down (summarised, reset).
        """
        messages = context.get_messages()
        said = [message for message in messages if _role(message) == "user"]
        taken = self._taken
        if taken is None or len(said) < taken:
            taken = len(said) - _trailing(messages)
        self._taken = len(said)
        return [text for message in said[taken:] if (text := _text(message))]


def ends_with_user(context: LLMContext) -> bool:
    """Whether the newest message is the caller's: what they said waits for an answer."""
    messages = context.get_messages()
    return bool(messages) and _role(messages[-1]) == "user"


def heard_until(context: LLMContext) -> str | None:
    """What the caller heard of the reply that their newest words cut off: Pipecat's assistant
    aggregator writes down only what was spoken. None when it wrote nothing."""
    messages = context.get_messages()
    before = messages[: len(messages) - _trailing(messages)]
    return _text(before[-1]) or None if before and _role(before[-1]) == "assistant" else None


def _trailing(messages: list[LLMContextMessage]) -> int:
    """How many user messages follow the last assistant message."""
    roles = [_role(message) for message in reversed(messages)]
    upto = roles.index("assistant") if "assistant" in roles else len(roles)
    return roles[:upto].count("user")


def _role(message: LLMContextMessage) -> str:
    """Its role; of a message in one provider's own form: none."""
    return str(message.get("role", "")) if isinstance(message, dict) else ""


def _text(message: LLMContextMessage) -> str:
    """The words of a message, without its images and sounds."""
    content = message.get("content") if isinstance(message, dict) else None
    if isinstance(content, str):
        return content.strip()
    parts = content if isinstance(content, list) else []
    texts = [str(part["text"]) for part in parts if isinstance(part, dict) and part.get("text")]
    return " ".join(texts).strip()
