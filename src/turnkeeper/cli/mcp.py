"""`turnkeeper mcp`: durable forms as tools of a general agent, over the Model Context Protocol."""

import asyncio

import click

from turnkeeper.cli.reach import Opener, Place, open_sessions, where
from turnkeeper.errors import SettingsError
from turnkeeper.mcp_server.address import Address


@click.command(name="mcp")
@click.option(
    "--http",
    metavar="[HOST:]PORT",
    help="Serve streamable HTTP on loopback, in place of standard input and output.",
)
@where
@click.pass_obj
def mcp_command(opener: Opener | None, /, http: str | None, **place: str | None) -> None:
    """Serve durable forms as tools to an agent that speaks MCP.

    The agent's host starts this command and talks to it on standard input and output. Logs go to
    standard error. Over HTTP it lets in who has an API key, or a token, with the scopes talk, read
    and operate. Needs `pip install turnkeeper[mcp]`.

    \b
    Example:
      turnkeeper mcp
      turnkeeper mcp --http 8765
    """
    address = Address.read(http) if http else None
    _require_library()
    asyncio.run(_serve(opener or open_sessions, Place(**place), address))


async def _serve(opener: Opener, place: Place, address: Address | None) -> None:
    from turnkeeper.gateway.access.ways import ways_in
    from turnkeeper.mcp_server.serve import serve_http
    from turnkeeper.mcp_server.server import build_server
    from turnkeeper.settings import read_settings
    from turnkeeper.telemetry import setup_telemetry

    setup_telemetry("turnkeeper-mcp", read_settings())
    async with opener(place) as sessions:
        server = build_server(sessions)
        if address:
            settings = sessions.settings
            await serve_http(server, address, ways_in(settings), settings.tenant)
        else:
            await server.run_stdio_async()


def _require_library() -> None:
    """Raises SettingsError without the extra."""
    try:
        import mcp.server  # noqa: F401  # only whether it is there
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("mcp"):
            raise
        raise SettingsError(
            "`turnkeeper mcp` needs the library of the Model Context Protocol, which is not "
            "installed: pip install 'turnkeeper[mcp]'"
        ) from None
