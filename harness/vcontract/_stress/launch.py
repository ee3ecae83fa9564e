"""`vcontract stress`: starts the processes that the load needs, and waits for the verdict."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from types import FrameType
from typing import NamedTuple

from msgspec.structs import replace

from vcontract._config.config import target_named
from vcontract._errors import HarnessError, UsageError
from vcontract._run.signals import ending
from vcontract._stress.brief import Brief, encoded
from vcontract._stress.rounds import repeated
from vcontract._testbed.embedded_simulator import stretch

ENGINE = (sys.executable, "-m", "vcontract._stress.engine")
_SIMULATOR = (sys.executable, "-m", "vcontract._stress.embedded")
_TASK_SECONDS = 0.02
_KEPT = 64
"""How many completed tasks the simulator keeps for each client."""


class Served(NamedTuple):
    """A simulator in a process of its own: its URL and its process id."""

    url: str
    process: int


def stress(brief: Brief, rounds: int, say: Callable[[str], None]) -> int:
    """Do a stress run, or up to `rounds` until one fails; gives the exit code. Raises as `_load` does."""
    return repeated(lambda: _load(brief), rounds, say)


def _load(brief: Brief) -> tuple[int, bool]:
    """Do one stress run; gives the exit code, and whether a signal ended it.

    Raises UsageError if Locust is missing or a port is taken.
    """
    if find_spec("locust") is None:
        raise UsageError("stress needs Locust: pip install 'vcontract[stress]'")
    if brief.web:
        _must_be_free("--web", brief.web, "end what listens there")
    if brief.role == "master" and brief.port:
        _must_be_free("--master", brief.port, "give another with --port, to the workers too")
    if target_named(brief.request):
        return _engine(brief)
    with simulator(brief.load.vms, brief.request.seed, _KEPT * brief.load.clients) as served:
        return _engine(replace(brief, request=replace(brief.request, target=served.url), simulator=served.process))


def _must_be_free(option: str, port: int, way_out: str) -> None:
    """Raise UsageError if something listens on a port: Locust would print a traceback and go on without it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a connection that lingers is no listener
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise UsageError(f"{option}: port {port}: {(error.strerror or str(error)).lower()}; {way_out}") from error


@contextmanager
def simulator(vms: int, seed: int, tasks: int) -> Iterator[Served]:
    """Start the simulator in a process of its own, with `vms` more VMs; it keeps `tasks` completed tasks."""
    lasting = _TASK_SECONDS * stretch()
    options = {"vms": vms, "seed": seed, "task_retention_count": tasks, "task_time": lasting}
    pipe = subprocess.PIPE
    # out of the terminal's group: Ctrl-C is for the clients, which still have to put things right
    with subprocess.Popen(_SIMULATOR, stdin=pipe, stdout=pipe, text=True, start_new_session=True) as process:  # noqa: S603 - our own
        assert process.stdout is not None
        assert process.stdin is not None
        process.stdin.write(json.dumps(options) + "\n")
        process.stdin.flush()
        url = process.stdout.readline().strip()
        if not url:
            raise HarnessError("the simulator did not start")
        try:
            yield Served(url, process.pid)
        finally:
            process.terminate()


def start(brief: Brief) -> subprocess.Popen[bytes]:
    """Start the process of a brief, outside the terminal's process group."""
    process = subprocess.Popen(ENGINE, stdin=subprocess.PIPE, start_new_session=True)  # noqa: S603 - our own
    assert process.stdin is not None
    process.stdin.write(encoded(brief) + b"\n")
    process.stdin.close()
    return process


def _engine(brief: Brief) -> tuple[int, bool]:
    """Run the process of a brief to its end, and pass signals on to it; gives its exit code, and whether there were any."""
    passed: list[int] = []
    with start(brief) as process:

        def pass_on(number: int, _: FrameType | None) -> None:
            passed.append(number)
            process.send_signal(number)

        before = [(number, signal.signal(number, pass_on)) for number in ending()]
        try:
            code = process.wait()
        finally:
            for number, handler in before:
                signal.signal(number, handler)
    if code < 0:
        raise HarnessError(f"the process of the clients was killed by signal {-code}")
    return code, bool(passed)
