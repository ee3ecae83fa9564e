"""Two runs at once on one faithful server, of one owner: one judges, the other says by whom the VMs are claimed."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE

import pytest

from tests.mangler import MANAGER, Exchange, Mangled, Reply
from tests.windows import fitted
from vcontract._client import Recorder, Target
from vcontract._client.properties import list_vms
from vcontract._config.config import LOOPBACK
from vcontract._config.context import RunContext
from vcontract._config.request import RunRequest
from vcontract._contract import load
from vcontract._errors import ClaimedError
from vcontract._report.result import RunResult
from vcontract._run.conformance import run_conformance
from vcontract._run.start import StartedRun
from vcontract._simulator import SimulatorServer
from vcontract._terms import Operation
from vcontract._testbed import FULL, log_in
from vcontract._testbed.survey import secrets_of
from vcontract._testbed.testbed import Site

ABORT = "AbortCustomization_Task"


@dataclass
class Ran:
    """What came of one run: a result, or why there is none; and what was said."""

    result: RunResult | None
    refused: str
    operations: list[Operation]


def run_named(url: str, name: str, *, calls: int = 6, breaks: bool = False) -> Ran:
    """Run a few steps under a name."""
    target = Target.open(url, recorder=Recorder(), secrets=secrets_of(LOOPBACK))
    request = RunRequest(seed=3, methods=(ABORT,), max_calls=calls, break_claim=breaks)
    with closing(target):
        try:
            site = Site(target, load(MANAGER), LOOPBACK, request, RunContext(run=name))
            return Ran(run_conformance(StartedRun(site)), "", target.recorder.operations)
        except ClaimedError as error:
            return Ran(None, str(error), target.recorder.operations)


def inventory(url: str) -> dict[str, object]:
    """Tell what an operator sees of the marks and the power of the VMs."""
    target = Target.open(url, recorder=Recorder(), secrets=secrets_of(LOOPBACK))
    with closing(target):
        log_in(target, LOOPBACK)
        paths = ("name", "config.extraConfig", "customValue", "runtime.powerState", "snapshot")
        return {ref.value: values for ref, values in list_vms(target, FULL, paths).items()}


def test_of_two_one_has_the_vms(simulator: SimulatorServer, mangled: Mangled) -> None:
    """The second begins in the midst of the first: it says who and until when, and disturbs nothing. No claim is left."""
    before, second = inventory(simulator.url), list[Ran]()

    def act(exchange: Exchange) -> Reply:
        if exchange.method == ABORT and not second:
            second.append(run_named(simulator.url, "second"))
        return exchange.ask()

    first = run_named(mangled(act).url, "first")
    (refused,) = second
    assert refused.result is None
    assert "by run first of administrator@vsphere.local until 2" in refused.refused
    assert not any(done.purpose != "read" for done in refused.operations if done.call.method != "Login")
    assert first.result is not None
    assert (first.result.findings, first.result.exit_code) == ([], 5)
    assert inventory(simulator.url) == before
    alone = run_named(simulator.url, "third")
    assert alone.result is not None
    assert inventory(simulator.url) == before


@pytest.mark.long
@pytest.mark.parametrize("runs", [2, 4])
def test_several_at_the_same_moment(runs: int, tmp_path: Path) -> None:
    """Whole runs as a shell starts them: each ends with 0, 3 or 5 and says why, nobody is accused, and no claim is left."""
    with SimulatorServer(fitted(task_time=0.02, boot_time=0.05)) as server:
        before = inventory(server.url)
        command = [sys.executable, "-m", "vcontract", "run", "--target", server.url, "--report-dir"]
        started = [
            subprocess.Popen([*command, str(tmp_path / str(number))], stdout=PIPE, stderr=PIPE, text=True)  # noqa: S603 - our own
            for number in range(runs)
        ]
        told = [(*each.communicate(timeout=3000), each.returncode) for each in started]
        assert {code for _, _, code in told} <= {0, 3, 5}
        for out, error, code in told:
            assert code != 3 or "VMs are in use" in error
            assert code != 5 or "untested" in out
            assert code == 3 or "0 findings" in out
        assert inventory(server.url) == before


def test_a_run_whose_vms_are_taken_stops(simulator: SimulatorServer, mangled: Mangled) -> None:
    """Another run breaks its claims in the middle: it disturbs nothing any more, ends with 3 and says who has them."""
    taker = list[Ran]()

    def act(exchange: Exchange) -> Reply:
        if exchange.method == ABORT and not taker:
            taker.append(run_named(simulator.url, "taker", calls=3, breaks=True))
        return exchange.ask()

    proxy = mangled(act)
    ran = run_named(proxy.url, "taken", calls=20)
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


def test_where_nothing_can_be_claimed_a_run_says_so_and_goes_on(mangled: Mangled) -> None:
    """The account may neither set the attribute nor reconfigure: one line says of which VMs."""
    proxy = mangled(
        lambda exchange: Reply(500, FAULT) if exchange.method in {"SetField", "ReconfigVM_Task"} else exchange.ask()
    )
    each = run_named(proxy.url, "first")
    assert each.result is not None
    assert each.result.findings == []
    (told,) = (note for note in each.result.notes if "not claimed" in note)
    assert told.endswith("8 more (NoPermission)")
