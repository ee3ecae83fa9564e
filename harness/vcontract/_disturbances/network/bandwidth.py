"""The path has a limited bandwidth."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from vcontract._disturbances.network.disturbance import Acting, Exchange, Network, Write
from vcontract._disturbances.parameters import Size

_PIECES = 20
"""How many pieces are carried a second."""


class Bandwidth(Network, frozen=True, kw_only=True):
    """Carry no more than `bytes_per_second` on a connection, each way."""

    bytes_per_second: Size = 50_000

    lasting: ClassVar[bool] = True

    async def carry(self, acting: Acting, exchange: Exchange, data: bytes, write: Write, *, up: bool) -> None:
        """Carry the bytes in pieces, each after the time that its size takes."""
        acting.note(exchange, up=up)
        size = max(1, self.bytes_per_second // _PIECES)
        for place in range(0, len(data), size):
            piece = data[place : place + size]
            await asyncio.sleep(len(piece) / self.bytes_per_second)
            await write(piece)
