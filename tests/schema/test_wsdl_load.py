"""Loading a WSDL: shipped, local, by URL; and everything that is none."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import pytest

from vcontract._errors import SchemaError
from vcontract._schema import SHIPPED, DataType, Schema, load
from vcontract._schema.source import read_document
from vcontract._shipped import shipped

if TYPE_CHECKING:
    from pathlib import Path

SERVICE = "vimService.wsdl"
WSDL = b'<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" targetNamespace="urn:%s">%s</definitions>'


@pytest.mark.parametrize("api", SHIPPED)
def test_shipped_sets_load(api: str) -> None:
    """Each shipped set knows its release, its operations and its types."""
    schema = load(api)
    assert (schema.api_version, schema.namespace, schema.soap_action) == (api, "urn:vim25", f"urn:vim25/{api}")
    assert ("CustomizeGuest_Task" in schema.operations) == (api != "6.7.3")
    assert schema.types["CustomizationNetBIOSMode"].enum == ("enableNetBIOSViaDhcp", "enableNetBIOS", "disableNetBIOS")
    assert load(api) is schema


def test_the_collector_is_on_again_after_a_load() -> None:
    """Loading turns the garbage collector off for its own time only (how long that is, tests/benchmarks measures)."""
    assert gc.isenabled()
    read_document(str(shipped("wsdl") / "9.1.0.0" / SERVICE))
    assert gc.isenabled()


def test_a_release_that_does_not_ship_is_built() -> None:
    """A wire version of the vendor's metadata is as good as a shipped one; what the release lacks is left out."""
    old = load("6.5")
    assert old.api_version == "6.5"
    assert "PowerOnVM_Task" in old.operations
    assert not {"InstantClone_Task", "CustomizeGuest_Task"} & old.operations.keys()
    assert load("6.5") is old
    assert "CustomizeGuest_Task" in load("8.0.2.0").operations


def test_operations_and_types_are_described(schema: Schema) -> None:
    """Parameters without _this, the result, declared faults; fields base first; subtypes and the lack of them."""
    operation = schema.operations["CustomizeGuest_Task"]
    assert [(each.name, each.type, each.optional, each.array) for each in operation.parameters] == [
        ("vm", "ManagedObjectReference", False, False),
        ("auth", "GuestAuthentication", False, False),
        ("spec", "CustomizationSpec", False, False),
        ("configParams", "OptionValue", True, True),
    ]
    assert operation.result is not None
    assert operation.result.type == "ManagedObjectReference"
    declared = ("TaskInProgress", "InvalidState", "InvalidGuestLogin", "GuestPermissionDenied", "CustomizationFault")
    assert operation.faults == (*declared, "RuntimeFault")
    assert schema.operations["Logout"].result is None
    names = [each.name for each in schema.types["TicketedSessionAuthentication"].fields]
    assert names == ["interactiveSession", "ticket"]
    assert schema.subtypes("CustomizationName")[0] == "CustomizationName"
    assert set(schema.subtypes("CustomizationName")) > {"CustomizationFixedName", "CustomizationVirtualMachineName"}
    assert schema.is_subtype("InvalidPowerState", "MethodFault")
    assert not schema.is_subtype("MethodFault", "InvalidPowerState")
    assert not schema.is_subtype("NoSuchType", "NoSuchType")
    assert schema.subtypes("NoSuchType") == ()
    assert "CustomizeGuestRequestType" not in schema.types


def test_a_folder_and_a_file_load_alike(tmp_path: Path) -> None:
    """A user's own copy is loaded by folder or by its vimService.wsdl."""
    for each in (shipped("wsdl") / "6.8.7").iterdir():
        (tmp_path / each.name).write_bytes(each.read_bytes())
    assert load(tmp_path).api_version == "6.8.7"
    assert load(str(tmp_path / SERVICE)).api_version == "6.8.7"


def test_a_url_loads_all_from_one_place() -> None:
    """Every file of a set is fetched once, from beside the first."""
    asked: list[str] = []

    def fetch(url: str) -> bytes:
        asked.append(url)
        return (shipped("wsdl") / "6.7.3" / url.rpartition("/")[2]).read_bytes()

    assert load(f"https://vc.invalid/sdk/{SERVICE}", fetch=fetch).api_version == "6.7.3"
    assert len(asked) == len(set(asked)) == 9
    assert all(url.startswith("https://vc.invalid/sdk/") for url in asked)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "is not XML"),
        (b"<html><body>Welcome</body></html>", "its root element is html"),
        (b"<schema xmlns='http://www.w3.org/2001/XMLSchema'/>", "its root element"),
        (b"<!DOCTYPE d [<!ENTITY a 'b'>]>" + WSDL % (b"a", b""), "declares a DTD"),
        (WSDL % (b"a", b""), "no service with a SOAP binding"),
        (WSDL % (b"a", b"<service name='s'><port name='p' binding='q:r'/></service>"), "no usable WSDL"),
        (WSDL % (b"a", b"<import location='vimService.wsdl'/>"), "loop: vimService.wsdl -> vimService.wsdl"),
        (WSDL % (b"a", b"<import location='other.wsdl'/>"), "loop: vimService.wsdl -> other.wsdl -> vimService.wsdl"),
        (WSDL % (b"a", b"<import location='missing.wsdl'/>"), "cannot read .*missing.wsdl"),
        (WSDL % (b"a", b"<import location='http://example.invalid/a'/>"), "outside the place"),
    ],
)
def test_what_is_no_wsdl_is_one_line(tmp_path: Path, body: bytes, said: str) -> None:
    """Garbage, web pages, loops, missing parts and references elsewhere each say what and where, and fetch nothing."""
    (tmp_path / SERVICE).write_bytes(body)
    (tmp_path / "other.wsdl").write_bytes(WSDL % (b"b", b"<import location='vimService.wsdl'/>"))
    with pytest.raises(SchemaError, match=said) as caught:
        load(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        ("<xsd:simpleType name='T'><xsd:restriction base='xsd:int'/></xsd:simpleType>", DataType("T", "int", ())),
        (
            (
                "<xsd:complexType name='T'><xsd:simpleContent><xsd:extension base='xsd:int'/></xsd:simpleContent>"
                "</xsd:complexType>"
            ),
            DataType("T", None, ()),
        ),
    ],
)
def test_simple_types_are_described(tmp_path: Path, types: str, expected: DataType) -> None:
    """What others' sets hold and the vendor's does not: a simple type without values, and simple content."""
    (tmp_path / SERVICE).write_text(_ONE % types)
    assert load(tmp_path).types["T"] == expected


def test_a_type_that_extends_itself_is_refused(tmp_path: Path) -> None:
    """A ring of types would be followed for ever."""
    body = "<xsd:complexContent><xsd:extension base='x:%s'><xsd:sequence/></xsd:extension></xsd:complexContent>"
    types = "".join(f"<xsd:complexType name='{a}'>{body % b}</xsd:complexType>" for a, b in ("TU", "UT"))
    (tmp_path / SERVICE).write_text(_ONE % types)
    with pytest.raises(SchemaError, match="a type that extends itself: T"):
        load(tmp_path).subtypes("T")


_ONE = """<definitions targetNamespace="urn:x" xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:x="urn:x"
 xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/" xmlns:xsd="http://www.w3.org/2001/XMLSchema"><types>
<xsd:schema targetNamespace="urn:x" elementFormDefault="qualified">%s<xsd:element name="Do"><xsd:complexType>
<xsd:sequence><xsd:element name="a" type="x:T"/></xsd:sequence></xsd:complexType></xsd:element>
<xsd:element name="DoResponse"><xsd:complexType/></xsd:element></xsd:schema></types>
<message name="I"><part name="parameters" element="x:Do"/></message>
<message name="O"><part name="parameters" element="x:DoResponse"/></message>
<portType name="P"><operation name="Do"><input message="x:I"/><output message="x:O"/></operation></portType>
<binding name="B" type="x:P"><soap:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>
<operation name="Do"><soap:operation soapAction="urn:x/1" style="document"/><input><soap:body use="literal"/></input>
<output><soap:body use="literal"/></output></operation></binding>
<service name="S"><port name="p" binding="x:B"><soap:address location="http://localhost/"/></port></service></definitions>"""


def test_what_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    """A missing file, an unreachable host and a server that answers with a page are user errors."""
    with pytest.raises(SchemaError, match=r"cannot read .*nowhere\.wsdl"):
        load(tmp_path / "nowhere.wsdl")
    with pytest.raises(SchemaError, match=r"cannot read http://127\.0\.0\.1:1/"):
        load("http://127.0.0.1:1/sdk/vimService.wsdl")
    with pytest.raises(SchemaError, match="its root element is html"):
        load("https://vc.invalid/sdk/vimService.wsdl", fetch=lambda _: b"<html/>")
