"""A request is delivered twice, as by a path that repeats what it takes for lost."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated, ClassVar

from msgspec import Meta

from vcontract._disturbances.network.disturbance import Acting, Exchange, Network
from vcontract._disturbances.parameters import Chance

_SESSIONS = frozenset({"Login", "Logout", "LoginByToken"})


class Duplicate(Network, frozen=True, kw_only=True):
    """Deliver a request a second time, on a connection of its own, `delay` seconds after the first; its reply is thrown away.

    The note has the times when the copy was `sent` and `answered`, and the HTTP `status` (0: no answer). A login is
    delivered once, because nobody could end the session that its copy opens.
    """

    probability: Chance = 0.02
    delay: Annotated[float, Meta(ge=0, le=60)] = 0.0

    parsed: ClassVar[bool] = True

    def wants(self, exchange: Exchange) -> bool:
        """Whether the request may be delivered twice."""
        return exchange.request is not None and exchange.request.method not in _SESSIONS

    async def before(self, acting: Acting, exchange: Exchange) -> None:
        """Send the copy while the request goes on."""
        exchange.link.beside(self._again(acting, exchange))

    async def _again(self, acting: Acting, exchange: Exchange) -> None:
        await asyncio.sleep(self.delay)
        assert exchange.request is not None
        sent = time.monotonic()
        status = await exchange.link.deliver(exchange.request.raw)
        acting.note(exchange, sent=sent, answered=time.monotonic() if status else 0.0, status=status)
