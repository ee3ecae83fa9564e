"""The WSDL that is built from the vendor's metadata: closure, layout, optionality, errors."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from lxml import etree

from vcontract._errors import SchemaError
from vcontract._schema.build import build, versions, write_set
from vcontract._schema.closure import closure
from vcontract._schema.metadata import UNDATED, Data, Enumeration, Metadata
from vcontract._schema.releases import SHIPPED
from vcontract._schema.ship import MANAGER, ROOTS, roots_of
from vcontract._shipped import shipped

if TYPE_CHECKING:
    from pathlib import Path

XSD = "{http://www.w3.org/2001/XMLSchema}"
WSDL = "{http://schemas.xmlsoap.org/wsdl/}"
SOAP = "{http://schemas.xmlsoap.org/wsdl/soap/}"
INPUT = ("CustomizationSpec", "GuestAuthentication", "OptionValue")


def fields(files: dict[str, bytes], name: str) -> list[str]:
    """Describe the own fields of a type: `name type`, `?` if optional, `*` if it may repeat."""
    for file, content in files.items():
        if file.endswith("-types.xsd"):
            for each in etree.fromstring(content).iter(f"{XSD}complexType"):
                if each.get("name") == name:
                    return [describe(field) for field in each.iter(f"{XSD}element")]
    return ["no such type"]


def describe(field: Any) -> str:
    """Describe one field."""
    marks = "?" * (field.get("minOccurs") == "0") + "*" * (field.get("maxOccurs") == "unbounded")
    return f"{field.get('name')} {field.get('type').partition(':')[2]}{marks}"


@pytest.fixture(scope="module")
def machine() -> dict[str, bytes]:
    """Build the set of one root at 6.7.3."""
    return build("6.7.3", ["VirtualMachine"])


@pytest.mark.parametrize("api", SHIPPED)
def test_shipped_sets_are_rebuilt_byte_for_byte(api: str) -> None:
    """What lies in wsdl/ is what the metadata and the roots give, no file more or less."""
    folder = shipped("wsdl") / api
    assert build(api, roots_of(api)) == {each.name: each.read_bytes() for each in folder.iterdir()}


@pytest.mark.parametrize(("api", "data"), [("9.1.1.0", 48), ("6.8.7", 44)])
def test_input_closure_has_the_known_size(api: str, data: int) -> None:
    """The call's input needs 49 and 45 data types in metadata, one less here as DynamicData is published empty."""
    metadata = Metadata(api)
    found = [metadata.types[name] for name in closure(metadata, [], [], INPUT)]
    assert len([each for each in found if isinstance(each, Data)]) == data
    assert len([each for each in found if isinstance(each, Enumeration)]) == 3
    assert not [each.name for each in found if metadata.is_fault(each.name)]


def test_every_fault_comes_along() -> None:
    """A LocalizedMethodFault may hold any fault: MethodFault and its 699 descendants, 12 of CustomizationFault."""
    metadata = Metadata("9.1.1.0")
    found = closure(metadata, [], [], ["RuntimeFault"])
    assert len([name for name in found if metadata.is_fault(name)]) == 700
    assert len(metadata.children["CustomizationFault"]) == 12


def test_types_are_complete(machine: dict[str, bytes]) -> None:
    """Every type that a field, an extension or an element names is defined, each once."""
    trees = [etree.fromstring(content) for content in machine.values()]
    defined = [
        each.get("name") for tree in trees for kind in ("complexType", "simpleType") for each in tree.iter(XSD + kind)
    ]
    named = [name for name in defined if name]
    assert len(named) == len(set(named))
    used = {each.get("type") for tree in trees for each in tree.iter(f"{XSD}element")}
    used |= {each.get("base") for tree in trees for each in tree.iter(f"{XSD}extension")}
    assert {str(each).removeprefix("vim25:") for each in used if str(each).startswith("vim25:")} <= set(named)


def test_fields_keep_order_and_optionality(machine: dict[str, bytes]) -> None:
    """A field younger than its type is optional, in the declared order; one that 2.5 already had stays required."""
    runtime = fields(machine, "VirtualMachineRuntimeInfo")
    assert runtime[:7] == [
        "device VirtualMachineDeviceRuntimeInfo?*",
        "host ManagedObjectReference?",
        "connectionState VirtualMachineConnectionState",
        "powerState VirtualMachinePowerState",
        "faultToleranceState VirtualMachineFaultToleranceState?",
        "dasVmProtection VirtualMachineRuntimeInfoDasProtectionState?",
        "toolsInstallerMounted boolean",
    ]
    assert {"onlineStandby boolean?", "consolidationNeeded boolean?", "numMksConnections int"} < set(runtime)
    assert "alternateGuestName string" in fields(machine, "VirtualMachineConfigInfo")
    assert fields(machine, "CustomizationLinuxPrep") == [
        "hostName CustomizationName",
        "domain string",
        "timeZone string?",
        "hwClockUTC boolean?",
    ]
    assert "extraConfig OptionValue?*" in fields(build("9.1.0.0", ["VirtualMachine"]), "CustomizationLinuxPrep")


def test_core_types_differ_from_the_metadata_as_published(machine: dict[str, bytes]) -> None:
    """MethodFault stands alone, a fault field holds a LocalizedMethodFault, and DynamicData is empty."""
    assert fields(machine, "DynamicData") == []
    assert fields(machine, "MethodFault") == ["faultCause LocalizedMethodFault?", "faultMessage LocalizableMessage?*"]
    assert fields(machine, "LocalizedMethodFault") == ["fault MethodFault", "localizedMessage string?"]
    assert fields(machine, "UnexpectedFault") == ["faultName string", "fault LocalizedMethodFault?"]
    core = etree.fromstring(machine["core-types.xsd"])
    bases = {str(each.get("name")): [base.get("base") for base in each.iter(f"{XSD}extension")] for each in core}
    assert bases["MethodFault"] == []
    assert bases["LocalizedMethodFault"] == ["vim25:DynamicData"]
    assert bases["ManagedObjectReference"] == ["xsd:string"]
    assert list(bases)[:4] == ["DynamicArray", "DynamicData", "DynamicProperty", "ArrayOfDynamicProperty"]


def test_undated_changes_follow_the_table() -> None:
    """Up to 6.7.3 NoPermission names its object and InvalidToken is unknown; afterwards the metadata holds."""
    assert [each.last for each in UNDATED] == ["6.7.3"]
    assert all(each.source for each in UNDATED)
    for api in ("4.0", "6.7.3"):
        old = build(api, ["Task"])
        assert fields(old, "NoPermission") == ["object ManagedObjectReference", "privilegeId string"]
        assert fields(old, "InvalidToken") == ["no such type"]
    new = build("6.8.7", ["Task"])
    assert fields(new, "NoPermission") == ["object ManagedObjectReference?", "privilegeId string?"]
    assert fields(new, "InvalidToken") == []


def test_messages_are_named_as_the_vendor_does(machine: dict[str, bytes]) -> None:
    """Element, response, request type, messages, doubled fault names, binding and service of one operation."""
    root = etree.fromstring(machine["vim.wsdl"])
    elements = {str(each.get("name")): each.get("type") for each in root.iter(f"{XSD}element")}
    assert elements["CustomizeVM_Task"] == "vim25:CustomizeVMRequestType"
    assert {"CustomizeVM_TaskResponse", "versionURI"} < elements.keys()
    assert elements["CustomizationFaultFault"] == "vim25:CustomizationFault"
    assert elements["InvalidPowerStateFault"] == "vim25:InvalidPowerState"
    messages = {str(each.get("name")): each[0].get("element") for each in root.iter(f"{WSDL}message")}
    assert messages["CustomizeVM_TaskRequestMsg"] == "vim25:CustomizeVM_Task"
    assert messages["RuntimeFaultFaultMsg"] == "vim25:RuntimeFaultFault"
    port = root.find(f"{WSDL}portType[@name='VimPortType']/{WSDL}operation[@name='CustomizeVM_Task']")
    assert port is not None
    assert [(each.get("name"), each.get("message")) for each in port.iter(f"{WSDL}fault")] == [
        ("CustomizationFaultFault", "vim25:CustomizationFaultFaultMsg"),
        ("RuntimeFault", "vim25:RuntimeFaultFaultMsg"),
    ]
    binding = root.find(f"{WSDL}binding[@name='VimBinding']/{WSDL}operation[@name='CustomizeVM_Task']")
    assert binding is not None
    assert [each.get("soapAction") for each in binding.iter(f"{SOAP}operation")] == ["urn:vim25/6.7.3"]
    service = etree.fromstring(machine["vimService.wsdl"])
    assert [each.get("location") for each in service.iter(f"{WSDL}import")] == ["vim.wsdl"]
    assert [each.get("binding") for each in service.iter(f"{WSDL}port")] == ["interface:VimBinding"]


def test_roots_pick_methods_and_properties() -> None:
    """`OBJECT:` has no methods, `OBJECT:METHOD` also an inherited one, `.PROPERTY` limits what is followed."""
    none = build("8.0.3.0", ["Datacenter:"])
    assert b"<operation" not in none["vim.wsdl"]
    one = build("8.0.3.0", ["ContainerView:DestroyView"])
    assert one["vim.wsdl"].count(b"<soap:operation ") == 1
    narrow = build("8.0.3.0", ["HostSystem.runtime:DisconnectHost_Task"])
    assert fields(narrow, "HostRuntimeInfo") != ["no such type"]
    assert fields(narrow, "HostConfigInfo") == ["no such type"]


def test_releases_are_known() -> None:
    """37 releases in one chain, oldest first; 4.0 and the newest can be built."""
    every = versions()
    assert (len(every), every[0].wire, every[0].parent, every[-1].wire) == (37, "2.0", None, "9.1.1.0")
    assert all(each.parent == before.vmodl for before, each in pairwise(every))
    assert b'soapAction="urn:vim25/4.0"' in build("4.0", ["Task"])["vim.wsdl"]
    assert b'soapAction="urn:vim25/9.1.1.0"' in build("9.1.1.0", ["Task"])["vim.wsdl"]


@pytest.mark.parametrize(
    ("api", "roots", "said"),
    [
        ("6.7.4", ["Task"], "nearest: 6.7"),
        ("2.5", ["Task"], "no API version '2.5'"),
        ("6.7.3", ["VirtualMachin"], "nearest: VirtualMachine"),
        ("6.7.3", [MANAGER], "it came with 6.8.7"),
        ("6.7.3", ["Task:CancelTsk"], "nearest: CancelTask"),
        ("6.7.3", ["Task.inf:CancelTask"], "nearest: info"),
        ("6.7.3", ["TaskInfo"], "no managed object 'TaskInfo'"),
        ("6.7.3", [], "at least one root"),
    ],
)
def test_mistakes_are_named(api: str, roots: list[str], said: str) -> None:
    """An unknown release, object, method or property is one line that says what exists."""
    with pytest.raises(SchemaError, match=said) as caught:
        build(api, roots)
    assert "\n" not in str(caught.value)


def test_a_set_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    """A set replaces an older one and leaves nothing else behind; a folder that is a file is an error."""
    files = {"vimService.wsdl": b"new", "vim.wsdl": b"other"}
    (tmp_path / "vimService.wsdl").write_bytes(b"old")
    write_set(files, tmp_path)
    assert {each.name: each.read_bytes() for each in tmp_path.iterdir()} == files
    with pytest.raises(SchemaError, match="cannot write"):
        write_set(files, tmp_path / "vim.wsdl")


def test_the_manager_ships_from_its_first_release() -> None:
    """6.7.3 ships without the manager, every later set with it."""
    assert [api for api in SHIPPED if MANAGER in roots_of(api)] == list(SHIPPED[1:])
    assert MANAGER not in ROOTS
