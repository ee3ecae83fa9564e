"""A server that speaks TLS, behind a gate that clients reach in plain http on this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from pyVim.task import WaitForTask
from pyVmomi import vim

from tests.clients.guest import Guest
from tests.inject.conftest import Open
from vcontract._client import Trust
from vcontract._client.wire import parse_url
from vcontract._errors import TargetError
from vcontract._inject.gate import check_reached
from vcontract._inject.rules import Rule, When
from vcontract._simulator import Settings, SimulatorServer

CUSTOMIZE = "CustomizeGuest_Task"
Login = Callable[[str], Guest]


@pytest.fixture(scope="module")
def secure() -> Iterator[SimulatorServer]:
    """Give a simulator that speaks TLS."""
    with SimulatorServer(Settings(tls=True, task_time=0.01, boot_time=0.01)) as server:
        yield server


def test_calls_are_passed_on_over_tls(gate: Open, guest: Login, secure: SimulatorServer) -> None:
    """By the authority that the operator names, as `run` would; answers are injected as elsewhere, the task's end too."""
    opened = gate(
        Rule(CUSTOMIZE, "TaskInProgress", when=When(nth=1)),
        Rule(CUSTOMIZE, "InvalidState", channel="task", seconds=0.0, when=When(nth=2)),
        server=secure.url,
        trust=Trust(ca_file=str(secure.ca_file)),
    )
    assert opened.url.startswith("http://127.0.0.1:")
    client = guest(opened.url)
    with pytest.raises(vim.fault.TaskInProgress):
        client.customize()
    with pytest.raises(vim.fault.InvalidState):
        WaitForTask(client.customize(), si=client.service)
    assert WaitForTask(client.customize(), si=client.service) == "success"
    assert [each.outcome for each in opened.injector.journal.passed].count("lost") == 0


def test_another_actor_is_at_work_over_tls(gate: Open, guest: Login, secure: SimulatorServer) -> None:
    """What he brings about, and what he is asked, go by the same trust."""
    opened = gate(
        Rule(CUSTOMIZE, "InvalidPowerState", cause=True, when=When(nth=1, condition="power.on")),
        server=secure.url,
        trust=Trust(insecure=True),
    )
    client = guest(opened.url)
    with pytest.raises(vim.fault.InvalidPowerState):
        client.customize()
    assert client.vm.runtime.powerState == "poweredOff"
    WaitForTask(client.vm.PowerOnVM_Task(), si=client.service)


def test_a_certificate_that_nobody_vouches_for_is_one_line(secure: SimulatorServer) -> None:
    """It is refused before the gate opens, with the way out; so is TLS to a server that speaks http."""
    with pytest.raises(TargetError) as refused:
        check_reached(parse_url(secure.url), Trust())
    assert "--insecure" in str(refused.value)
    assert "\n" not in str(refused.value)
    check_reached(parse_url(secure.url), Trust(insecure=True))
    with SimulatorServer(Settings()) as plain, pytest.raises(TargetError) as other:
        check_reached(parse_url(plain.url.replace("http:", "https:")), Trust())
    assert "does it speak http instead of https?" in str(other.value)
    assert "\n" not in str(other.value)
