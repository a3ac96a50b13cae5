"""Errors as an agent reads them: the error's type, a sentence, and what to do next.

They are results of the tool with `isError`, which the model sees, and not errors of the protocol,
which the host keeps to itself (MCP specification, "Tools", "Error handling"). The type is in
`_meta` for programs. It is not in `structuredContent`: clients in TypeScript check that against the
output schema even of an error (modelcontextprotocol/typescript-sdk#1943).
"""

from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR, INVALID_PARAMS, CallToolResult, TextContent
from pydantic import ValidationError

from turnkeeper.errors import (
    FormError,
    InvalidInput,
    SessionClosed,
    SessionNotFound,
    StoreUnavailable,
    SupersededLeg,
    TurnFailed,
    TurnkeeperError,
    UnknownForm,
)

ERROR_TYPE = "turnkeeper/error"
"""The key in a refusal's `_meta`: the name of the error's class in `turnkeeper.errors`."""
RETRY = "turnkeeper/retry"
"""The key beside it: whether the same call, repeated, can succeed."""

ADVICE: dict[type[TurnkeeperError], str] = {
    SessionClosed: "tell the caller so; open_form only if they want to begin again",
    SupersededLeg: "this handle is of no more use, whoever opened the form later leads it now",
    TurnFailed: "nothing of it was recorded, ask the caller again",
    UnknownForm: "list_forms has those that this server knows of",
    FormError: "correct it, or set TURNKEEPER_FORMS to the folder with the forms",
}
"""What to do, where the error does not say so itself."""

NOT_FOUND = "there is no such session, or it is no longer kept; open_form finds or begins one"
"""In place of the client's sentence, which names an id that the agent did not pass as such."""


def refusal(error: TurnkeeperError) -> CallToolResult:
    """An error as the result of a tool."""
    retry = isinstance(error, StoreUnavailable)
    return CallToolResult(
        content=[TextContent(type="text", text=sentence(error))],
        is_error=True,
        _meta={ERROR_TYPE: type(error).__name__, RETRY: retry},
    )


def resource_error(error: TurnkeeperError, uri: str) -> MCPError:
    """An error as that of reading a resource: -32602 where it is not there (SEP-2164), else -32603.

    A protocol error, and not the library's `ResourceError`, whose address it logs: that names whose
    session it is.
    """
    missing = isinstance(error, SessionNotFound | InvalidInput)
    code = INVALID_PARAMS if missing else INTERNAL_ERROR
    return MCPError(code, sentence(error), {"uri": uri, ERROR_TYPE: type(error).__name__})


def sentence(error: TurnkeeperError) -> str:
    """`Type: what is wrong; what to do.`"""
    text = NOT_FOUND if isinstance(error, SessionNotFound) else _one_line(error)
    advice = next((ADVICE[kind] for kind in type(error).__mro__ if kind in ADVICE), None)
    return f"{type(error).__name__}: {text.rstrip('.')}{f'; {advice}' if advice else ''}."


def _one_line(error: TurnkeeperError) -> str:
    return "; ".join(str(error).splitlines())


def wrong_arguments(tool: str, error: ValidationError) -> InvalidInput:
    """Which arguments are not what the tool takes. Their values may be answers: not shown."""
    wrong = {
        ".".join(str(part) for part in row["loc"][:2]): row["type"] == "missing"
        for row in error.errors(include_input=False, include_context=False, include_url=False)
    }
    places = (f"{at} {'is missing' if gone else 'has a wrong type'}" for at, gone in wrong.items())
    return InvalidInput(f"{tool} was not called: {', '.join(places)}; see its input schema")
