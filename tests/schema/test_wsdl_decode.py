"""Replies of real servers decode without a problem; every way to break the schema is found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from lxml import etree

from vcontract._check.tasklife import error_of
from vcontract._errors import SchemaError
from vcontract._schema import Schema, plain
from vcontract._terms import Fault

Read = Callable[[str], Any]
ROOT = '<x xmlns="urn:vim25" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema"{}</x>'


def parse(rest: str) -> Any:
    """Parse an element `x`: `rest` is what follows its name spaces."""
    return etree.fromstring(ROOT.format(rest))


def test_service_content_of_a_real_vcenter(schema: Schema, recorded: Read) -> None:
    """Recording 02 holds every manager, the guest customization manager among them."""
    value, problems = schema.decode_reply("RetrieveServiceContent", recorded("02_RetrieveServiceContent_vc802_v8020"))
    assert problems == ()
    assert value["about"]["apiType"] == "VirtualCenter"
    assert value["guestCustomizationManager"] == {
        "_typeName": "ManagedObjectReference",
        "type": "VirtualMachineGuestCustomizationManager",
        "value": "GuestCustomizationManager",
    }


@pytest.mark.parametrize(
    ("method", "name"),
    [
        ("Login", "07_Login_ok_vc80x"),
        ("DestroyView", "12_DestroyView_void"),
        ("Destroy_Task", "23_Destroy_Task_response"),
        ("RetrievePropertiesEx", "24_TaskInfo_running"),
        ("RetrievePropertiesEx", "25_TaskInfo_success_void"),
        ("RetrievePropertiesEx", "28_TaskInfo_success_with_result"),
        ("RetrievePropertiesEx", "31_RetrievePropertiesEx_vm_runtime"),
        ("Logout", "33_Logout"),
    ],
)
def test_real_replies_have_no_problem(schema: Schema, method: str, name: str, recorded: Read) -> None:
    """What real servers sent keeps the schema, and void replies are None."""
    value, problems = schema.decode_reply(method, recorded(name))
    assert problems == ()
    assert (value is None) == (method in {"DestroyView", "Logout"})


def test_task_info_of_a_real_task(schema: Schema, recorded: Read) -> None:
    """A property of any type keeps its type; the result of a clone is a reference."""
    value, _ = schema.decode_reply("RetrievePropertiesEx", recorded("28_TaskInfo_success_with_result"))
    found = {each["name"]: each["val"] for each in value["objects"][0]["propSet"]}
    info = found.get("info") or {name.removeprefix("info."): plain(each) for name, each in found.items()}
    assert info["state"] == "success"
    assert info["result"]["_typeName"] == "ManagedObjectReference"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("08_Fetch_content_ServiceInstance", "ServiceContent"),
        ("14_Fetch_vm_runtime", "VirtualMachineRuntimeInfo"),
        ("15_Fetch_vm_guest", "GuestInfo"),
    ],
)
def test_fetched_properties_decode_by_their_type(schema: Schema, name: str, kind: str, recorded: Read) -> None:
    """A property that pyVmomi fetched is decoded by the xsi:type that the server gave."""
    value, problems = schema.decode(recorded(name)[0], "anyType")
    assert (value["_typeName"], problems) == (kind, ())


def test_an_array_in_any_place_is_a_list(schema: Schema, recorded: Read) -> None:
    """Recording 16 is an ArrayOfString whose items state their type again."""
    value, problems = schema.decode(recorded("16_Fetch_vm_disabledMethod")[0], "anyType")
    assert problems == ()
    assert "CustomizeVM_Task" in value


def test_a_real_fault(schema: Schema, recorded: Read) -> None:
    """Recording 06 is an InvalidLogin."""
    assert schema.decode_fault(recorded("06_fault_InvalidLogin_500")) == (Fault("InvalidLogin"), ())


def test_another_name_space_is_a_problem(schema: Schema, recorded: Read) -> None:
    """A reply in urn:vim2, as a 2.0 client gets it, is decoded but found out."""
    body = recorded("04_RetrieveServiceContent_vc55_as_vim2")
    value, problems = schema.decode_reply("RetrieveServiceContent", body)
    assert "the reply is {urn:vim2}RetrieveServiceContentResponse" in problems[0]
    assert value["about"]["apiVersion"]


@pytest.mark.parametrize(
    ("kind", "rest", "said"),
    [
        ("OptionValue", "><key>k</key><extra/>", "x.extra: OptionValue has no such field at API 8.0.3.0"),
        ("CustomizationPassword", "><plainText>1</plainText><value>v</value>", "x.value: out of order"),
        ("OptionValue", "><key>a</key><key>b</key>", "x.key: occurs more than once"),
        ("CustomizationPassword", "><value>v</value>", "x.plainText: missing"),
        ("CustomizationPassword", "><value>v</value><plainText>yes</plainText>", "x.plainText: 'yes' is no boolean"),
        ("OptionValue", ">text<key>k</key>", "x: text where OptionValue has only elements"),
        ("OptionValue", " versionId='5'><key>k</key>", "x: attribute versionId does not belong here"),
        ("OptionValue", "><key xmlns='urn:else'>k</key>", "x.key: in name space urn:else"),
        ("OptionValue", "><key>k</key><value>v</value>", "x.value: an anyType value needs an xsi:type"),
        ("OptionValue", "><key>k</key><value xsi:type='Nonsense'>v</value>", "xsi:type Nonsense is unknown"),
        ("OptionValue", "><key>k</key><value xsi:type='nope:string'>v</value>", "xsi:type nope:string is unknown"),
        ("CustomizationName", " xsi:type='OptionValue'>", "xsi:type OptionValue is no CustomizationName"),
        ("VirtualMachinePowerState", ">poweredSideways", "'poweredSideways' is no VirtualMachinePowerState"),
        ("ManagedObjectReference", ">vm-1", "a reference without its type"),
        ("string", "><b/>", "elements where string has only text"),
        ("int", ">2147483648", "'2147483648' is no int"),
        ("byte", ">-129", "'-129' is no byte"),
        ("dateTime", ">yesterday", "'yesterday' is no dateTime"),
        ("base64Binary", ">?", "'?' is no base64Binary"),
        ("float", ">1,5", "'1,5' is no float"),
    ],
)
def test_every_break_of_the_schema_is_found(schema: Schema, kind: str, rest: str, said: str) -> None:
    """Each deviation is one problem that names the path."""
    _, problems = schema.decode(parse(rest if ">" in rest else f">{rest}"), kind)
    assert len(problems) == 1
    assert said in problems[0]


@pytest.mark.parametrize(
    ("kind", "rest", "value"),
    [
        ("boolean", "> 1 ", True),
        ("long", ">-9223372036854775808", -(1 << 63)),
        ("double", ">1e3", 1000.0),
        ("dateTime", ">2026-01-02T03:04:05.000006Z", "2026-01-02T03:04:05.000006Z"),
        ("string", "> a<!-- c -->b ", " ab "),
        ("anyType", " xsi:type='xsd:long'>5", {"_typeName": "long", "_value": 5}),
        ("ArrayOfInt", ">", {"_typeName": "ArrayOfInt"}),
    ],
)
def test_simple_values_are_read(schema: Schema, kind: str, rest: str, value: Any) -> None:
    """Lexical forms that XSD allows give Python values, times stay text."""
    assert schema.decode(parse(rest), kind) == (value, ())


@pytest.mark.parametrize(
    ("rest", "kind", "said"),
    [
        ('<InvalidStateFault xmlns="urn:vim25"/>', "InvalidState", "no xsi:type"),
        ('<RuntimeFault xmlns="urn:vim25" {x}="RuntimeFault"/>', "RuntimeFault", "the element of a RuntimeFault is"),
        ('<NewFaultFault xmlns="urn:vim25" {x}="NewFault"/>', "NewFault", "NewFault is no fault at API 8.0.3.0"),
        ('<InvalidStateFault {x}="InvalidState"/>', "InvalidState", "in name space (none)"),
        ('<InvalidStateFault xmlns="urn:vim25" {x}="InvalidState"><msg/></InvalidStateFault>', "InvalidState", "msg"),
        ('<SystemErrorFault xmlns="urn:vim25" {x}="SystemError"/>', "SystemError", "reason: missing"),
    ],
)
def test_a_malformed_fault_keeps_its_type(schema: Schema, rest: str, kind: str, said: str) -> None:
    """Name, type and content of a fault element are checked; the type survives for the judge."""
    namespace = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type'
    fault, problems = schema.decode_fault(etree.fromstring(rest.format(x=namespace)))
    assert fault.type == kind
    assert any(said in each for each in problems)


def test_a_localized_fault_has_fields_and_text(schema: Schema) -> None:
    """The error of a task becomes a fault with its fields and the server's text."""
    states = "<requestedState>poweredOn</requestedState><existingState>poweredOff</existingState>"
    inner = f'><fault xsi:type="InvalidPowerState">{states}</fault><localizedMessage>no</localizedMessage>'
    value, problems = schema.decode(parse(inner), "LocalizedMethodFault")
    assert problems == ()
    expected = Fault("InvalidPowerState", {"requestedState": "poweredOn", "existingState": "poweredOff"}, "no")
    assert error_of({"error": value}) == expected


def test_replies_that_lack_their_result(schema: Schema) -> None:
    """A missing result is a problem, an unset optional one None, a list may be empty."""
    space = "{urn:vim25}"
    value, problems = schema.decode_reply("CustomizeGuest_Task", etree.Element(f"{space}CustomizeGuest_TaskResponse"))
    assert value is None
    assert problems == ("CustomizeGuest_Task.returnval: missing, CustomizeGuest_TaskResponse requires it",)
    assert schema.decode_reply("FindByUuid", etree.Element(f"{space}FindByUuidResponse")) == (None, ())
    assert schema.decode_reply("RetrieveProperties", etree.Element(f"{space}RetrievePropertiesResponse")) == ([], ())
    _, problems = schema.decode_reply("Logout", etree.Element(f"{space}CurrentTimeResponse"))
    assert "the reply is {urn:vim25}CurrentTimeResponse" in problems[0]


def test_an_unknown_static_type_is_our_mistake(schema: Schema) -> None:
    """A caller that asks for a type the WSDL lacks gets a SchemaError, not a problem of the server."""
    with pytest.raises(SchemaError, match="no type Nonsense"):
        schema.decode(parse(">"), "Nonsense")


@pytest.mark.parametrize("inside", ["", ' xmlns:xsd="urn:vim25"', ' xmlns:v="http://www.w3.org/2001/XMLSchema"'])
@pytest.mark.parametrize("stated", ["xsd:string", "v:string", "OptionValue", "xsd:OptionValue"])
def test_a_prefix_means_what_is_declared_where_it_stands(schema: Schema, inside: str, stated: str) -> None:
    """What is known of the xsi:types of other replies is used only if no prefix is declared inside a reply."""
    xsi = "http://www.w3.org/2001/XMLSchema-instance"
    text = (
        f'<RetrievePropertiesExResponse xmlns="urn:vim25" xmlns:xsi="{xsi}" xmlns:xsd="http://www.w3.org/2001/XMLSchema">'
        '<returnval><objects><obj type="Task">t</obj><propSet><name>n</name>{}</propSet></objects></returnval>'
        "</RetrievePropertiesExResponse>"
    )
    for inner in ('<val xsi:type="xsd:string">x</val>', f'<val{inside} xsi:type="{stated}">x</val>'):
        source = text.format(inner).encode()
        element = etree.fromstring(source)
        assert schema.decode_reply("RetrievePropertiesEx", element, source) == schema.decode_reply(
            "RetrievePropertiesEx", element
        )
