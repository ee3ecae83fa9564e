"""The connection is reset before the server has seen the request: it did not happen, and the client cannot know."""

from __future__ import annotations

from vcontract._disturbances.network.disturbance import Acting, Exchange, Network, ResetError, Write
from vcontract._disturbances.parameters import Chance


class ResetBefore(Network, frozen=True, kw_only=True):
    """Reset the connection instead of carrying a request."""

    probability: Chance = 0.02

    async def carry(self, acting: Acting, exchange: Exchange, data: bytes, write: Write, *, up: bool) -> None:
        """Reset instead of carrying the request to the server."""
        if up:
            acting.note(exchange)
            raise ResetError
        await write(data)
