"""The search attributes of sessions: there before the first session sets one.

The embedded server registers them itself when it starts. Elsewhere the worker does, where it may;
where it may not (Temporal Cloud, a role without operator rights) it says what to run.
"""

import asyncio

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import (
    AddSearchAttributesRequest,
    ListSearchAttributesRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from turnkeeper.contract import SEARCH_ATTRIBUTES
from turnkeeper.telemetry import logger
from turnkeeper.visibility import registration_command

_KEYWORD = IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD
_QUESTIONS, _ASK_EVERY = 240, 0.5
_NOT_ALLOWED = frozenset({RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.UNIMPLEMENTED})

_log = logger(__name__)


async def register_search_attributes(client: Client) -> bool:
    """Registers those of SEARCH_ATTRIBUTES that the namespace does not have; whether all are there.

    Where this worker has no right to do so, or the server no such call, one log line has the
    command for someone who does, and the answer is False: setting one would fail the session's
    workflow tasks. Other failures raise RPCError.
    """
    if await _searchable(client):
        return True
    missing: tuple[str, ...] = SEARCH_ATTRIBUTES
    try:
        missing = await _missing(client)
        await client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(
                namespace=client.namespace,
                search_attributes=dict.fromkeys(missing, _KEYWORD),
            )
        )
    except RPCError as error:
        if error.status not in _NOT_ALLOWED:
            raise
        _log.warning(
            "sessions are not searchable: someone with operator rights runs this, then restarts me",
            command=registration_command(client.namespace, missing),
        )
        return False
    return await _becomes_searchable(client)


async def _searchable(client: Client) -> bool:
    """Asks by searching: this needs no operator rights, which workers seldom have on a cloud."""
    try:
        await client.count_workflows(" AND ".join(f"{name} = ''" for name in SEARCH_ATTRIBUTES))
    except RPCError as error:
        if error.status is not RPCStatusCode.INVALID_ARGUMENT:
            raise
        return False
    return True


async def _becomes_searchable(client: Client) -> bool:
    """Servers other than the embedded one read their list of attributes once a minute."""
    for _ in range(_QUESTIONS):
        if await _searchable(client):
            return True
        await asyncio.sleep(_ASK_EVERY)
    _log.warning("sessions are not searchable: the server does not know its new attributes yet")
    return False


async def _missing(client: Client) -> tuple[str, ...]:
    listed = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace)
    )
    return tuple(name for name in SEARCH_ATTRIBUTES if name not in listed.custom_attributes)
