"""A target whose tasks never end: it is told, each costs its VM alone, and proves nothing unless the operator set a limit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace as with_

import pytest
from msgspec.structs import replace

from tests.mangler import MANAGER, Exchange, Mangled, Reply
from tests.waited_time import WaitedTime
from tests.windows import fitted
from vcontract._client import Recorder, Target
from vcontract._config.config import LOOPBACK
from vcontract._config.request import Budget, RunRequest
from vcontract._contract import load
from vcontract._report.events import Note, RunEvent
from vcontract._report.result import RunResult
from vcontract._run.conformance import run_conformance
from vcontract._run.start import StartedRun
from vcontract._simulator import SimulatorServer
from vcontract._terms import Verdict, subject
from vcontract._testbed import Site
from vcontract._testbed.quarantine import Quarantine
from vcontract._testbed.survey import secrets_of

METHOD, CALLS = "AbortCustomization_Task", 2


class Told:
    """Hears a run, and keeps its notes."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def on(self, event: RunEvent) -> None:
        """Take one event."""
        self.notes += [event.text] if isinstance(event, Note) else []


@pytest.fixture
def endless(mangled: Mangled) -> Iterator[str]:
    """Give the address of a simulator whose tasks never end, which tells nobody of changes: all waits are by the clock."""

    def act(exchange: Exchange) -> Reply | bytes:
        return exchange.reply(500, b"", ()) if exchange.method == "WaitForUpdatesEx" else exchange.ask()

    with SimulatorServer(with_(fitted(boot_time=0.02), task_time=1e6)) as server:
        yield mangled(act, server.url).url


def ran(url: str, limit: float) -> tuple[RunResult, list[str], list[str]]:
    """Run; gives the result, what was told, and on which VMs the method was called and accepted."""
    told, recorder = Told(), Recorder(clock=WaitedTime())
    target = Target.open(url, recorder=recorder, secrets=secrets_of(LOOPBACK))
    options = RunRequest(seed=3, methods=(METHOD,), max_calls=CALLS, shrink=Budget(attempts=0, seconds=0.0))
    with closing(target):
        site = Site(target, load(MANAGER), replace(LOOPBACK, task_seconds=limit, confirm=1), options)
        result = run_conformance(StartedRun(site, [told]))
    called = [subject(done.call) for done in recorder.operations if done.call.method == METHOD and done.status == 200]
    return result, told.notes, called


@pytest.mark.parametrize("limit", [0.0, 70.0])
def test_it_is_a_finding_where_the_operator_set_a_limit(
    endless: str, limit: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Oracle rule A14: without one it proves nothing. It is told what is waited for, and for how long at most."""
    monkeypatch.setattr("vcontract._model.facts.TASK_WAIT", 80.0)
    result, notes, called = ran(endless, limit)
    assert (result.verdict is Verdict.VIOLATES) == bool(limit)
    assert {finding.observed for finding in result.findings} == ({"stuck (task)"} if limit else set())
    waits = [note for note in notes if note.startswith(f"waiting for {METHOD}")]
    assert waits, notes
    assert f"it is given {limit or 80:g} s (task_seconds)" in waits[0]
    assert called


def test_a_method_whose_tasks_never_ended_on_two_vms_is_not_called_any_more() -> None:
    """Each further one would cost the whole time; one of which a task was seen to end is called on."""
    quarantine = Quarantine()
    for vm in ("one", "two"):
        quarantine.stuck_task(vm, vm, "its A_Task did not end", "A_Task")
        quarantine.stuck_task(vm, vm, "its B_Task did not end")
    assert "on one, two" in quarantine.why("", "A_Task")
    assert quarantine.why("", "B_Task") == ""
    assert not quarantine.chosen("one")
    assert quarantine.chosen("three")
