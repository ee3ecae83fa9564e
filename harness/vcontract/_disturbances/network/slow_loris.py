"""A slow client: its request reaches the server in small pieces."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from vcontract._disturbances.network.disturbance import Acting, Exchange, Network, Write
from vcontract._disturbances.parameters import Seconds, Size


class SlowLoris(Network, frozen=True, kw_only=True):
    """Carry a request to the server evenly over `seconds`, in pieces of `size` bytes or more."""

    seconds: Seconds = 0.5
    size: Size = 16

    lasting: ClassVar[bool] = True

    async def carry(self, acting: Acting, exchange: Exchange, data: bytes, write: Write, *, up: bool) -> None:
        """Carry a request piece by piece, a reply at once."""
        if not up:
            await write(data)
            return
        acting.note(exchange)
        pause = max(self.seconds * self.size / max(1, len(data)), 0.001)
        size = max(self.size, round(len(data) * pause / self.seconds))
        for place in range(0, len(data), size):
            await write(data[place : place + size])
            await asyncio.sleep(pause)
