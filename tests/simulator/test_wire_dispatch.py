"""Versions, sessions, objects and privileges: who may call what, in the order in which a real server checks."""

from __future__ import annotations

from typing import Any

import pytest

CONTENT = "ServiceInstance:ServiceInstance"
GCM = "VirtualMachineGuestCustomizationManager:GuestCustomizationManager"
AUTH = (
    '<auth xsi:type="NamePasswordAuthentication"><interactiveSession>false</interactiveSession>'
    "<username>root</username><password>guest</password></auth>"
)


def network(wire: Any, vm: str, **more: Any) -> Any:
    """Call StartGuestNetwork_Task on a machine."""
    return wire.call("StartGuestNetwork_Task", GCM, f'<vm type="VirtualMachine">{vm}</vm>{AUTH}', **more)


@pytest.mark.parametrize(
    ("version", "has"), [("8.0.3.0", True), ("6.8.7", True), ("6.7.3", False), ("4.1", False), ("", False)]
)
def test_the_content_shows_only_what_the_client_knows(wire: Any, version: str, has: bool) -> None:  # noqa: FBT001 - a column
    """A client below 6.8.7, and one without a version, never sees the manager."""
    answer = wire.call("RetrieveServiceContent", CONTENT, version=version)
    assert bool(answer.all("returnval/guestCustomizationManager")) is has
    assert answer.one("returnval/rootFolder") == "group-d1"


@pytest.mark.parametrize("action", ['"urn:vim25/9.9"', "urn:vim25/9.1.0.0", '"http://example.com/x"'])
def test_a_version_that_is_not_served_is_refused(wire: Any, action: str) -> None:
    """Unknown versions, and those newer than the server's, are InvalidRequest."""
    wire.vcenter.versions.asked(action)
    answer = wire.call("CurrentTime", CONTENT, version=action.rpartition("/")[2].strip('"'))
    assert answer.fault == "InvalidRequest"
    assert "Unsupported version URI" in answer.message
    assert wire.vcenter.versions.asked(action) is None


def test_the_version_document_lists_what_is_served(wire: Any) -> None:
    """The newest comes first, then all that it contains; nothing newer, no unstable id."""
    text = wire.vcenter.versions.document.decode()
    assert '<namespaces version="1.0">' in text
    assert text.index("<version>8.0.3.0</version>") < text.index("<priorVersions>") < text.index("8.0.2.0")
    assert "6.8.7" in text
    assert "<version>9." not in text
    assert "m5CA1EF4D" not in text


def test_a_method_newer_than_the_client_is_not_found(wire: Any) -> None:
    """MethodNotFound carries receiver and method, synchronously."""
    answer = network(wire, wire.vm(), version="6.7.3")
    assert answer.fault == "MethodNotFound"
    text = answer.reply.body.decode()
    receiver = '<receiver type="VirtualMachineGuestCustomizationManager">GuestCustomizationManager</receiver>'
    assert f"{receiver}<method>StartGuestNetwork_Task</method>" in text


def test_without_a_session_only_anonymous_calls_are_served(wire: Any) -> None:
    """NotAuthenticated carries object and privilege, and comes before the object is even looked at."""
    wire.cookie = ""
    assert wire.call("RetrieveServiceContent", CONTENT).status == 200
    for vm in (wire.vm(), "vm-0"):
        answer = network(wire, vm)
        assert answer.fault == "NotAuthenticated"
        assert "<privilegeId>VirtualMachine.Provisioning.Customize</privilegeId>" in answer.reply.body.decode()
    assert wire.call("CurrentTime", CONTENT).fault == "NotAuthenticated"
    assert wire.call("Fetch", CONTENT, "<prop>content</prop>").status == 200
    assert wire.call("Fetch", CONTENT, "<prop>capability</prop>").fault == "NotAuthenticated"


@pytest.mark.parametrize("cookie", ['vmware_soap_session="0000"', "vmware_soap_session=", "other=1", "=;"])
def test_a_foreign_cookie_is_no_session(wire: Any, cookie: str) -> None:
    """A cookie that names no session is as none."""
    wire.cookie = cookie
    assert wire.call("CurrentTime", CONTENT).fault == "NotAuthenticated"


def test_login_sets_the_cookie_in_the_form_of_real_servers(wired: Any) -> None:
    """Path, HttpOnly and Secure follow forty hexadecimal digits; the session shows who and from where."""
    wire = wired(tls=True)
    answer = wire.login()
    (header,) = answer.reply.headers
    assert header[0] == "set-cookie"
    name, _, rest = header[1].partition("=")
    assert name == "vmware_soap_session"
    assert rest.strip().endswith('"; Path=/; HttpOnly; Secure;')
    assert len(rest.partition('"; ')[0].strip('"')) == 40
    assert answer.one("returnval/userName") == "VSPHERE.LOCAL\\administrator"
    again = wire.call("Fetch", "SessionManager:SessionManager", "<prop>currentSession</prop>")
    assert again.one("returnval/key") == answer.one("returnval/key")
    assert not again.reply.headers


def test_a_wrong_login_is_refused_alike_whatever_is_wrong(wire: Any) -> None:
    """Unknown user, wrong password and a caller who is logged in get InvalidLogin, and no session."""
    good = "<userName>administrator@vsphere.local</userName><password>vcontract</password>"
    assert wire.call("Login", "SessionManager:SessionManager", good).fault == "InvalidLogin"
    wire.cookie = ""
    for inner in (good.replace("administrator", "nobody"), good.replace("vcontract", "x")):
        answer = wire.call("Login", "SessionManager:SessionManager", inner)
        assert (answer.fault, answer.reply.headers) == ("InvalidLogin", ())
    assert wire.call("Login", "SessionManager:SessionManager", f"{good}<locale>xx</locale>").fault == "InvalidLocale"


def test_a_session_ends_by_logout_time_and_termination(wired: Any) -> None:
    """After each of them the cookie is dead; a call in time keeps the session."""
    wire = wired(session_timeout=100)
    wire.login()
    assert wire.call("Logout", "SessionManager:SessionManager").status == 200
    assert wire.call("CurrentTime", CONTENT).fault == "NotAuthenticated"
    wire.login()
    for _ in range(3):
        wire.pass_time(60)
        assert wire.call("CurrentTime", CONTENT).status == 200
    wire.pass_time(101)
    assert wire.call("CurrentTime", CONTENT).fault == "NotAuthenticated"
    victim, cookie = wire.login("viewer").one("returnval/key"), wire.cookie
    own = wire.login().one("returnval/key")
    ended = wire.call("TerminateSession", "SessionManager:SessionManager", f"<sessionId>{own}</sessionId>")
    assert ended.fault == "InvalidArgument"
    wire.call("TerminateSession", "SessionManager:SessionManager", f"<sessionId>{victim}</sessionId>")
    again = wire.call("TerminateSession", "SessionManager:SessionManager", f"<sessionId>{victim}</sessionId>")
    assert again.fault == "NotFound"
    wire.cookie = cookie
    assert wire.call("CurrentTime", CONTENT).fault == "NotAuthenticated"


def test_an_object_that_is_not_there_is_named(wire: Any) -> None:
    """Unknown moIds and moIds of another type give ManagedObjectNotFound with the reference as sent."""
    for vm in ("vm-0", "group-d1"):
        answer = network(wire, vm)
        assert answer.fault == "ManagedObjectNotFound"
        assert f'<obj type="VirtualMachine">{vm}</obj>' in answer.reply.body.decode()
        assert answer.message.startswith(f"The object 'vim.VirtualMachine:{vm}' has already been deleted")
    assert wire.call("StartGuestNetwork_Task", GCM + "2", f'<vm type="VirtualMachine">x</vm>{AUTH}').fault == (
        "ManagedObjectNotFound"
    )
    assert wire.call("PowerOnVM_Task", "Folder:group-d1").fault == "InvalidRequest"


def test_a_privilege_that_lacks_is_named(wire: Any) -> None:
    """NoPermission names object and privilege, and from 7.0.3.2 on the list of what is missing; nothing starts."""
    vm = wire.vm()
    wire.login("operator")
    answer = network(wire, vm)
    text = answer.reply.body.decode()
    assert answer.fault == "NoPermission"
    assert f'<object type="VirtualMachine">{vm}</object><privilegeId>VirtualMachine.Provisioning.Customize<' in text
    assert f'<missingPrivileges><entity type="VirtualMachine">{vm}</entity><privilegeIds>VirtualMachine.Prov' in text
    assert "missingPrivileges" not in network(wire, vm, version="7.0.3.1").reply.body.decode()
    assert wire.call("PowerOffVM_Task", f"VirtualMachine:{vm}").status == 200
    wire.login("viewer")
    assert wire.call("PowerOffVM_Task", f"VirtualMachine:{vm}").fault == "NoPermission"
    assert wire.call("ReconfigVM_Task", f"VirtualMachine:{vm}", "<spec></spec>").fault == "NoPermission"
    assert wire.call("Fetch", f"VirtualMachine:{vm}", "<prop>name</prop>").status == 200
    assert wire.call("Fetch", "SessionManager:SessionManager", "<prop>sessionList</prop>").fault == "NoPermission"


def test_the_authorization_manager_tells_what_the_accounts_may(wire: Any) -> None:
    """Its answers agree with what the calls are refused for."""
    key = wire.login("operator").one("returnval/key")
    ask = (
        '<entity type="VirtualMachine">{}</entity><sessionId>{}</sessionId>'
        "<privId>VirtualMachine.Provisioning.Customize</privId><privId>VirtualMachine.Interact.PowerOff</privId>"
    )
    manager = "AuthorizationManager:AuthorizationManager"
    answer = wire.call("HasPrivilegeOnEntities", manager, ask.format(wire.vm(), key))
    assert answer.all("returnval/privAvailability/isGranted") == ["false", "true"]
    assert answer.one("returnval/entity") == wire.vm()
    single = wire.call("HasPrivilegeOnEntity", manager, ask.format(wire.vm(), key))
    assert single.all("returnval") == ["false", "true"]
    assert wire.call("HasPrivilegeOnEntities", manager, ask.format(wire.vm(), "none")).fault == "InvalidArgument"
    user = (
        ask.format(wire.vm(), "x")
        .replace("entity", "entities")
        .replace("<sessionId>x</sessionId>", "<userName>{}</userName>")
    )
    told = wire.call("HasUserPrivilegeOnEntities", manager, user.format("viewer@vsphere.local"))
    assert told.all("returnval/privAvailability/isGranted") == ["false", "false"]
    assert wire.call("HasUserPrivilegeOnEntities", manager, user.format("nobody")).fault == "InvalidArgument"


def test_what_is_not_built_is_not_supported_and_what_breaks_is_a_system_error(
    wire: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A known method without an implementation, and a mistake of ours, are faults too; the mistake is logged."""
    assert wire.call("QueryOptions", "OptionManager:VpxSettings").fault == "ManagedObjectNotFound"
    assert wire.call("RefreshStorageInfo", f"VirtualMachine:{wire.vm()}").fault == "NotSupported"
    instance = wire.vcenter.registry.find("ServiceInstance")
    monkeypatch.setattr(instance, "CurrentTime", lambda call: 1 / 0)  # noqa: ARG005 - the dispatcher's signature
    answer = wire.call("CurrentTime", CONTENT)
    assert (answer.fault, answer.message) == ("SystemError", "A general system error occurred: ZeroDivisionError")
    assert "CurrentTime broke" in caplog.text


def test_the_search_index_finds_by_path_name_and_identity(wire: Any) -> None:
    """Finding nothing leaves the answer empty."""
    machine = wire.vcenter.registry.find(wire.vm())
    path = [machine.name]
    while machine.parent is not None:
        machine = machine.parent
        path.insert(0, machine.name)
    find = "SearchIndex:SearchIndex"
    inner = f"<inventoryPath>{'/'.join(path[1:])}</inventoryPath>"
    assert wire.call("FindByInventoryPath", find, inner).one("returnval") == wire.vm()
    assert wire.call("FindByInventoryPath", find, "<inventoryPath>no/such</inventoryPath>").all("returnval") == []
    config = wire.vcenter.registry.find(wire.vm()).property("config")
    by_uuid = f"<uuid>{config.uuid}</uuid><vmSearch>true</vmSearch>"
    assert wire.call("FindByUuid", find, by_uuid).one("returnval") == wire.vm()
    assert wire.call("FindAllByUuid", find, by_uuid).all("returnval") == [wire.vm()]
    guest = wire.vcenter.registry.find(wire.vm()).property("guest")
    by_name = f"<dnsName>{guest.hostName}</dnsName><vmSearch>true</vmSearch>"
    assert wire.vm() in wire.call("FindAllByDnsName", find, by_name).all("returnval")
    assert wire.call("FindByIp", find, "<ip>203.0.113.9</ip><vmSearch>true</vmSearch>").all("returnval") == []
