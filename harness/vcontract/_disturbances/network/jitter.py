"""Every message is delayed by another time, so that those of several connections overtake each other."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from vcontract._disturbances.network.disturbance import Acting, Exchange, Network, Write
from vcontract._disturbances.parameters import Seconds


class Jitter(Network, frozen=True, kw_only=True):
    """Delay all bytes by up to `seconds`, drawn anew each way."""

    seconds: Seconds = 0.05

    lasting: ClassVar[bool] = True

    async def carry(self, acting: Acting, exchange: Exchange, data: bytes, write: Write, *, up: bool) -> None:
        """Wait, then carry."""
        acting.note(exchange, up=up)
        await asyncio.sleep(self.seconds * acting.rng.random())
        await write(data)
