"""A request is overtaken by later ones of other connections."""

from __future__ import annotations

from typing import ClassVar

from vcontract._disturbances.network.disturbance import Acting, Exchange, Network
from vcontract._disturbances.parameters import Chance, Seconds, Size


class Reordering(Network, frozen=True, kw_only=True):
    """Hold a request back until `others` requests of other connections were answered, `seconds` at most.

    The note has how many `passed`; if none did, nothing was reordered, and nothing is noted.
    """

    probability: Chance = 0.05
    others: Size = 2
    seconds: Seconds = 0.5

    parsed: ClassVar[bool] = True

    async def before(self, acting: Acting, exchange: Exchange) -> None:
        """Wait until the others were answered."""
        passed = await exchange.link.overtaken(self.others, self.seconds)
        if passed:
            acting.note(exchange, passed=passed)
