"""What every disturbance of the path has in common: what it may do to a connection, a request and a reply."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any, ClassVar

from vcontract.disturbances.parameters import Chance, Parameters

if TYPE_CHECKING:
    from vcontract.disturbances.network.framing import Request
    from vcontract.disturbances.network.link import Link

Write = Callable[[bytes], Awaitable[None]]
Note = Callable[..., None]


class ResetError(Exception):
    """The connection is to be reset, towards both sides."""


class CutError(Exception):
    """The connection is to be closed, towards both sides; what was written before still arrives."""


@dataclass
class Exchange:
    """A request that came over a link, and its reply once it is there (empty before).

    Where requests are not parsed it stands for the bytes that came at once, and `request` is None.
    """

    link: Link
    request: Request | None = None
    reply: bytes = b""
    acting: list[Acting] = field(default_factory=list)

    def facts(self) -> dict[str, Any]:
        """Say what this is, without anything that could be secret: connection, port of the client, method, VM."""
        facts: dict[str, Any] = {"connection": self.link.number, "port": self.link.port}
        if self.request is not None:
            facts |= {"method": self.request.method, "vm": self.request.vm, "received": self.request.received}
        return facts


@dataclass
class Acting:
    """A disturbance at work on one exchange, with the random numbers that it may draw; `note` says that it struck."""

    does: Network
    rng: Random
    note: Note


class Network(Parameters, frozen=True, kw_only=True):
    """A disturbance of the path; each method does nothing unless a disturbance needs it.

    `parsed`: it must see whole requests, so it cannot work where the bytes are encrypted. `lasting`: it changes how all goes
    in its time, and says once that it does. `probability` is the share of the exchanges that it strikes.
    """

    probability: Chance = 1.0

    parsed: ClassVar[bool] = False
    lasting: ClassVar[bool] = False

    def wants(self, exchange: Exchange) -> bool:
        """Whether an exchange is of the kind that it strikes."""
        del exchange
        return True

    def admits(self, rank: int) -> bool:
        """Whether a new connection may be; `rank` counts those that are older and still open."""
        del rank
        return True

    async def before(self, acting: Acting, exchange: Exchange) -> None:
        """Do something before a request goes on."""

    async def after(self, acting: Acting, exchange: Exchange) -> None:
        """Do something once the reply is there, before it goes back."""

    async def carry(self, acting: Acting, exchange: Exchange, data: bytes, write: Write, *, up: bool) -> None:
        """Carry bytes on, `up` to the server or down from it."""
        del acting, exchange, up
        await write(data)
