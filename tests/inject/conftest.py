"""A simulator that hurries, and gates before it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.clients.guest import Guest
from vcontract._client.wire import parse_url
from vcontract._inject.rules import Rule, Rules
from vcontract._inject.serving import Opened, opened
from vcontract._simulator import Settings, SimulatorServer

Open = Callable[..., Opened]


@pytest.fixture(scope="module")
def simulator() -> Iterator[SimulatorServer]:
    """Give a simulator whose tasks are short."""
    with SimulatorServer(Settings(task_time=0.01, boot_time=0.01)) as server:
        yield server


@pytest.fixture
def gate(simulator: SimulatorServer) -> Iterator[Open]:
    """Give a function that opens a gate with rules before the simulator."""
    with ExitStack() as stack:

        def start(*rules: Rule, **options: object) -> Opened:
            server = parse_url(str(options.pop("server", simulator.url)))
            whole = Rules(rule=rules, expect=options.pop("expect", ()))  # type: ignore[arg-type] # of the test's own
            return stack.enter_context(opened("127.0.0.1:0", server, whole, **options))  # type: ignore[arg-type] # same

        yield start


@pytest.fixture
def guest() -> Iterator[Callable[[str], Guest]]:
    """Give a function that logs a pyVmomi client in at a URL; sessions are closed behind the test."""
    with ExitStack() as stack:
        yield lambda url: stack.enter_context(Guest(url))
