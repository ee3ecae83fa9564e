"""The server accepts a limited number of connections."""

from __future__ import annotations

from vcontract._disturbances.network.disturbance import Acting, Exchange, Network, ResetError, Write
from vcontract._disturbances.parameters import Size


class Quota(Network, frozen=True, kw_only=True):
    """Serve only the oldest `connections` that are open: any other is reset as it opens, or at its next request."""

    connections: Size = 4

    def admits(self, rank: int) -> bool:
        """Whether a new connection is within the limit."""
        return rank < self.connections

    async def carry(self, acting: Acting, exchange: Exchange, data: bytes, write: Write, *, up: bool) -> None:
        """Reset a connection that was open before and is beyond the limit."""
        if up and not self.admits(exchange.link.rank):
            acting.note(exchange)
            raise ResetError
        await write(data)
