"""The server under test, where the run starts it: its process, what it prints, whether it lives."""

from vcontract.server.started_server import LOG, StartedServer, started
from vcontract.server.watched_connection import WatchedConnection

__all__ = ["LOG", "StartedServer", "WatchedConnection", "started"]
