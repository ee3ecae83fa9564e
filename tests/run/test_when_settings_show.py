"""A whole run is quiet wherever a server takes settings up as the documents let it, and finds one that never does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from msgspec import structs

from tests.windows import fitted
from vcontract.client import Recorder, Target
from vcontract.config.request import Budget, RunRequest
from vcontract.contract import load
from vcontract.run.conformance import run_conformance
from vcontract.run.start import StartedRun
from vcontract.simulator import SimulatorServer
from vcontract.simulator.behaviour import Behaviour
from vcontract.simulator.defects.registry import MANAGER
from vcontract.simulator.guest.operations import START_NETWORK
from vcontract.simulator.variants.registry import VARIANTS
from vcontract.simulator.vcenter import VCenter
from vcontract.testbed.embedded_simulator import EMBEDDED
from vcontract.testbed.survey import secrets_of
from vcontract.testbed.testbed import Site

CALLS = 12
Takes = Callable[[VCenter], None]


def waits(vcenter: VCenter, *, start: bool = True, boot: bool = True) -> None:
    """Let settings wait: addresses for the network start or a boot, names for a boot."""
    decisions, left = vcenter.decisions, dict[str, Any]()
    apply, end, happened = decisions.apply, decisions.end[START_NETWORK], decisions.happened

    def taken(attempt: Any) -> Any:
        machine = attempt.machine
        if start and machine.moid in left:
            name = machine.guest.host_name
            apply(machine, left[machine.moid])
            machine.guest.host_name = name
        return end(attempt)

    def booted(what: str, machine: Any) -> None:
        happened(what, machine)
        if boot and what == "boot" and machine.moid in left:
            apply(machine, left.pop(machine.moid))

    decisions.apply = lambda machine, spec: left.update({machine.moid: spec})
    decisions.end[START_NETWORK], decisions.happened = taken, booted


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Give a function that runs against a simulator that takes settings up in its own way."""

    def run(takes: Takes, calls: int = CALLS, **changes: Any) -> Any:
        config = structs.replace(EMBEDDED, **changes)
        monkeypatch.setitem(VARIANTS.known, "own", Behaviour("own", "Takes settings up in its own way.", takes))
        settings = replace(fitted(seed=1, task_time=0.015, boot_time=0.03), variants=frozenset({"own"}))
        options = RunRequest(seed=1, max_calls=calls, time_limit=120.0, shrink=Budget(attempts=0, seconds=0.0))
        with SimulatorServer(settings) as simulator:
            target = Target.open(simulator.url, recorder=Recorder(), secrets=secrets_of(config))
            try:
                return run_conformance(StartedRun(Site(target, load(MANAGER), config, options)))
            finally:
                target.close()

    return run


QUIET: dict[str, Takes] = {
    "at once": lambda _: None,
    "when the network starts, names when it boots": waits,
}


@pytest.mark.parametrize("takes", ["at once", "when the network starts, names when it boots"])
def test_each_way_that_the_documents_leave_open_is_quiet(takes: str, judged: Callable[..., Any]) -> None:
    """Of a run the first cells, which are about that alone, and some others."""
    assert [finding.detail for finding in judged(QUIET[takes]).findings] == []


def test_a_guest_that_takes_nothing_up_is_found(judged: Callable[..., Any]) -> None:
    """Neither the start of its network nor a boot shows what it was given."""
    found = judged(lambda vcenter: waits(vcenter, start=False, boot=False)).findings
    assert {finding.method for finding in found} == {"CustomizeGuest_Task", "StartGuestNetwork_Task"}
    assert any("after a boot" in finding.detail for finding in found)
    assert all(finding.shown for finding in found)


def test_late_reports_are_waited_for(judged: Callable[..., Any]) -> None:
    """As long as the configuration says: twice before a breach, not at all once all is shown."""
    late = judged(lambda vcenter: waits(vcenter, start=False, boot=False), 4, staleness=0.2)
    assert any("after a network start" in finding.detail for finding in late.findings)
    assert [finding.detail for finding in judged(waits, 8, staleness=0.2).findings] == []
