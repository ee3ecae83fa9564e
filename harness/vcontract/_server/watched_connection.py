"""A connection to a server that was started here: what is lost on it is told from the end, or the silence, of the server."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from vcontract._client.wire import Connection, HttpReply
from vcontract._server.started_server import StartedServer
from vcontract._terms import CRASHED, HUNG, SILENT, Lost

_ASKED = "/sdk/vimServiceVersions.xml"
"""A document that every server has, or refuses: any answer shows that it lives."""


class WatchedConnection:
    """Makes the exchanges of a connection that `make` gives; of each that is lost it is asked what became of the server.

    One that closes a connection and lives on has only lost that; one that is silent hangs if a fresh connection finds it
    silent too, for as long as a whole exchange may last.
    """

    over = ""
    """A server that ended is started again."""

    def __init__(self, make: Callable[[], Connection], server: StartedServer) -> None:
        self._make, self._connection, self._server = make, make(), server
        self._stopped: Callable[[], bool] = lambda: False

    @property
    def met(self) -> bool:
        """Whether the server has answered before."""
        return self._connection.met

    @met.setter
    def met(self, met: bool) -> None:
        self._connection.met = met

    @property
    def reused(self) -> bool:
        """Whether the last exchange was not the first of its connection."""
        return self._connection.reused

    @reused.setter
    def reused(self, reused: bool) -> None:
        self._connection.reused = reused

    @property
    def stopped(self) -> Callable[[], bool]:
        """Tell whether exchanges are to end soon."""
        return self._stopped

    @stopped.setter
    def stopped(self, stopped: Callable[[], bool]) -> None:
        self._stopped = self._connection.stopped = stopped

    def get(self, path: str) -> HttpReply | Lost:
        """Fetch a document."""
        return self._told(self._connection.get(path))

    def post(
        self,
        path: str,
        body: bytes,
        headers: Mapping[str, str],
        pacing: tuple[float, ...] = (),
        seconds: float = math.inf,
    ) -> HttpReply | Lost:
        """Send a body, as `Connection.post` does."""
        return self._told(self._connection.post(path, body, headers, pacing, seconds))

    def close(self) -> None:
        """Close it; the next request opens it again."""
        self._connection.close()

    def _told(self, reply: HttpReply | Lost) -> HttpReply | Lost:
        """Say of a reply that was lost what became of the server, if something did."""
        if not isinstance(reply, Lost) or self._stopped():
            return reply
        if why := self._server.ended():
            return Lost(f"{CRASHED}{why}; {reply.reason}; its last output: {self._server.said()}")
        if reply.reason.startswith(HUNG) and self._silent():
            return Lost(f"{SILENT}{reply.reason}, nor on a fresh connection; its last output: {self._server.said()}")
        return reply

    def _silent(self) -> bool:
        """Whether a fresh connection finds the server silent."""
        fresh = self._make()
        fresh.stopped = self._stopped
        asked = fresh.get(_ASKED)
        fresh.close()
        return isinstance(asked, Lost) and asked.reason.startswith(HUNG) and not self._stopped()
