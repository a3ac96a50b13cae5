"""The sessions of one namespace as Temporal's list has them."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

from temporalio.client import Client
from temporalio.service import RPCError

from turnkeeper.backend import SessionSummary, Sought
from turnkeeper.errors import InvalidInput
from turnkeeper.temporal_sending import Sender
from turnkeeper.visibility import summary_of, visibility_query


class Listing:
    """Looks sessions up.

    Args:
        client: the backend's.
        send: the backend's.
    """

    def __init__(self, client: Client, send: Sender) -> None:
        self._client = client
        self._send = send

    async def find(
        self, prefix: str, sought: Sought, limit: int | None, transport: str | None
    ) -> AsyncIterator[SessionSummary]:
        """Raises InvalidInput, StoreUnavailable."""
        query = visibility_query(prefix, sought, transport)
        found = self._client.list_workflows(query, limit=limit)
        with _naming(sought.query):
            while execution := await self._send(prefix, lambda: anext(found, None)):
                yield summary_of(execution)

    async def count(self, prefix: str, sought: Sought, transport: str | None) -> int:
        """Raises InvalidInput, StoreUnavailable."""
        query = visibility_query(prefix, sought, transport)
        with _naming(sought.query):
            return (await self._send(prefix, lambda: self._client.count_workflows(query))).count


@contextmanager
def _naming(query: str | None) -> Iterator[None]:
    """What Temporal says of a filter, about the part of it that somebody wrote."""
    try:
        yield
    except InvalidInput as error:
        if query is None or not isinstance(error.__cause__, RPCError):
            raise
        why = error.__cause__.message.removeprefix("invalid query: ")
        why = why.partition(" at position")[0]  # That is of the whole filter, which nobody wrote.
        raise InvalidInput(f"{query!r} is no list filter of Temporal's: {why}") from None
