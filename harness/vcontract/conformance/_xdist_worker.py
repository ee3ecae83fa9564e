"""The side of a worker under pytest-xdist: takes its orders when it starts, walks, and sends back what that gave."""

from __future__ import annotations

import signal
import threading
import zlib
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from vcontract._errors import UsageError
from vcontract._workers.stopping import Stopping
from vcontract._workers.worker import Orders, work
from vcontract.conformance._items import RowTests

ORDERS, NUMBER, CHANNEL = "vcontract_orders", "vcontract_number", "vcontract_channel"
"""What a worker's input holds beside what pytest-xdist puts there; the channel is execnet's.

To the worker goes the wish that it stop, from it the number of steps that are done, and at last what it gives back.
"""


class XdistWorker:
    """Takes the share that its orders name; one that takes the place of a dead worker has none."""

    def __init__(self, config: pytest.Config, row_tests: RowTests) -> None:
        self._row_tests = row_tests
        self._given: dict[str, Any] = config.workerinput  # type: ignore[attr-defined] # pytest-xdist puts it there
        self._stopping = Stopping()
        self._before: dict[int, Any] = {}
        if CHANNEL in self._given:
            self._given[CHANNEL].setcallback(self._stopping.ask)
        if threading.current_thread() is threading.main_thread():
            # Ctrl-C reaches every process of a terminal, and execnet ends a worker whose master died by a SIGINT
            self._before = {each: signal.signal(each, self._stopping.ask) for each in (signal.SIGINT, signal.SIGTERM)}

    def workers(self) -> int:
        """Say how many shares there are."""
        return int(self._given["workercount"])

    def take_share(self, number: int) -> None:
        """Take the share of that number and send back what that gave."""
        if number != self._given.get(NUMBER):
            raise UsageError(f"walk {number} is another worker's; walks are dealt out by vcontract.conformance alone")
        orders = replace(Orders.decoded(self._given[ORDERS]), methods=self._row_tests.methods())
        gave = work(orders, self._stopping, self._given[CHANNEL].send)
        self._given[CHANNEL].send(zlib.compress(msgspec.msgpack.encode(gave), 1))

    def pytest_unconfigure(self) -> None:
        """Give the signals back: a socket server goes on after its worker."""
        for each, handler in self._before.items():
            signal.signal(each, handler)
