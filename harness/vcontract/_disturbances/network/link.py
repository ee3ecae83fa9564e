"""A client's connection and its connection to the server, with the disturbances in between."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
import struct
from collections.abc import Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any

from vcontract._disturbances.network.disturbance import CutError, Exchange, ResetError, Write
from vcontract._disturbances.network.framing import Replies, Request, Requests

if TYPE_CHECKING:
    from vcontract._disturbances.network.relay import Relay

_CHUNK = 65536
_STALL = 1.0
"""Seconds without a byte after which an incomplete request is carried on: the client may send no more of it."""
_LINGER = 2.0
"""Seconds that a server is given to close its side once the client has."""
_ANSWER = 60.0
"""Seconds to wait for the answer to a copy."""
_NOW = struct.pack("ii", 1, 0)


class Link:
    """Carries requests up and replies down, one exchange at a time; bytes that are no HTTP are carried unparsed.

    `number` counts the connections, `rank` those that were open before this one and still are, `port` is the client's.
    """

    def __init__(self, relay: Relay, number: int, client: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> None:
        self.number = number
        self.port = int((client[1].get_extra_info("peername") or ("", 0))[1])
        self._relay = relay
        self._from_client, self._to_client = client
        self._requests, self._replies = Requests(), Replies()
        self._plain = relay.upstream.secure
        self._verb = ""
        self._reply: asyncio.Future[bytes] | None = None
        self._turns = itertools.count(1)
        self._idle = asyncio.Event()
        self._idle.set()
        self._writers = [client[1]]

    @property
    def rank(self) -> int:
        """How many older connections are open."""
        return self._relay.rank(self)

    async def run(self) -> None:
        """Serve the connection until one side ends it, or a disturbance does."""
        try:
            first = await self._greeting()
            if first:
                self._from_server, self._to_server = await self._relay.connect()
                self._writers.append(self._to_server)
                await self._both(first)
        except (ResetError, OSError):
            self.reset()
        except CutError:
            pass
        finally:
            for writer in self._writers:
                with contextlib.suppress(OSError, RuntimeError):
                    writer.close()

    def reset(self) -> None:
        """Abort both connections with a TCP reset."""
        for writer in self._writers:
            sock = writer.get_extra_info("socket")
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NOW)
            writer.transport.abort()

    async def _greeting(self) -> bytes:
        """Read the first bytes; answers a CONNECT to the server, and then gives the bytes behind it."""
        first = await self._from_client.read(_CHUNK)
        if not first.startswith(b"CONNECT "):
            return first
        while b"\r\n\r\n" not in first and len(first) < _CHUNK:
            more = await self._from_client.read(_CHUNK)
            if not more:
                return b""
            first += more
        head, _, rest = first.partition(b"\r\n\r\n")
        if head.split(b" ")[1].decode("latin-1") != self._relay.upstream.place:
            self._to_client.write(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            await self._to_client.drain()
            return b""
        self._to_client.write(b"HTTP/1.1 200 OK\r\n\r\n")
        return rest or await self._from_client.read(_CHUNK)

    async def _both(self, first: bytes) -> None:
        up, down = asyncio.create_task(self._upward(first)), asyncio.create_task(self._downward())
        try:
            await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
            if up.done():
                up.result()
                with contextlib.suppress(OSError, RuntimeError):
                    self._to_server.write_eof()
                await asyncio.wait({down}, timeout=_LINGER)
            else:
                await self._idle.wait()  # the last reply may still be on its way
            for direction in (up, down):
                if direction.done():
                    direction.result()
        finally:
            for direction in (up, down):
                direction.cancel()
            await asyncio.gather(up, down, return_exceptions=True)

    async def _upward(self, data: bytes) -> None:
        while data:
            if self._plain:
                await self._carry(self._exchange(), data, up=True)
            elif (request := self._requests.feed(data)) is not None:
                await self._serve(request)
            elif self._requests.odd:
                await self._give_up()
            data = await self._read()

    async def _read(self) -> bytes:
        """Read the next bytes of the client; carries an incomplete request on if no more of it comes."""
        while True:
            waits = _STALL if self._requests.partial and not self._plain else None
            try:
                return await asyncio.wait_for(self._from_client.read(_CHUNK), waits)
            except TimeoutError:
                await self._give_up()

    async def _give_up(self) -> None:
        """Stop parsing: carry all bytes as they are from now on."""
        self._plain = True
        if data := self._requests.take():
            await self._carry(self._exchange(), data, up=True)

    async def _serve(self, request: Request) -> None:
        exchange, self._verb = self._exchange(request), request.verb
        self._reply = asyncio.get_running_loop().create_future()
        self._idle.clear()
        try:
            for acting in exchange.acting:
                await acting.does.before(acting, exchange)
            await self._carry(exchange, request.raw, up=True)
            exchange.reply = await self._reply
            self._relay.passed(self)
            for acting in exchange.acting:
                await acting.does.after(acting, exchange)
            await self._carry(exchange, exchange.reply, up=False)
        finally:
            self._idle.set()

    async def _downward(self) -> None:
        while data := await self._from_server.read(_CHUNK):
            if self._plain or self._reply is None or self._reply.done():
                await self._idle.wait()
                await self._carry(self._exchange(), data, up=False)
            elif (reply := self._replies.feed(data, self._verb)) is not None:
                self._reply.set_result(reply)
            elif self._replies.odd:
                self._plain = True
                self._reply.set_result(self._replies.take())
        if self._reply is not None and not self._reply.done():
            self._reply.set_result(self._replies.take())

    def _exchange(self, request: Request | None = None) -> Exchange:
        exchange = Exchange(self, request)
        exchange.acting = self._relay.acting(exchange, next(self._turns))
        return exchange

    async def _carry(self, exchange: Exchange, data: bytes, *, up: bool) -> None:
        """Carry bytes through all disturbances that apply to them."""
        writer = self._to_server if up else self._to_client

        async def write(data: bytes) -> None:
            writer.write(data)
            await writer.drain()

        way: Write = write
        for acting in reversed(exchange.acting):
            way = partial(_through, acting.does.carry, acting, exchange, way, up)
        await way(data)

    # what disturbances may ask for

    def beside(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine for which this connection does not wait."""
        self._relay.beside(work)

    async def overtaken(self, others: int, seconds: float) -> int:
        """Wait until `others` requests of other connections were answered, `seconds` at most; gives how many were."""
        return await self._relay.overtaken(self, others, seconds)

    async def deliver(self, raw: bytes) -> int:
        """Deliver a request on a connection of its own; gives the HTTP status of the reply, 0 if there was none."""
        replies = Replies()
        try:
            reader, writer = await self._relay.connect()
        except OSError:
            return 0
        try:
            writer.write(raw)
            async with asyncio.timeout(_ANSWER):
                while data := await reader.read(_CHUNK):
                    if replies.feed(data, "POST") is not None:
                        return replies.status
        except (OSError, TimeoutError):
            return 0
        finally:
            writer.close()
        return 0


async def _through(carry: Any, acting: Any, exchange: Exchange, way: Write, up: bool, data: bytes) -> None:  # noqa: FBT001 - partial gives it by place
    await carry(acting, exchange, data, way, up=up)
