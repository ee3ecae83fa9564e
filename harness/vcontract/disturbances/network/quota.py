"""The server takes only so many connections."""

from __future__ import annotations

from vcontract.disturbances.network.disturbance import Acting, Exchange, Network, ResetError, Write
from vcontract.disturbances.parameters import Size


class Quota(Network, frozen=True, kw_only=True):
    """Serve only the oldest `connections` that are open: another is reset as it opens, or when it asks."""

    connections: Size = 4

    def admits(self, rank: int) -> bool:
        """Whether there is room."""
        return rank < self.connections

    async def carry(self, acting: Acting, exchange: Exchange, data: bytes, write: Write, *, up: bool) -> None:
        """Reset a connection that was open before and is one too many."""
        if up and not self.admits(exchange.link.rank):
            acting.note(exchange)
            raise ResetError
        await write(data)
