"""The connection ends in the middle of a reply."""

from __future__ import annotations

from vcontract._disturbances.network.disturbance import Acting, CutError, Exchange, Network, Write
from vcontract._disturbances.parameters import Chance


class HalfReply(Network, frozen=True, kw_only=True):
    """Carry a part of a reply, at least its first byte and never its last, and close the connection."""

    probability: Chance = 0.02

    async def carry(self, acting: Acting, exchange: Exchange, data: bytes, write: Write, *, up: bool) -> None:
        """Cut a reply of the server."""
        if up or len(data) < 2:
            await write(data)
            return
        part = 1 + int((len(data) - 1) * acting.rng.random())
        acting.note(exchange, bytes=part, of=len(data))
        await write(data[:part])
        raise CutError
