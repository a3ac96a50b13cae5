"""How an HTTP route asks the gate: who it is before anything is read, what they may do after.

class Guarded(APIRoute):          # of the router: nobody unknown gets further
    ... await admit(request) ...

async def cancel(door: Operates, ...):    # of the route: a door with that scope
"""

from typing import Annotated

from fastapi import Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer, SecurityScopes

from turnkeeper.gateway.access.gate import Gate
from turnkeeper.gateway.access.principal import Principal, known_scopes
from turnkeeper.gateway.doorway import Doorway

_BEARER = HTTPBearer(
    scheme_name="bearer",
    description="An API key (`tk_...`, from `turnkeeper access make`) or a JSON Web Token.",
    auto_error=False,
)


def gate_of(request: Request) -> Gate:
    """The gate of the app that got the request."""
    gate = request.app.state.gate
    assert isinstance(gate, Gate)
    return gate


async def admit(request: Request) -> None:
    """Finds out who asks, for `door`. Raises Unauthenticated, StoreUnavailable, TooManyRequests."""
    address = request.client.host if request.client else ""
    authorization = request.headers.get("authorization")
    request.state.principal = await gate_of(request).principal(authorization, address)


async def door(
    needed: SecurityScopes,
    request: Request,
    _: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)],
) -> Doorway:
    """The door of who was admitted. Raises Forbidden where a scope is missing."""
    principal = request.state.principal
    assert isinstance(principal, Principal)
    found = gate_of(request).door(principal)
    found.require(*known_scopes(needed.scopes))
    return found


Known = Annotated[Doorway, Security(door)]
Talks = Annotated[Doorway, Security(door, scopes=["talk"])]
Reads = Annotated[Doorway, Security(door, scopes=["read"])]
Operates = Annotated[Doorway, Security(door, scopes=["operate"])]
Erases = Annotated[Doorway, Security(door, scopes=["erase"])]
