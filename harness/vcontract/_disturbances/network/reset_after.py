"""The connection is reset once the server has answered: the request happened, and the client cannot know."""

from __future__ import annotations

from typing import ClassVar

from vcontract._disturbances.network.disturbance import Acting, Exchange, Network, ResetError
from vcontract._disturbances.parameters import Chance


class ResetAfter(Network, frozen=True, kw_only=True):
    """Reset the connection instead of carrying the reply."""

    probability: Chance = 0.02

    parsed: ClassVar[bool] = True

    async def after(self, acting: Acting, exchange: Exchange) -> None:
        """Reset instead of carrying the reply to the client."""
        acting.note(exchange)
        raise ResetError
