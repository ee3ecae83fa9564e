"""The simulator on a socket: one asyncio loop on loopback, in a thread of this process or in the foreground."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import threading
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Self, cast

from vcontract._errors import UsageError
from vcontract._simulator.dispatch import Waiting
from vcontract._simulator.http1 import BadRequest, Reply, Request, RequestParser
from vcontract._simulator.settings import Settings
from vcontract._simulator.times.timing import REQUEST
from vcontract._simulator.tls import Certificates
from vcontract._simulator.vcenter import VCenter

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from vcontract._simulator.timeline import Handle

_LOG = logging.getLogger(__name__)
_HOST = "127.0.0.1"


class _Connection(asyncio.Protocol):
    """One client; its requests are answered in order, one that blocks holds up those behind it."""

    def __init__(self, service: _Service) -> None:
        self._service = service
        self._transport: asyncio.Transport | None = None
        self._parser: RequestParser | None = None
        self._queue: deque[tuple[Request, bytes] | Reply] = deque()
        self._waiting: Waiting | None = None
        self._held: Handle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start to parse the requests of a client."""
        self._transport = cast("asyncio.Transport", transport)
        peer = transport.get_extra_info("peername") or (_HOST,)
        self._parser = RequestParser(peer[0])
        self._service.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Cancel the call whose reply the client will not read."""
        if self._waiting is not None:
            self._waiting.cancel()
        if self._held is not None:
            self._held.cancel()
        self._service.connections.discard(self)
        self._transport = None

    def data_received(self, data: bytes) -> None:
        """Take bytes; answer each request that they complete."""
        assert self._parser is not None
        assert self._transport is not None
        try:
            self._parser.feed(data)
        except BadRequest as bad:
            self._take_complete()
            self._queue.append(bad.reply)
        else:
            self._take_complete()
        if self._parser.interim:
            self._transport.write(self._parser.interim)
            self._parser.interim = b""
        self._serve()

    @property
    def waits(self) -> bool:
        """Whether a call of the client blocks."""
        return self._waiting is not None

    @property
    def behind(self) -> bool:
        """Whether requests of the client are still to be answered, though none of it blocks."""
        return bool(self._queue) and self._waiting is None

    def close(self) -> None:
        """Drop the client."""
        if self._transport is not None:
            self._transport.abort()

    def _take_complete(self) -> None:
        assert self._parser is not None
        self._queue.extend(self._parser.complete)
        self._parser.complete.clear()

    def _serve(self) -> None:
        while self._queue and self._waiting is None and self._held is None and self._transport is not None:
            item = self._queue.popleft()
            if isinstance(item, Reply):
                self._send(item, keep_alive=False)
                return
            head, body = item
            answer = self._service.vcenter.handle(head, body)
            if isinstance(answer, Waiting):
                self._waiting = answer
                answer.deliver = partial(self._delivered, head)
            elif late := self._service.vcenter.timing.late(REQUEST):
                self._held = self._service.vcenter.timeline.after(late, partial(self._delivered, head, answer))
            else:
                self._send(answer, keep_alive=head.keep_alive, headless=head.method == "HEAD")
        self._service.settle()

    def _delivered(self, head: Request, reply: Reply) -> None:
        self._waiting = self._held = None
        self._send(reply, keep_alive=head.keep_alive, headless=head.method == "HEAD")
        self._service.loop.call_soon(self._serve)

    def _send(self, reply: Reply, *, keep_alive: bool, headless: bool = False) -> None:
        if self._transport is None:
            return
        if reply.cut:
            self._queue.clear()
            self._transport.abort()
            return
        close = reply.close or not keep_alive
        encoded = reply.encode(close=close)
        self._transport.write(encoded[: len(encoded) - len(reply.body)] if headless else encoded)
        if close:
            self._queue.clear()
            self._transport.close()


class _Service:
    """A VCenter, the loop that serves it, and the timer of its timeline."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.vcenter = VCenter(settings)
        self.connections: set[_Connection] = set()
        self.loop = asyncio.get_running_loop()
        self._certificates = Certificates() if settings.tls else None
        self._timer: asyncio.TimerHandle | None = None
        self._server: asyncio.Server | None = None
        self._port = 0

    @property
    def ca_file(self) -> Path | None:
        """The file with the authority's certificate, if TLS is on."""
        return None if self._certificates is None else self._certificates.ca_file

    async def open(self) -> str:
        """Listen; gives the URL. UsageError if the port is taken."""
        try:
            await self._listen(self.settings.port)
        except OSError as error:
            self.release()
            raise UsageError(f"cannot listen on port {self.settings.port}: {error.strerror}") from None
        self.settle()
        return f"{'https' if self._certificates else 'http'}://{_HOST}:{self._port}/sdk"

    async def _listen(self, port: int) -> None:
        context = None if self._certificates is None else self._certificates.context
        self._server = await self.loop.create_server(lambda: _Connection(self), _HOST, port, ssl=context)
        self._port = int(self._server.sockets[0].getsockname()[1])

    async def restart(self, seconds: float) -> None:
        """Drop clients, end sessions, and serve again after `seconds`; VMs and their tasks go on, as they are the hosts'."""
        await self._stop_listening()
        for session in self.vcenter.sessions.all():
            self.vcenter.sessions.end(session)
        await asyncio.sleep(seconds)
        await self._listen(self._port)

    def settle(self) -> None:
        """Run what is due, skip what nobody looks at, and set the timer for the next entry of the agenda."""
        self.vcenter.settle()
        while self._only_waited_for() and self.vcenter.timeline.skip(self.vcenter.settings.skips):
            self.vcenter.settle()
        if self._timer is not None:
            self._timer.cancel()
        due = self.vcenter.timeline.next_due()
        self._timer = None if due is None else self.loop.call_later(due, self.settle)

    def _only_waited_for(self) -> bool:
        """Whether the clock may skip, as calls wait for changes and none is to be answered now."""
        if not self.vcenter.settings.skips or not any(connection.waits for connection in self.connections):
            return False
        return not any(connection.behind for connection in self.connections)

    async def close(self) -> None:
        """Stop listening and drop every client."""
        if self._timer is not None:
            self._timer.cancel()
        await self._stop_listening()
        self.release()

    async def _stop_listening(self) -> None:
        for connection in list(self.connections):
            connection.close()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
        await asyncio.sleep(0)  # aborted connections close in the next turn of the loop

    def release(self) -> None:
        """Remove the certificate's file."""
        if self._certificates is not None:
            self._certificates.close()


class SimulatorServer:
    """The simulator in a thread of this process: `with SimulatorServer(settings) as s: s.url`."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()
        self.url = ""
        self.ca_file: Path | None = None
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._service: _Service | None = None
        self._thread = threading.Thread(target=self._main, name="vcontract-simulator", daemon=True)

    def start(self) -> Self:
        """Start and wait until it listens; raises what the start raised (UsageError for bad settings)."""
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            self._thread.join()
            raise self._failure
        return self

    def stop(self) -> None:
        """Stop and wait until it has."""
        if self._loop is not None and self._stop is not None and self._thread.is_alive():
            with contextlib.suppress(RuntimeError):  # the loop has just closed by itself
                self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def restart(self, seconds: float = 0.3) -> None:
        """Stop serving for `seconds`, as a vCenter's service does that restarts: sessions end, VMs and their tasks go on."""
        assert self._loop is not None
        assert self._service is not None
        asyncio.run_coroutine_threadsafe(self._service.restart(seconds), self._loop).result()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _main(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as failure:  # noqa: BLE001 - it is handed to the thread that waits
            self._failure = failure
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        service = self._service = _Service(self.settings)
        self.url = await service.open()
        self.ca_file = service.ca_file
        self._ready.set()
        await self._stop.wait()
        await service.close()


def serve_forever(settings: Settings, on_ready: Callable[[str], None]) -> None:
    """Serve in the foreground until SIGTERM or SIGINT; `on_ready` gets the URL. Call it from the main thread."""

    async def serve() -> None:
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, stop.set)
        service = _Service(settings)
        on_ready(await service.open())
        await stop.wait()
        await service.close()

    asyncio.run(serve())
