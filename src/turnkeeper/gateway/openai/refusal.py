"""Errors in OpenAI's shape: {"error": {message, type, code, param}}.

Its clients read `code`, and try again by themselves on 409 and 5xx ("Handling errors" in the
README of openai-python); `x-should-retry` says where that is no use.
"""

from collections.abc import Callable, Coroutine

from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from turnkeeper.errors import TurnkeeperError, UnknownForm
from turnkeeper.gateway.access.guard import admit
from turnkeeper.gateway.problems import PREFIX, RETRY_AFTER_SECONDS, headers_of, problem_of

STATUSES = {422: 400}
"""OpenAI answers 400 to whatever is wrong with a request."""
AGAIN = {
    503: {"Retry-After": str(RETRY_AFTER_SECONDS), "x-should-retry": "true"},
    409: {"x-should-retry": "false"},
    500: {"x-should-retry": "false"},
}
"""Whether it is worth sending again: a store may be back, a newer leg stays newer, and a turn that
could not be interpreted can't be the next time."""


class Refusing(APIRoute):
    """A route that admits whom the gate knows, and whose errors have OpenAI's shape."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[object, object, Response]]:
        handler = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                await admit(request)
                return await handler(request)
            except TurnkeeperError as error:
                return refusal(error)

        return answer


def refusal(error: TurnkeeperError) -> Response:
    """The response that an error is."""
    problem = problem_of(error)
    status = STATUSES.get(problem.status, problem.status)
    name = problem.type.removeprefix(PREFIX).replace("-", "_")
    shape = {
        "message": problem.detail or problem.title,
        "type": "invalid_request_error" if status < 500 else "server_error",
        "code": "model_not_found" if isinstance(error, UnknownForm) else name,
        "param": "model" if isinstance(error, UnknownForm) else None,
    }
    headers = {**headers_of(error), **AGAIN.get(status, {})}
    return JSONResponse({"error": shape}, status_code=status, headers=headers)
