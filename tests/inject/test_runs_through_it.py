"""Our own runs as a client of the gate: without rules nothing changes, and what is illegal is found as a planted bug is."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.inject.conftest import Open
from tests.inject.relay import Relay
from tests.mangler import MANAGER, Run, ran, simulator  # noqa: F401 - fixtures: a simulator with time for a slow machine
from tests.windows import skipping
from vcontract._commands.run import execute
from vcontract._config.request import RunRequest
from vcontract._contract import load
from vcontract._inject.plausible import place_of
from vcontract._inject.rules import Rule
from vcontract._simulator import SimulatorServer
from vcontract._terms import Grade, Verdict

_ILLEGAL = ("FileFault", "InvalidName", "DuplicateName", "NoDiskSpace", "SnapshotFault", "InvalidLogin")
_METHODS = tuple(each.name for each in load(MANAGER).methods)
_KINDS = [(method, fault, channel) for method in _METHODS for fault in _ILLEGAL for channel in ("call", "task")]
_SAMPLE = [("CustomizeGuest_Task", "FileFault", "call"), ("AbortCustomization_Task", "NoDiskSpace", "task")]


def test_a_run_through_the_gate_finds_what_it_finds_without(gate: Open, simulator: SimulatorServer, ran: Run) -> None:  # noqa: F811 - fixtures
    """The same findings (none), by as many judged calls; which busy moments are met is the machine's affair."""
    results = [ran(url, "CustomizeGuest_Task", calls=12, exchange=20.0)[0] for url in (simulator.url, gate().url)]
    assert [each.calls for each in results] == [12, 12]
    assert [each.findings for each in results] == [[], []]
    assert Verdict.VIOLATES not in {each.verdict for each in results}
    rows = [[row.id for row in each.rows] for each in results]
    assert rows[0] == rows[1] != []


def streams(*relays: Relay) -> list[list[tuple[bytes, bytes]]]:
    """Give what went over each relay, by connection, once they agree, or after a minute: the last bytes may be on their way."""
    until = time.monotonic() + 60
    while True:
        found = [sorted((bytes(sent), bytes(got)) for sent, got in relay.streams) for relay in relays]
        if all(each == found[0] for each in found) or time.monotonic() > until:
            return found
        time.sleep(0.1)


def assert_all_went_through(before: list[tuple[bytes, bytes]], behind: list[tuple[bytes, bytes]]) -> None:
    """Assert that the server got what was sent, and the client what was said, but for one reply that it did not wait for."""
    assert [sent for sent, _ in before] == [sent for sent, _ in behind]
    for (_, got), (_, said) in zip(before, behind, strict=True):
        short, whole = sorted((got, said), key=len)
        assert whole.startswith(short)
        assert whole[len(short) :].count(b"HTTP/1.1 ") <= 1


def test_every_byte_of_a_run_goes_through(gate: Open, simulator: SimulatorServer, ran: Run) -> None:  # noqa: F811 - fixtures
    """What the run sends the server gets, and what the server says the run gets: to the byte, on each connection."""
    with closing(Relay(simulator.url)) as behind:
        opened = gate(server=behind.url)
        with closing(Relay(opened.url)) as before:
            result, _ = ran(before.url, "AbortCustomization_Task", calls=12, exchange=20.0)
            sides = streams(before, behind)
    assert result.calls == 12
    assert len(sides[0]) >= 1
    assert sum(len(got) for _, got in sides[0]) > 100_000
    assert sides[0] == sides[1]


@pytest.mark.long
def test_every_byte_of_a_whole_run_goes_through(gate: Open, tmp_path: Path) -> None:
    """As above, of a run of all rows and cells, which conforms; it leaves some waits before they are over."""
    with SimulatorServer(skipping(seed=1)) as server, closing(Relay(server.url)) as behind:
        opened = gate(server=behind.url)
        with closing(Relay(opened.url)) as before:
            result = execute(RunRequest(target=before.url, seed=1, output="none", report_dir=tmp_path))
            sides = streams(before, behind)
    assert result.verdict is Verdict.CONFORMS
    assert result.calls > 2000
    assert sum(len(got) for _, got in sides[0]) > 10_000_000
    assert_all_went_through(*sides)


def assert_found(gate: Open, ran: Run, kind: tuple[str, str, str]) -> None:  # noqa: F811 - the fixture's value
    """Assert that a run finds an illegal answer, as what it is."""
    method, fault, channel = kind
    assert place_of(method, fault, channel) is None
    opened = gate(Rule(method, fault, channel=channel, seconds=0.0, illegal=True))  # type: ignore[arg-type] # of the pair above
    result, _ = ran(opened.url, method, calls=6, exchange=20.0)
    assert result.verdict is Verdict.VIOLATES
    grades = {each.grade for each in result.findings if fault in each.observed}
    assert Grade.UNDECLARED in grades, result.findings


@pytest.mark.parametrize("kind", _SAMPLE, ids=map("-".join, _SAMPLE))
def test_an_illegal_answer_is_found(gate: Open, ran: Run, kind: tuple[str, str, str]) -> None:  # noqa: F811 - a fixture
    """A run through a gate with an illegal rule says which fault the method may not raise."""
    assert_found(gate, ran, kind)


@pytest.mark.long
@pytest.mark.parametrize("kind", _KINDS, ids=map("-".join, _KINDS))
def test_every_illegal_answer_is_found(gate: Open, ran: Run, kind: tuple[str, str, str]) -> None:  # noqa: F811 - a fixture
    """Each of 36 kinds."""
    assert len(_KINDS) == 36
    assert_found(gate, ran, kind)
