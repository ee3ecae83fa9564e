"""Each request of a run is named in the SOAP header operationID, as pyVmomi names it; a server may not like that."""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path

import pytest
from pyVmomi import SoapAdapter, vim

from tests.mangler import Exchange, Mangled, Reply, mangled, simulator
from tests.windows import fitted
from vcontract._client import Target
from vcontract._client.soap import OperationIds
from vcontract._commands.run import execute
from vcontract._config.config import LOOPBACK
from vcontract._config.request import RunRequest
from vcontract._run.preparation import Preparation
from vcontract._run.summarize import UNNAMED
from vcontract._simulator import SimulatorServer
from vcontract._testbed.survey import secrets_of

__all__ = ["mangled", "simulator"]

_NAMED = re.compile(rb"<[\w-]+:Header><operationID[^>]*>([^<]+)</operationID></[\w-]+:Header>")


def test_the_header_has_the_form_of_the_vendors_client() -> None:
    """What pyVmomi writes of a request context is found by the same expression, before the body."""
    stub = SoapAdapter.SoapStubAdapter("h", requestContext={"operationID": "run-7"}, version="vim.version.v8_0_2_0")
    theirs = stub.SerializeRequest(
        vim.ServiceInstance("ServiceInstance", stub), vim.ServiceInstance.CurrentTime.info, []
    )
    ours = OperationIds("run").named(b"<soap-env:Envelope><soap-env:Body></soap-env:Body></soap-env:Envelope>", 7)
    assert [_NAMED.findall(each) for each in (theirs, ours)] == [[b"run-7"]] * 2
    assert OperationIds().named(b"<soap-env:Body/>", 7) == b"<soap-env:Body/>"


@pytest.mark.parametrize("chokes", ["fault", "cut"])
def test_a_server_that_chokes_on_it_is_sent_none(chokes: str, mangled: Mangled) -> None:
    """It answers a request with a header by a fault, or closes the connection: the next ones have none, and are answered."""
    named: list[bytes] = []

    def act(exchange: Exchange) -> bytes | Reply:
        if found := _NAMED.findall(exchange.body):
            named.extend(found)
            return Reply(500, b"<broken/>") if chokes == "fault" else b""
        return exchange.ask()

    with closing(Target.open(mangled(act).url, secrets=secrets_of(LOOPBACK), run="run")) as target:
        assert target.operation_ids.refused
        target.login("full", "administrator@vsphere.local", "account.full")
    assert named[0] == b"run-1"
    assert len(named) == target.recorder.requests - 2


def test_findings_say_under_which_name_the_call_went(mangled: Mangled, tmp_path: Path) -> None:
    """Every request of a run has another name, and the one that a finding shows was on the wire with its call."""
    sent: dict[str, str] = {}

    def act(exchange: Exchange) -> Reply:
        for name in _NAMED.findall(exchange.body):
            assert name.decode() not in sent
            sent[name.decode()] = exchange.method
        return exchange.ask()

    with SimulatorServer(fitted(defects=frozenset({"login-not-checked"}))) as server:
        url = mangled(act, server.url).url
        asked = RunRequest(target=url, seed=1, risk="refusals", report_dir=tmp_path, output="none")
        result = execute(asked, Preparation())
    (finding,) = result.findings
    assert sent[finding.operation_id] == finding.method
    assert UNNAMED not in result.notes
    assert {"Login", "RetrievePropertiesEx", "CurrentTime"} <= set(sent.values())
