"""The MCP server: which tools, resources and prompts there are, and how their errors come out.

async with VoiceSessions.connect() as sessions:
    await build_server(sessions).run_stdio_async()
"""

from collections.abc import Iterable
from importlib.metadata import version
from inspect import getdoc

from mcp.server.lowlevel.helper_types import ReadResourceContents
from mcp.server.mcpserver import Context, MCPServer, ResourceSecurity
from mcp.server.mcpserver.exceptions import ResourceError, ToolError
from mcp_types import CallToolResult, InputRequiredResult, ToolAnnotations
from pydantic import AnyUrl, ValidationError

from turnkeeper.client import VoiceSessions
from turnkeeper.errors import TurnkeeperError
from turnkeeper.mcp_server.guide import INSTRUCTIONS, LEADING
from turnkeeper.mcp_server.refusals import refusal, resource_error, wrong_arguments
from turnkeeper.mcp_server.results import STATE_URI, TRANSCRIPT_URI
from turnkeeper.mcp_server.tools import FormTools
from turnkeeper.telemetry.logs import logger

_log = logger(__name__)

_READS = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)
_ADDS = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=False
)
_CORRECTS = _ADDS.model_copy(update={"destructive_hint": True})
_ENDS = _CORRECTS.model_copy(update={"idempotent_hint": True})

TOOLS: dict[str, tuple[str, ToolAnnotations]] = {
    "list_forms": ("List the forms", _READS),
    "open_form": ("Open a caller's form", _ADDS),
    "say": ("Pass on what the caller said", _CORRECTS),
    "record_answers": ("Record or correct answers", _CORRECTS),
    "form_state": ("See how a form stands", _READS),
    "hand_off_form": ("Leave the caller to a person", _ENDS),
    "cancel_form": ("Cancel a form", _ENDS),
}
"""Each tool: the method of `FormTools`, its title, its hints. A turn may be repeated without effect
only under an utterance id, which is not required: so it is not called idempotent."""

_OWN_NAME = ResourceSecurity(exempt_params={"session_id"})
"""A session's id is a name and never a path: a prefix of one letter must not look like a drive."""


class FormServer(MCPServer[None]):
    """An MCP server whose tools and resources raise `TurnkeeperError`."""

    async def call_tool(
        self,
        name: str,
        arguments: dict[str, object],
        context: Context[None, object] | None = None,
    ) -> CallToolResult | InputRequiredResult:
        try:
            return await super().call_tool(name, arguments, context)
        except ToolError as error:
            cause = error.__cause__
            if isinstance(cause, ValidationError) and type(error) is ToolError:
                cause = wrong_arguments(name, cause)
            if not isinstance(cause, TurnkeeperError):
                raise
            _log.info("tool call refused", command=name, error=type(cause).__name__)
            return refusal(cause)

    async def read_resource(
        self, uri: AnyUrl | str, context: Context[None, object] | None = None
    ) -> Iterable[ReadResourceContents] | InputRequiredResult:
        try:
            return await super().read_resource(uri, context)
        except ResourceError as error:
            if isinstance(error.__cause__, TurnkeeperError):
                raise resource_error(error.__cause__, str(uri)) from error.__cause__
            raise


def build_server(sessions: VoiceSessions) -> FormServer:
    """The server for these sessions; whoever opened them closes them after it."""
    server = FormServer(
        "turnkeeper",
        title="Turnkeeper",
        version=version("turnkeeper"),
        instructions=INSTRUCTIONS,
        subscriptions=False,
    )
    tools = FormTools(sessions)
    for name, (title, hints) in TOOLS.items():
        tool = getattr(tools, name)
        server.add_tool(tool, title=title, description=getdoc(tool), annotations=hints)
    _add_resources(server, sessions)
    server.prompt(title="Lead a form")(lead_form)
    return server


def lead_form(form: str, caller: str) -> str:
    """How to lead a caller through a form."""
    return LEADING.format(form=form, caller=caller)


def _add_resources(server: FormServer, sessions: VoiceSessions) -> None:
    @server.resource(STATE_URI, title="State", mime_type="application/json", security=_OWN_NAME)
    async def session_state(session_id: str) -> str:
        """What a session holds: answers, status, legs, the newest turn."""
        state = await sessions.state(session_id)
        return state.model_dump_json(exclude={"definition"})

    @server.resource(
        TRANSCRIPT_URI, title="Transcript", mime_type="application/json", security=_OWN_NAME
    )
    async def session_transcript(session_id: str) -> str:
        """What was heard and said, the newest exchanges, oldest first."""
        return (await sessions.transcript(session_id)).model_dump_json()
