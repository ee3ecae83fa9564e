"""All connections on the path, and which disturbances of the schedule apply to them at the moment."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from random import Random
from typing import Any

import msgspec

from vcontract._disturbances.network.catalogue import NETWORK
from vcontract._disturbances.network.disturbance import Acting, Exchange, Network
from vcontract._disturbances.network.link import Link
from vcontract._disturbances.planned import Fired, Planned

_CONNECT = 10.0


class Upstream(msgspec.Struct, frozen=True):
    """The server behind the path; with `secure` the bytes are TLS, and only carried."""

    host: str
    port: int
    secure: bool = False

    @property
    def place(self) -> str:
        """Host and port as CONNECT names them."""
        return f"{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


class Relay:
    """Accepts connections and carries them to the server; `tell` is called with every strike of a disturbance.

    Nothing is disturbed before `zero` is set, the monotonic time at which the schedule begins. The random numbers of a
    disturbance depend only on the seed, its place in the schedule, and the numbers of the connection and of its exchange.
    """

    def __init__(
        self, upstream: Upstream, planned: Sequence[Planned], seed: int, tell: Callable[[Fired], None]
    ) -> None:
        self.upstream = upstream
        self.zero = float("inf")
        self._seed, self._tell = seed, tell
        self._planned: list[tuple[int, Planned, Network]] = sorted(
            (
                (place, disturbance, msgspec.convert(disturbance.parameters, NETWORK[disturbance.name]))
                for place, disturbance in enumerate(planned)
                if disturbance.name in NETWORK
            ),
            key=lambda entry: list(NETWORK).index(entry[1].name),
        )
        self._links: dict[int, Link] = {}
        self._numbers = 0
        self._noted: set[int] = set()
        self._works: set[asyncio.Task[None]] = set()
        self._waiting: list[_Waiting] = []

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Accept a client's connection, and serve it to its end."""
        self.beside(self._serve(reader, writer))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._numbers += 1
        link = Link(self, self._numbers, (reader, writer))
        for acting in self.acting(Exchange(link), 0, opening=True):
            if not acting.does.admits(len(self._links)):
                acting.note(Exchange(link), opening=True)
                link.reset()
                return
        self._links[link.number] = link
        try:
            await link.run()
        finally:
            del self._links[link.number]

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect to the server. Raises OSError."""
        async with asyncio.timeout(_CONNECT):
            return await asyncio.open_connection(self.upstream.host, self.upstream.port)

    def acting(self, exchange: Exchange, turn: int, *, opening: bool = False) -> list[Acting]:
        """Give the disturbances that apply to the exchange number `turn` of a link; with `opening`, to the link as it opens."""
        now, applying = time.monotonic() - self.zero, []
        for place, disturbance, does in self._planned:
            if not disturbance.start <= now < disturbance.end or (does.parsed and exchange.request is None):
                continue
            rng = Random(f"{self._seed} {place} {exchange.link.number} {turn}")  # noqa: S311 - no secret
            drawn = opening or rng.random() < does.probability
            if drawn and does.wants(exchange):
                applying.append(Acting(does, rng, partial(self._note, place, disturbance.name, does)))
        return applying

    def rank(self, link: Link) -> int:
        """Count the open connections that are older than a link."""
        return sum(number < link.number for number in self._links)

    def beside(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine for which no connection waits."""
        task = asyncio.create_task(work)
        self._works.add(task)
        task.add_done_callback(self._works.discard)

    def passed(self, link: Link) -> None:
        """Count an answered request of a link for the requests of other links that are held back."""
        for waiting in self._waiting:
            if waiting.link is not link:
                waiting.passed += 1
                if waiting.passed >= waiting.others:
                    waiting.enough.set()

    async def overtaken(self, link: Link, others: int, seconds: float) -> int:
        """Wait until `others` requests of other links were answered, `seconds` at most; gives how many were."""
        waiting = _Waiting(link, others)
        self._waiting.append(waiting)
        try:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(waiting.enough.wait(), seconds)
        finally:
            self._waiting.remove(waiting)
        return waiting.passed

    def _note(self, place: int, name: str, does: Network, exchange: Exchange, **facts: Any) -> None:
        if does.lasting and place in self._noted:
            return
        self._noted.add(place)
        self._tell(Fired(name, place, time.monotonic(), exchange.facts() | facts))


class _Waiting:
    """A request that is held back, and how many of other links were answered since."""

    def __init__(self, link: Link, others: int) -> None:
        self.link, self.others, self.passed = link, others, 0
        self.enough = asyncio.Event()
