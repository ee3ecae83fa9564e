"""The simulator as the target of a run that names none."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace as with_
from functools import cache
from http.client import HTTPConnection
from urllib.parse import urlsplit

from msgspec.structs import replace

from vcontract._config.config import LOOPBACK, Config
from vcontract._simulator import Settings, SimulatorServer

TASKS = 32
"""How many completed tasks it keeps for each client."""

EMBEDDED: Config = replace(LOOPBACK, task_seconds=60.0, boot_seconds=60.0)
"""The configuration that goes with it, unless a file says otherwise.

Its longest task lasts three times `_TASK`, and `_LONGEST` times that on the slowest machine: a quarter of `task_seconds`.
"""

_ROUND_TRIP = 0.0003
"""Seconds of a round trip on the slowest machine whose tasks need not last longer than they are told to."""

_TASK, _BOOT, _SKIPS = 0.5, 1.0, 60.0
"""Seconds of a task and of a boot in which 40 calls and their reads have room where a round trip takes `_ROUND_TRIP`, and
how much the clock skips at once: more than these, less than after how long tasks are forgotten and sessions end."""

_ROUNDS, _READS = 12, 8
"""So many rounds of so many calls are timed. A machine with other work stalls now and then: most calls show nothing of it."""

_LONGEST = 10.0
"""No time is stretched further: a task must stay far from being stuck, and a run from being endless."""

_ASKED = (
    b'<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"><Body><RetrieveServiceContent xmlns="urn:vim25">'
    b'<_this type="ServiceInstance">ServiceInstance</_this></RetrieveServiceContent></Body></Envelope>'
)


def simulator_for(seed: int, api: str = "", defects: frozenset[str] = frozenset(), clients: int = 1) -> SimulatorServer:
    """Make the simulator, not yet started; it forgets tasks sooner than a vCenter, for every read of a VM lists them.

    For one client its tasks and boots last long, so that what is to be met in their midst is met on any machine; its clock
    skips what nobody looks at. Of several, one would skip what another is about to look at.
    """
    told = Settings(seed=seed, api=api or Settings.api, defects=defects, task_retention_count=TASKS * clients)
    return SimulatorServer(fitting(for_one_client(told) if clients == 1 else told))


def for_one_client(told: Settings) -> Settings:
    """Let tasks and boots last long, and the clock skip what nobody looks at."""
    return with_(told, task_time=_TASK, boot_time=_BOOT, skips=_SKIPS)


def fitting(told: Settings, factor: float = 0.0) -> Settings:
    """Let tasks and boots last so many times longer, or as long as what is judged in their midst needs to get there."""
    factor = factor or stretch()
    return with_(told, task_time=told.task_time * factor, boot_time=told.boot_time * factor)


@cache
def stretch() -> float:
    """Tell how many times longer all lasts here than where the times of the simulator were chosen; measured once a process."""
    return measured()


def measured() -> float:
    """Measure how much longer a call takes here, now; 1 on a quick and idle machine, never less."""
    with SimulatorServer() as server, _line(server) as line:
        taken = [sum(_round_trip(line) for _ in range(_READS)) / _READS for _ in range(_ROUNDS)]
    quarter = statistics.quantiles(taken, n=4)[-1]  # of the slow rounds: one that met something rare tells nothing
    return min(max(quarter / _ROUND_TRIP, 1.0), _LONGEST)


@contextmanager
def _line(server: SimulatorServer) -> Iterator[HTTPConnection]:
    """Connect to a simulator."""
    line = HTTPConnection(urlsplit(server.url).netloc)
    try:
        yield line
    finally:
        line.close()


def _round_trip(line: HTTPConnection) -> float:
    """Make a call that changes nothing; gives the seconds until its reply was there."""
    began = time.perf_counter()
    line.request("POST", "/sdk", _ASKED, {"SOAPAction": f'"urn:vim25/{Settings.api}"'})
    line.getresponse().read()
    return time.perf_counter() - began
