"""What real servers were seen to do otherwise: versions, references, proxies in front, frozen guests, late answers."""

from __future__ import annotations

from http.client import HTTPConnection, RemoteDisconnected
from typing import Any
from urllib.parse import urlsplit

import pytest
from pyVmomi import vim, vmodl

from vcontract._simulator import Settings, SimulatorServer
from vcontract._simulator.http1 import Request
from vcontract._simulator.variants import wire as ways

CUSTOMIZE, NETWORK, ABORT = "CustomizeGuest_Task", "StartGuestNetwork_Task", "AbortCustomization_Task"
CONTENT = "ServiceInstance:ServiceInstance"
MANAGER = "VirtualMachineGuestCustomizationManager:GuestCustomizationManager"


def varied(wired: type[Any], name: str, **settings: Any) -> Any:
    """Give a vCenter with one variant, or one defect, and the administrator logged in."""
    made = wired(**(settings or {"variants": frozenset({name})}))
    made.login()
    return made


@pytest.mark.parametrize("action", ["9.9", "3.14"])
def test_a_version_that_is_not_listed_may_be_served(wired: type[Any], action: str) -> None:
    """By the newest one."""
    wire = varied(wired, "unlisted-versions-are-served")
    answer = wire.call("RetrieveServiceContent", CONTENT, version=action)
    assert answer.status == 200
    assert answer.all("returnval/guestCustomizationManager")


@pytest.mark.parametrize(
    ("variant", "detail"),
    [("unlisted-version-is-a-mismatch", "InvalidRequest"), ("unlisted-version-is-a-mismatch-without-detail", "")],
)
def test_a_version_that_is_not_listed_may_be_a_mismatch(wired: type[Any], variant: str, detail: str) -> None:
    """With that fault code, and a detail or none; one that is listed is served."""
    wire = varied(wired, variant)
    answer = wire.call("CurrentTime", CONTENT, version="9.9")
    assert answer.status == 500
    assert answer.xml.findtext("faultcode") == "ns0:VersionMismatchFaultCode"
    assert "urn:vim25/9.9" in answer.message
    assert answer.fault == detail
    assert wire.call("CurrentTime", CONTENT, version="6.7.3").status == 200


def test_a_listed_version_that_is_refused(wired: type[Any]) -> None:
    """The defect refuses the three methods in every version but the newest, and nothing else."""
    wire = varied(wired, "", defects=frozenset({"listed-version-is-refused"}))
    answers = [
        wire.call(NETWORK, MANAGER, f'<vm type="VirtualMachine">{wire.vm()}</vm>', version=version)
        for version in ("6.7.3", "8.0.2.0", "8.0.3.0")
    ]
    assert ["VersionMismatch" in each.text for each in answers] == [True, True, False]
    assert wire.call("CurrentTime", CONTENT, version="6.7.3").status == 200


def test_references_may_name_their_server(wired: type[Any]) -> None:
    """In results and in faults, and a client may send the attribute back."""
    wire = varied(wired, "references-name-their-server")
    content = wire.call("RetrieveServiceContent", CONTENT)
    told = f'serverGuid="{wire.vcenter.instance_uuid}"'
    assert f'<rootFolder type="Folder" {told}>' in content.text
    assert content.text.count("serverGuid") == content.text.count(' type="')
    gone = wire.call(NETWORK, MANAGER, f'<vm type="VirtualMachine" {told}>vm-0</vm><auth/>')
    assert gone.fault
    named = f'<vm type="VirtualMachine" {told}>{wire.vm()}</vm>'
    who = '<auth xmlns:x="http://www.w3.org/2001/XMLSchema-instance" x:type="NamePasswordAuthentication">'
    auth = (
        f"{who}<interactiveSession>false</interactiveSession><username>root</username><password>guest</password></auth>"
    )
    assert wire.call(NETWORK, MANAGER, named + auth).status == 200
    missing = wire.call(NETWORK, MANAGER, f'<vm type="VirtualMachine">vm-0</vm>{auth}')
    assert f'<obj type="VirtualMachine" {told}>vm-0</obj>' in missing.text


def test_a_proxy_in_front_turns_requests_away(wired: type[Any]) -> None:
    """Now and then, as plain text and as HTML, without a fault and without Retry-After; documents are not its matter."""
    wire = varied(wired, "front-proxy-turns-away-now-and-then")
    replies = [wire.begin("CurrentTime", CONTENT) for _ in range(3 * ways.TURNED_AWAY)]
    away = [each for each in replies if each.status != 200]
    assert {(each.status, each.content_type, each.headers) for each in away} == {
        (503, "text/plain", ()),
        (503, "text/html", ()),
    }
    assert len(away) == 3
    assert wire.vcenter.handle(Request("GET", "/sdk/vimServiceVersions.xml"), b"").status == 200


def test_a_proxy_in_front_resets_connections() -> None:
    """Of a read; the client hears nothing, and is served on a new connection."""
    with SimulatorServer(Settings(variants=frozenset({"front-proxy-cuts-reads-now-and-then"}))) as server:
        answers = []
        for _ in range(2 * ways.CUT):
            line = HTTPConnection(urlsplit(server.url).netloc)
            try:
                line.request("POST", "/sdk", b"<RetrievePropertiesEx/>", {"SOAPAction": '"urn:vim25/8.0.3.0"'})
                answers.append(line.getresponse().status)
            except (ConnectionResetError, RemoteDisconnected):
                answers.append(0)
            finally:
                line.close()
    assert [place + 1 for place, each in enumerate(answers) if not each] == [ways.CUT, 2 * ways.CUT]


def test_a_gateway_forgets_a_session_that_lives(wired: type[Any]) -> None:
    """The call after is served again, by the same session."""
    wire = varied(wired, "gateway-forgets-a-session-now-and-then")
    faults = [wire.call("CurrentTime", CONTENT).fault for _ in range(2 * ways.FORGOTTEN)]
    assert faults.count("NotAuthenticated") == 2
    assert faults[-1] != faults[-2] or not faults[-1]
    assert len(wire.vcenter.sessions.all()) == 1


@pytest.mark.parametrize(
    ("variant", "fault"),
    [
        ("tools-down-is-a-vix-error", vmodl.fault.SystemError),
        ("tools-down-is-guest-operations-unavailable", vim.fault.GuestOperationsUnavailable),
    ],
)
def test_other_answers_where_tools_do_not_run(benches: type[Any], variant: str, fault: type[Exception]) -> None:
    """Of all three methods; where they run all is as usual."""
    bench = benches(variants=frozenset({variant}))
    for method in (CUSTOMIZE, NETWORK, ABORT):
        spec = {"spec": bench.spec()} if method == CUSTOMIZE else {}
        with pytest.raises(fault) as caught:
            bench.guest_call(method, "linux-notools", **spec)
        assert "vix error codes = (" in str(getattr(caught.value, "reason", "vix error codes = ("))
    assert bench.guest_call(NETWORK, "linux-1").state == "running"


def test_a_customization_that_outlasts_the_server(benches: type[Any]) -> None:
    """The third one ends in an error after more than 25 seconds, and shows in the guest all the same."""
    bench = benches(variants=frozenset({"every-third-customization-outlasts-the-server", "settings-show-at-once"}))
    for number in (1, 2, 3, 4):
        task = bench.guest_call(CUSTOMIZE, "linux-1", spec=bench.spec(f"web-{number}"))
        bench.pass_time(5.0)
        assert task.final is (number != 3)
        assert bench.vcenter.timeline.skip(bench.vcenter.settings.skips) is (not task.final)
        bench.pass_time(0.0)
        info = task.get_info()
        assert info.state == ("error" if number == 3 else "success")
        lasted = (info.completeTime - info.startTime).total_seconds()
        assert (lasted >= 25) is (number == 3)
        assert bench.vm("linux-1").get_guest().hostName == f"web-{number}"


def test_a_frozen_source(benches: type[Any]) -> None:
    """It reads as if it ran, refuses guest operations, does not react to a shutdown, and thaws when it is reset."""
    bench = benches(variants=frozenset({"source-is-frozen"}))
    machine = next(each for each in bench.vcenter.registry._objects.values() if getattr(each, "frozen", False))
    assert machine.get_runtime().instantCloneFrozen
    assert machine.get_guest().guestOperationsReady
    with pytest.raises(vim.fault.InvalidState):
        bench.guest_call(NETWORK, machine.name)
    with pytest.raises(vim.fault.GuestOperationsUnavailable):
        bench.run_in_guest(machine.name, "/bin/true", "")
    bench.call(machine, "ShutdownGuest")
    bench.pass_time(20.0)
    assert machine.power == "poweredOn"
    bench.do(machine, "InstantClone_Task", spec=vim.vm.InstantCloneSpec(name="child", location=vim.vm.RelocateSpec()))
    assert not bench.vm("child").get_runtime().instantCloneFrozen
    bench.do(machine, "ResetVM_Task")
    bench.pass_time(20.0)
    assert not machine.get_runtime().instantCloneFrozen
    assert bench.guest_call(NETWORK, machine.name).state == "running"


def test_a_clone_that_shows_nothing_until_its_first_report(benches: type[Any]) -> None:
    """Name and adapters are unset, and then its own."""
    bench = benches(report_time=100.0, variants=frozenset({"clone-shows-nothing-until-its-first-report"}))
    location = vim.vm.RelocateSpec()
    bench.do(bench.vm("linux-1"), "InstantClone_Task", spec=vim.vm.InstantCloneSpec(name="child", location=location))
    first = bench.vm("child").get_guest()
    bench.pass_time(100.0)
    last = bench.vm("child").get_guest()
    assert (first.hostName, list(first.ipAddress or ())) == (None, [])
    assert last.hostName == "linux-1"
    assert [nic.macAddress for nic in last.net] == [nic.mac for nic in bench.vm("child").nics]


def test_a_lock_that_no_abort_frees_after_a_cut_start(benches: type[Any]) -> None:
    """The defect's abort ends the start and leaves its lock, which refuses the customization that should repair the guest."""
    bench = benches(defects=frozenset({"aborted-network-start-keeps-its-lock"}))
    cut = bench.guest_call(NETWORK, "linux-1")
    for _ in range(2):
        bench.guest_call(ABORT, "linux-1")
        bench.pass_time(3.0)
    assert isinstance(cut.get_info().error, vim.fault.CustomizationFault)
    blocked = bench.guest_call(CUSTOMIZE, "linux-1", spec=bench.spec())
    bench.pass_time(3.0)
    assert isinstance(blocked.get_info().error, vim.fault.CustomizationFault)


@pytest.mark.parametrize("tls", [False, True])
def test_the_cookie_of_a_session_is_secure_over_tls_alone(wired: type[Any], tls: bool) -> None:  # noqa: FBT001 - a column
    """A client with a cookie jar sends no secure cookie over plain HTTP."""
    cookie = dict(wired(tls=tls).login().reply.headers)["set-cookie"]
    assert ("Secure" in cookie) is tls
    assert "Path=/; HttpOnly;" in cookie
