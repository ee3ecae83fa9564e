"""The base of the disturbances of the path: what they may do to a connection, a request and a reply."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any, ClassVar

from vcontract._disturbances.parameters import Chance, Parameters

if TYPE_CHECKING:
    from vcontract._disturbances.network.framing import Request
    from vcontract._disturbances.network.link import Link

Write = Callable[[bytes], Awaitable[None]]
Note = Callable[..., None]


class ResetError(Exception):
    """Raised to have the connection reset, towards both sides."""


class CutError(Exception):
    """Raised to have the connection closed, towards both sides; what was written before still arrives."""


@dataclass
class Exchange:
    """A request that came over a link, and its reply once that is whole (empty before).

    If requests are not parsed, it stands for the bytes of one read, and `request` is None.
    """

    link: Link
    request: Request | None = None
    reply: bytes = b""
    acting: list[Acting] = field(default_factory=list)

    def facts(self) -> dict[str, Any]:
        """Describe the exchange without anything that could be secret: connection, port of the client, method, VM."""
        facts: dict[str, Any] = {"connection": self.link.number, "port": self.link.port}
        if self.request is not None:
            facts |= {"method": self.request.method, "vm": self.request.vm, "received": self.request.received}
        return facts


@dataclass
class Acting:
    """A disturbance that applies to one exchange, with its random numbers; it calls `note` when it strikes."""

    does: Network
    rng: Random
    note: Note


class Network(Parameters, frozen=True, kw_only=True):
    """A disturbance of the path; each method does nothing unless a disturbance needs it.

    `parsed`: it needs whole requests, so it cannot apply to encrypted bytes. `lasting`: it changes all exchanges in its
    time, and notes only the first as a strike. `probability` is the share of the exchanges that it strikes.
    """

    probability: Chance = 1.0

    parsed: ClassVar[bool] = False
    lasting: ClassVar[bool] = False

    def wants(self, exchange: Exchange) -> bool:
        """Whether the disturbance applies to an exchange."""
        del exchange
        return True

    def admits(self, rank: int) -> bool:
        """Whether a new connection is accepted; `rank` counts those that are older and still open."""
        del rank
        return True

    async def before(self, acting: Acting, exchange: Exchange) -> None:
        """Act before a request is carried to the server."""

    async def after(self, acting: Acting, exchange: Exchange) -> None:
        """Act once the reply is whole, before it is carried to the client."""

    async def carry(self, acting: Acting, exchange: Exchange, data: bytes, write: Write, *, up: bool) -> None:
        """Carry bytes on, `up` to the server or down from it."""
        del acting, exchange, up
        await write(data)
