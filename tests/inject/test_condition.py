"""`when.while`: a rule that counts only calls that come while the VM is as it says."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pyVim.task import WaitForTask
from pyVmomi import vim

from tests.clients.guest import Guest
from tests.inject.conftest import Open
from vcontract._disturbances.network.framing import Request
from vcontract._errors import UsageError
from vcontract._inject.choosing import Chooser
from vcontract._inject.condition import ASKED, PASSING, check_condition, holds
from vcontract._inject.rules import Rule, When
from vcontract._inject.shown import Shown
from vcontract._simulator import Settings, SimulatorServer

CUSTOMIZE = "CustomizeGuest_Task"
ON = {"exists": True, "power": "poweredOn", "connection": "connected", "template": False, "frozen": False}
Login = Callable[[str], Guest]


@pytest.mark.parametrize(
    ("text", "known", "met"),
    [
        ("power.on", ON, True),
        ("poweredOn", ON, True),
        ("power=poweredOn", ON, True),
        ("power=poweredOff", ON, False),
        ("power.on, tools.stopped", ON | {"tools": "stopped"}, True),
        ("power.on, tools.stopped", ON | {"tools": "ready"}, False),
        ("tools.up", ON | {"tools": "ready"}, True),
        ("tools.up", ON, False),
        ("tools.stopped", {}, False),
        ("lock.held", ON | {"running": "customize"}, True),
        ("busy", ON | {"running": "exclusive"}, True),
        ("template=false", ON, True),
        ("vmGone", {"exists": False}, True),
    ],
)
def test_a_condition_holds_only_where_it_is_known_to(text: str, known: dict[str, object], met: bool) -> None:  # noqa: FBT001 - of the table
    """By the name of a contract's condition, of a deviation, or of a field; what rests on something unknown does not hold."""
    assert holds(text, known) is met


@pytest.mark.parametrize(
    ("text", "shown", "said"),
    [
        ("power.of", ASKED, "nearest is power.off"),
        ("powr=poweredOff", ASKED, "unknown"),
        ("power=poweredOf", ASKED, "permitted are poweredOn, poweredOff, suspended"),
        ("template=1", ASKED, "permitted are true, false"),
        ("poweredOff, tools=ready", ASKED, "no VM can be so"),
        ("power.on,power.off", ASKED, "no VM can be so"),
        ("shared", ASKED, "no VM can be so"),
        ("lock.orphaned", ASKED, "no read shows 'orphaned'"),
        ("engineAbsent", ASKED, "no read shows 'engine'"),
        ("login.rejected", ASKED, "about the call and not about the VM"),
        ("noSession", ASKED, "about the call and not about the VM"),
        ("task.apart", ASKED, "unknown"),
        ("busy", PASSING, "no read but our own simulator's shows 'running'"),
        ("", ASKED, "unknown"),
    ],
)
def test_what_can_never_be_known_to_hold_is_refused(text: str, shown: tuple[str, ...], said: str) -> None:
    """One line that says why, when the rule is taken."""
    with pytest.raises(UsageError, match=r"when\.while") as refused:
        check_condition(text, shown)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("text", ["power.off", "toolsStopped", "suspended", "connection=disconnected", "template"])
def test_what_reads_of_clients_show_can_be_asked_of_any_server(text: str) -> None:
    """These need nothing that a client does not read itself."""
    name = "vm.template" if text == "template" else text
    check_condition(name, PASSING)  # refuses what it may not
    assert not holds(name, {})


def test_calls_count_while_the_vm_is_so() -> None:
    """`nth` is the nth of the calls that come while the condition holds; a call that names no VM is none of them."""
    chooser = Chooser(0, [Rule("*", "delay", when=When(nth=2, condition="power.off"))])
    powers = ["poweredOff", "poweredOn", "poweredOff", "poweredOff"]
    struck = [bool(chooser.choose(CUSTOMIZE, "vm-1", lambda _, on=on: {"exists": True, "power": on})) for on in powers]  # type: ignore[misc] # of the loop
    assert struck == [False, False, True, False]
    assert chooser.choose("Login", "", lambda _: pytest.fail("nothing is to be asked about")) is None


def test_our_own_simulator_is_asked_what_the_vm_is(gate: Open, guest: Login) -> None:
    """The client reads nothing itself: the rule strikes once the VM is off, not before, and then no more."""
    client = guest(gate(Rule("*Guest_Task", "InvalidState", when=When(condition="power.off"))).url)
    assert WaitForTask(client.customize(), si=client.service) == "success"
    WaitForTask(client.vm.PowerOffVM_Task(), si=client.service)
    try:
        with pytest.raises(vim.fault.InvalidState) as met:
            client.customize()
        assert type(met.value) is vim.fault.InvalidState, "the server itself says InvalidPowerState"
    finally:
        WaitForTask(client.vm.PowerOnVM_Task(), si=client.service)


def test_work_on_the_vm_is_a_condition(gate: Open, guest: Login) -> None:
    """While a customization runs the VM is `customizing`: the answer is the rule's."""
    rule = Rule("PowerOffVM_Task", "InvalidState", illegal=True, when=When(condition="customizing"))
    with SimulatorServer(Settings(task_time=60, boot_time=0.01)) as slow:
        client = guest(gate(rule, server=slow.url).url)
        task = client.customize()
        with pytest.raises(vim.fault.InvalidState):
            client.vm.PowerOffVM_Task()
        assert task.info.state == "running"
        assert client.vm.runtime.powerState == "poweredOn"


def _reply(body: str) -> bytes:
    whole = (
        f'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>{body}</e:Body></e:Envelope>'.encode()
    )
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(whole) + whole


def _read(method: str, value: str, asked: str = "") -> tuple[Request, bytes]:
    request = Request(_reply(f'<{method} xmlns="urn:vim25">{asked}</{method}>'), "POST", 0.0, method)
    return request, _reply(f'<R xmlns="urn:vim25"><returnval>{value}</returnval></R>')


def test_elsewhere_it_is_known_from_what_clients_read() -> None:
    """By a path, by what it lies in, by an update, and by a property that was fetched alone; the last word counts."""
    shown = Shown()
    vm = '<obj type="VirtualMachine">vm-7</obj>'
    one = f"<objects>{vm}<propSet><name>runtime.powerState</name><val>poweredOff</val></propSet></objects>"
    shown.hear(*_read("RetrievePropertiesEx", one))
    assert shown.of("vm-7") == {"power": "poweredOff", "exists": True}
    assert shown.of("vm-8") == {}
    whole = "<powerState>suspended</powerState><connectionState>connected</connectionState>"
    shown.hear(*_read("RetrieveProperties", f"{vm}<propSet><name>runtime</name><val>{whole}</val></propSet>"))
    assert (shown.of("vm-7")["power"], shown.of("vm-7")["connection"]) == ("suspended", "connected")
    update = "<name>summary.runtime.powerState</name><op>assign</op><val>poweredOn</val>"
    shown.hear(*_read("WaitForUpdatesEx", f"<objectSet>{vm}<changeSet>{update}</changeSet></objectSet>"))
    assert shown.of("vm-7")["power"] == "poweredOn"
    asked = '<_this type="VirtualMachine">vm-7</_this><prop>config</prop>'
    shown.hear(*_read("Fetch", "<template>false</template>", asked))
    assert shown.of("vm-7")["template"] is False
    shown.hear(*_read("CreateFilter", f"{vm}<propSet><name>runtime.powerState</name><val>x</val></propSet>"))
    assert shown.of("vm-7")["power"] == "poweredOn"
    shown.hear(*_read("WaitForUpdatesEx", f"<objectSet>{vm}<changeSet><name>runtime</name></changeSet></objectSet>"))
    assert "power" not in shown.of("vm-7")


def test_tools_are_known_once_all_is_read_that_says_so() -> None:
    """Of Tools three properties tell; from one of them alone nothing follows."""
    shown, vm = Shown(), '<obj type="VirtualMachine">vm-7</obj>'
    values = {
        "guest.toolsRunningStatus": "guestToolsRunning",
        "guest.guestOperationsReady": "true",
        "guest.toolsVersionStatus2": "guestToolsCurrent",
    }
    for path, value in values.items():
        assert "tools" not in shown.of("vm-7")
        shown.hear(*_read("RetrievePropertiesEx", f"{vm}<propSet><name>{path}</name><val>{value}</val></propSet>"))
    assert shown.of("vm-7")["tools"] == "ready"


def test_a_strangers_vm_is_judged_by_what_passed(gate: Open, guest: Login) -> None:
    """On marked VMs of another server the gate asks nothing itself: the rule strikes once the client has read the power."""
    rule = Rule("*", "delay", seconds=0.0, when=When(nth=1, condition="power.on"))
    opened = gate(rule, vms=frozenset(_ids(gate, guest)))
    client = guest(opened.url)
    assert client.vm.name == "linux-1"
    assert opened.injector.chooser.struck(0) == 0
    assert client.vm.runtime.powerState == "poweredOn"
    assert client.vm.name == "linux-1"
    assert opened.injector.chooser.struck(0) == 1


def _ids(gate: Open, guest: Login) -> set[str]:
    return {guest(gate().url).vm._GetMoId()}
