"""Every message is delayed by the same time."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from vcontract._disturbances.network.disturbance import Acting, Exchange, Network, Write
from vcontract._disturbances.parameters import Seconds


class Latency(Network, frozen=True, kw_only=True):
    """Delay all bytes by `seconds`, each way."""

    seconds: Seconds = 0.05

    lasting: ClassVar[bool] = True

    async def carry(self, acting: Acting, exchange: Exchange, data: bytes, write: Write, *, up: bool) -> None:
        """Wait, then carry."""
        acting.note(exchange, up=up)
        await asyncio.sleep(self.seconds)
        await write(data)
