"""The simulator's answers have the shape of those that real vCenters gave to the same requests."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from pyVmomi import VmomiSupport

from vcontract._simulator.http1 import Reply, Request
from vcontract._simulator.settings import Settings
from vcontract._simulator.soap_envelope import read_envelope
from vcontract._simulator.soap_reader import read_arguments
from vcontract._simulator.timeline import Timeline
from vcontract._simulator.vcenter import VCenter

FOLDER = Path(__file__).parents[1] / "recordings"
XSI = "{http://www.w3.org/2001/XMLSchema-instance}"

# Recording to the SOAPAction of its request, and the state in which the simulator is asked.
RECORDINGS = {
    "02_RetrieveServiceContent_vc802_v8020": "urn:vim25/8.0.2.0",
    "04_RetrieveServiceContent_vc55_as_vim2": "urn:vim2/2.0",
    "06_fault_InvalidLogin_500": "urn:vim25/4.1",
    "07_Login_ok_vc80x": "urn:vim25/8.0.2.0",
    "08_Fetch_content_ServiceInstance": "urn:vim25/8.0.2.0",
    "12_DestroyView_void": "urn:vim25/8.0.2.0",
    "14_Fetch_vm_runtime": "urn:vim25/8.0.2.0",
    "15_Fetch_vm_guest": "urn:vim25/8.0.2.0",
    "16_Fetch_vm_disabledMethod": "urn:vim25/8.0.2.0",
    "19_Fetch_vm_snapshot_unset": "urn:vim25/8.0.2.0",
    "20_Fetch_vm_recentTask": "urn:vim25/8.0.2.0",
    "23_Destroy_Task_response": "urn:vim25/6.0",
    "24_TaskInfo_running": "urn:vim25/6.0",
    "25_TaskInfo_success_void": "urn:vim25/6.0",
    "28_TaskInfo_success_with_result": "urn:vim25/6.0",
    "31_RetrievePropertiesEx_vm_runtime": "urn:vim25/6.0",
    "33_Logout": "urn:vim25/6.0",
}
# Of these the simulator has everything that the real server had, so the bytes agree from the first to the last.
IDENTICAL = ("06_fault_InvalidLogin_500", "12_DestroyView_void", "19_Fetch_vm_snapshot_unset", "20_Fetch_vm_recentTask")
ANONYMOUS = ("02", "04", "06", "07")


class Replay:
    """One simulator, brought into the state that a recording needs, with the recording's ids replaced by its own."""

    def __init__(self, name: str) -> None:
        self.clock = 0.0
        self.vcenter = VCenter(Settings(task_time=1.0, tls=True), timeline=Timeline(lambda: self.clock))
        self.cookie = ""
        self.action = RECORDINGS[name]
        self.request = (FOLDER / f"{name}.request.xml").read_text()
        if name[:2] not in ANONYMOUS:
            login = (FOLDER / "07_Login_ok_vc80x.request.xml").read_text()
            self.cookie = dict(self.send(good(login), "urn:vim25/8.0.2.0").headers)["set-cookie"]

    def send(self, text: str, action: str = "") -> Reply:
        """Send a request."""
        head = Request("POST", "/sdk", {"soapaction": f'"{action or self.action}"', "cookie": self.cookie})
        reply = self.vcenter.handle(head, text.encode())
        assert isinstance(reply, Reply)
        return reply

    def vm(self, name: str = "linux-1") -> Any:
        """Find a machine."""
        return next(e for e in self.vcenter.registry._objects.values() if e.property("name") == name)

    def call(self, method: str, this: Any, inner: str = "") -> str:
        """Call something before the recorded request; gives the text of its returnval."""
        kind = type(this.ref)._wsdlName
        call = f'<{method} xmlns="urn:vim25"><_this type="{kind}">{this.moid}</_this>{inner}</{method}>'
        head, tail = re.split(r"<Login.*</Login>", (FOLDER / "07_Login_ok_vc80x.request.xml").read_text())
        reply = self.send(head + call + tail, "urn:vim25/8.0.2.0")
        assert reply.status == 200, reply.body
        return etree.fromstring(reply.body)[-1][0][0].text or ""

    def pass_time(self, seconds: float) -> None:
        """Let time pass."""
        self.clock += seconds
        self.vcenter.settle()


def good(login: str) -> str:
    """Put the simulator's account into the recorded login."""
    return login.replace("my_user", "administrator@vsphere.local").replace("my_password", "vcontract")


def prepared(name: str) -> tuple[Replay, str]:
    """Bring a simulator into the state of a recording; gives it and the request in its ids."""
    replay, number = Replay(name), name[:2]
    vm = replay.vm()
    text = re.sub(r"vm-(19|34|145)\b", vm.moid, good(replay.request))
    if number == "12":
        manager, inner = replay.vcenter.registry.find("ViewManager"), '<container type="Folder">group-d1</container>'
        view = replay.call("CreateContainerView", manager, f"{inner}<recursive>true</recursive>")
        text = re.sub(r"session\[[^<]*", view, text)
    if number in {"23", "24", "25"}:
        replay.call("PowerOffVM_Task", vm)
        replay.pass_time(2)
    if number in {"24", "25"}:
        text = text.replace("task-319", replay.call("Destroy_Task", vm))
        replay.pass_time(0.1 if number == "24" else 2)
    if number == "28":
        text = text.replace("task-320", replay.call("InstantClone_Task", vm, "<spec><name>c</name><location/></spec>"))
        replay.pass_time(2)
    return replay, text


def local(element: Any) -> str:
    """Give an element's name without its name space."""
    return str(etree.QName(element).localname)


def attributes(element: Any) -> dict[str, str]:
    """Give the attributes with the prefix of an xsi:type resolved."""
    found = dict(element.attrib)
    prefix, colon, name = found.get(f"{XSI}type", "").rpartition(":")
    if name:
        found[f"{XSI}type"] = f"{{{element.nsmap[prefix if colon else None]}}}{name}"
    return found


def differences(real: Any, ours: Any, path: str = "") -> list[str]:
    """List where our element is shaped otherwise than the real one of the same place."""
    here = f"{path}/{local(real)}"
    if (real.tag, attributes(real)) != (ours.tag, attributes(ours)):
        return [f"{here}: {real.tag} {attributes(real)} is {ours.tag} {attributes(ours)}"]
    names, own = [local(child) for child in real], [local(child) for child in ours]
    common = [name for name in dict.fromkeys(own) if name in names]
    if common != [name for name in dict.fromkeys(names) if name in own]:
        return [f"{here}: order {common}"]
    pairs = [(real[names.index(name)], ours[own.index(name)]) for name in common]
    return [found for pair in pairs for found in differences(*pair, here)]


@pytest.mark.parametrize("name", RECORDINGS)
def test_an_answer_has_the_shape_of_the_recorded_one(name: str) -> None:
    """Status, headers, and for each element that both send: name, order, attributes and xsi:type."""
    replay, text = prepared(name)
    reply = replay.send(text)
    assert reply.status == (500 if name.endswith("_500") else 200), reply.body
    assert reply.content_type == "text/xml; charset=utf-8"
    real, ours = etree.fromstring((FOLDER / f"{name}.xml").read_bytes()), etree.fromstring(reply.body)
    assert differences(real, ours) == []
    if name.startswith("07"):
        cookie = r'vmware_soap_session="[0-9a-f]{40}"; Path=/; HttpOnly; Secure;'
        assert re.fullmatch(cookie, dict(reply.headers)["set-cookie"])


@pytest.mark.parametrize("name", [name for name in RECORDINGS if not name.endswith("_500")])
def test_an_answer_holds_nothing_that_the_metadata_lacks(name: str) -> None:
    """Read back strictly by the method's result type at the client's version: order, required fields, known names."""
    replay, text = prepared(name)
    reply = replay.send(text)
    version = VmomiSupport.versionMap[replay.action.removeprefix("urn:")]
    answer = read_envelope(reply.body)
    method = answer.node.name.removesuffix("Response")
    kind = object if method == "Fetch" else VmomiSupport.GetWsdlMethod("urn:vim25", method).info.result
    flags = VmomiSupport.F_OPTIONAL
    result = VmomiSupport.Object(name="returnval", type=kind, version=version, flags=flags)
    info = VmomiSupport.Object(params=() if kind is type(None) else (result,))
    answer.node.children.insert(0, answer.node.children[0] if answer.node.children else answer.node)
    assert set(read_arguments(answer.node, info, version)) <= {"returnval"}


@pytest.mark.parametrize("name", IDENTICAL)
def test_a_simple_answer_is_the_recorded_one_byte_for_byte(name: str) -> None:
    """Declaration, name spaces, line breaks, order: nothing differs."""
    replay, text = prepared(name)
    assert replay.send(text).body == (FOLDER / f"{name}.xml").read_bytes().rstrip(b"\n")


def test_every_recording_is_compared() -> None:
    """A recording that is added must be listed here."""
    assert {path.name.removesuffix(".request.xml") for path in FOLDER.glob("*.request.xml")} == set(RECORDINGS)
