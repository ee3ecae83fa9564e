"""Two runs at once on one faithful server, of one owner: one judges, the other says by whom the VMs are claimed."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from threading import Barrier, Thread

import pytest

from tests.mangler import MANAGER, Exchange, Mangled, Reply, Run
from vcontract.client import Recorder, Target
from vcontract.client.properties import list_vms
from vcontract.config.config import LOOPBACK
from vcontract.config.context import RunContext
from vcontract.config.request import RunRequest
from vcontract.contract import load
from vcontract.errors import ClaimedError
from vcontract.report.result import RunResult
from vcontract.run.conformance import run_conformance
from vcontract.run.start import StartedRun
from vcontract.simulator import SimulatorServer
from vcontract.terms import Operation, Verdict
from vcontract.testbed import FULL, log_in
from vcontract.testbed.survey import secrets_of
from vcontract.testbed.testbed import Site


@dataclass
class Ran:
    """What came of one run: a result, or why there is none; and what was said."""

    result: RunResult | None
    refused: str
    operations: list[Operation]


def run_named(url: str, name: str, gate: Barrier, *, calls: int = 12, breaks: bool = False) -> Ran:
    """Run a few steps under a name."""
    target = Target.open(url, recorder=Recorder(), secrets=secrets_of(LOOPBACK))
    request = RunRequest(seed=3, max_calls=calls, break_claim=breaks)
    with closing(target):
        gate.wait(60)
        try:
            site = Site(target, load(MANAGER), LOOPBACK, request, RunContext(run=name))
            return Ran(run_conformance(StartedRun(site)), "", target.recorder.operations)
        except ClaimedError as error:
            return Ran(None, str(error), target.recorder.operations)


def at_once(url: str, names: list[str], *, calls: int = 12) -> dict[str, Ran]:
    """Run several at once."""
    gate, ran = Barrier(len(names)), dict[str, Ran]()

    def one(name: str) -> None:
        ran[name] = run_named(url, name, gate, calls=calls)

    threads = [Thread(target=one, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return ran


def inventory(url: str) -> dict[str, object]:
    """Tell what an operator sees of the marks and the power of the VMs."""
    target = Target.open(url, recorder=Recorder(), secrets=secrets_of(LOOPBACK))
    with closing(target):
        log_in(target, LOOPBACK)
        paths = ("name", "config.extraConfig", "customValue", "runtime.powerState", "snapshot")
        return {ref.value: values for ref, values in list_vms(target, FULL, paths).items()}


def check(ran: dict[str, Ran]) -> None:
    """Make sure that nobody is accused, and that whoever did not run says why."""
    for name, each in ran.items():
        if each.result is None:
            others = [other for other in ran if other != name]
            assert any(f"run {other} of " in each.refused for other in others), each.refused
            assert not any(done.purpose == "judge" for done in each.operations)
        else:
            assert each.result.findings == []
            assert each.result.verdict is not Verdict.VIOLATES
            assert each.result.exit_code in {0, 3, 5}


def test_of_two_one_has_the_vms(simulator: SimulatorServer) -> None:
    """The other one's error says who and until when; nothing of a claim is left in the end."""
    before = inventory(simulator.url)
    check(ran := at_once(simulator.url, ["first", "second"]))
    assert sum(each.result is not None for each in ran.values()) <= 1
    assert inventory(simulator.url) == before
    (alone,) = at_once(simulator.url, ["third"]).values()
    assert alone.result is not None
    assert inventory(simulator.url) == before


@pytest.mark.long
@pytest.mark.parametrize("turn", range(5))
def test_of_four_at_most_one_has_them(turn: int, simulator: SimulatorServer) -> None:
    """For whole parts of runs, several times."""
    before = inventory(simulator.url)
    ran = at_once(simulator.url, [f"{turn}-{number}" for number in range(4)], calls=150)
    check(ran)
    assert inventory(simulator.url) == before


def test_a_run_whose_vms_are_taken_stops(simulator: SimulatorServer, mangled: Mangled) -> None:
    """Another run breaks its claims in the middle: it disturbs nothing any more, ends with 3 and says who has them."""
    taker = list[Ran]()

    def act(exchange: Exchange) -> Reply:
        if exchange.method == "CustomizeGuest_Task" and not taker:
            taker.append(run_named(simulator.url, "taker", Barrier(1), calls=3, breaks=True))
        return exchange.ask()

    proxy = mangled(act)
    ran = run_named(proxy.url, "taken", Barrier(1), calls=60)
    (other,) = taker
    assert other.result is not None
    assert any("run taken of" in note and "--break-claim" in note for note in other.result.notes)
    assert other.result.findings == []
    assert ran.result is not None
    assert ran.result.exit_code == 3
    assert ran.result.findings == []
    assert any("halted for safety" in note and "claim" in note for note in ran.result.notes)


FAULT = b"""<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<soapenv:Body><soapenv:Fault><faultcode>ServerFaultCode</faultcode><faultstring>no</faultstring><detail>
<NoPermissionFault xmlns="urn:vim25" xsi:type="NoPermission"><object type="Folder">group-d1</object>
<privilegeId>Global.SetCustomField</privilegeId></NoPermissionFault>
</detail></soapenv:Fault></soapenv:Body></soapenv:Envelope>"""


def test_where_nothing_can_be_claimed_a_run_says_so_and_goes_on(mangled: Mangled, ran: Run) -> None:
    """The account may neither set the attribute nor reconfigure: one line says of which VMs."""
    del ran
    proxy = mangled(
        lambda exchange: Reply(500, FAULT) if exchange.method in {"SetField", "ReconfigVM_Task"} else exchange.ask()
    )
    each = run_named(proxy.url, "first", Barrier(1))
    assert each.result is not None
    assert each.result.findings == []
    (told,) = (note for note in each.result.notes if "not claimed" in note)
    assert told.endswith("8 more (NoPermission)")
