"""The server under test, where the run starts it: its process, what it prints, whether it lives."""

from vcontract._server.started_server import LOG, StartedServer, started
from vcontract._server.watched_connection import WatchedConnection

__all__ = ["LOG", "StartedServer", "WatchedConnection", "started"]
