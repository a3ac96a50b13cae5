"""An error as the message that tells it."""

from typing import TypeAlias

from turnkeeper.errors import StoreUnavailable, TooManyRequests, TurnkeeperError, Unauthenticated
from turnkeeper.gateway.problems import problem_of
from turnkeeper.gateway.stream.messages import BadMessage, ClientMessage, Failed, SendTurn

ToAnswer: TypeAlias = ClientMessage | BadMessage
"""What a client sent, or what is wrong with it."""

RETRYABLE = (StoreUnavailable, TooManyRequests)
"""Errors after which the same message may be sent again as it is."""
NOT_LET_IN = 'send {"type": "hello", "token": ...} first, with a token that is good here'


def failed(message: ToAnswer | None, error: TurnkeeperError) -> Failed:
    """What is told of an error; without a message it is about none, and none was refused."""
    problem = problem_of(error)
    if isinstance(error, Unauthenticated):
        problem = problem.model_copy(update={"detail": NOT_LET_IN})
    return Failed(
        in_reply_to=message.type if message else None,
        utterance_id=message.utterance_id if isinstance(message, SendTurn | BadMessage) else None,
        retryable=message is not None and isinstance(error, RETRYABLE),
        problem=problem,
    )
