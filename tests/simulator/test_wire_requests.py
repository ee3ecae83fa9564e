"""The strict reader: what a real server refuses is refused, with the place; what it tolerates is taken."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulator.conftest import Wire
from vcontract._simulator.soap_reader import read_arguments

CALL = (
    '<CustomizeGuest_Task xmlns="urn:vim25"><_this type="VirtualMachineGuestCustomizationManager">'
    'GuestCustomizationManager</_this><vm type="VirtualMachine">{vm}</vm>'
    '<auth xsi:type="NamePasswordAuthentication"><interactiveSession>false</interactiveSession>'
    "<username>root</username><password>guest</password></auth>"
    '<spec><identity xsi:type="CustomizationLinuxPrep"><hostName xsi:type="CustomizationFixedName"><name>web</name>'
    "</hostName><domain>a.b</domain></identity><globalIPSettings></globalIPSettings>"
    '<nicSettingMap><adapter><ip xsi:type="CustomizationFixedIp"><ipAddress>192.0.2.2</ipAddress></ip>'
    "<subnetMask>255.255.255.0</subnetMask></adapter></nicSettingMap></spec>"
    '<configParams><key>k</key><value xsi:type="xsd:string">v</value></configParams></CustomizeGuest_Task>'
)

# What is edited, into what, and what the text must say. Each edit breaks one thing.
BROKEN = {
    "missing object": ("<identity xsi", "</identity>", "", "Required property identity is missing"),
    "missing string": ("<domain>", "</domain>", "", "Required property domain is missing"),
    "missing parameter": ("<spec>", "</spec>", "", "Required parameter spec is missing"),
    "missing boolean": ("<interactiveSession>", "</interactiveSession>", "", "interactiveSession is missing"),
    "missing _this": ("<_this", "</_this>", "", "Required parameter _this is missing"),
    "doubled": ("<domain>", "</domain>", "<domain>a</domain><domain>b</domain>", 'tag "vim25:domain" seen'),
    "order": (
        "<hostName",
        "</domain>",
        "<domain>a</domain><hostName xsi:type='CustomizationFixedName'><name>w</name></hostName>",
        "hostName is missing",
    ),
    "parameter order": ("<vm", "</vm>", "", "Required parameter vm is missing"),
    "unknown tag": ("<username>", "</username>", "<userName>r</userName>", 'tag "vim25:userName" seen'),
    "foreign name space": ("<domain>", "</domain>", '<domain xmlns="urn:x">a</domain>', 'tag "domain" seen'),
    "too new a field": (
        "<domain>",
        "</domain>",
        "<domain>a</domain><resetPassword>true</resetPassword>",
        'tag "vim25:resetPassword" seen',
    ),
    "too new a type": (
        'xsi:type="CustomizationFixedIp"',
        ">",
        'xsi:type="CustomizationDisableIpV4">',
        'type name "CustomizationDisableIpV4"',
    ),
    "unknown type": ('xsi:type="CustomizationFixedName"', ">", 'xsi:type="NoSuchName">', '"NoSuchName"'),
    "unbound prefix": ('xsi:type="CustomizationFixedName"', ">", 'xsi:type="p:CustomizationFixedName">', '"p:'),
    "type that does not fit": (
        'xsi:type="CustomizationFixedName"',
        ">",
        'xsi:type="CustomizationFixedIp">',
        "compatible",
    ),
    "boolean": (
        "<interactiveSession>",
        "</interactiveSession>",
        "<interactiveSession>no</interactiveSession>",
        "Invalid value for type boolean",
    ),
    "text among elements": (
        "<globalIPSettings>",
        "</globalIPSettings>",
        "<globalIPSettings>x</globalIPSettings>",
        "Unexpected text",
    ),
    "elements in text": ("<domain>", "</domain>", "<domain><a>b</a></domain>", 'tag "vim25:a" seen'),
    "nil": ("<domain>", "</domain>", '<domain xsi:nil="true"></domain>', "may not be nil"),
    "reference to a type that does not fit": ("<vm", "</vm>", '<vm type="Folder">group-v4</vm>', "compatible"),
    "reference with the type of data": ("<vm", ">", '<vm xsi:type="CustomizationSpec">', "compatible"),
    "reference to an unknown type": ("<vm", "</vm>", '<vm type="NoSuch">vm-1</vm>', "managed object type"),
}

# As above, and taken: the answer is a task.
TAKEN = {
    "versionId": ("<vm", "</vm>", '<vm versionId="8.0.3.0" type="VirtualMachine">{vm}</vm>'),
    "no type attribute": ("<vm", "</vm>", "<vm>{vm}</vm>"),
    "prefixed type": ("<auth ", ">", '<auth xmlns:v="urn:vim25" xsi:type="v:NamePasswordAuthentication">'),
    "prefixed elements": ("<domain>", "</domain>", '<v:domain xmlns:v="urn:vim25">a.b</v:domain>'),
    "comment": ("<domain>", "</domain>", "<!-- c --><domain>a<!-- c -->b</domain>"),
    "CDATA": ("<domain>", "</domain>", "<domain><![CDATA[a.b]]></domain>"),
    "white space": ("<domain>", "</domain>", "\n  <domain>a.b</domain>\n\t"),
    "boolean as number": (
        "<interactiveSession>",
        "</interactiveSession>",
        "<interactiveSession> 0 </interactiveSession>",
    ),
    "no optional parameter": ("<configParams>", "</configParams>", ""),
    "untyped any": ('<value xsi:type="xsd:string">', "</value>", "<value>v</value>"),
    "int as any": ('<value xsi:type="xsd:string">', "</value>", '<value xsi:type="xsd:int">7</value>'),
    "array as any": (
        '<value xsi:type="xsd:string">',
        "</value>",
        '<value xsi:type="ArrayOfString"><string>a</string></value>',
    ),
}


def edited(edit: tuple[str, ...], vm: str) -> str:
    """Replace a piece of the valid call, from where it begins to the first end after it."""
    begin, end, text = edit[:3]
    head, found, tail = CALL.partition(begin)
    assert found
    _, _, rest = tail.partition(end)
    return (head + text + rest).replace("{vm}", vm)


@pytest.mark.parametrize("name", BROKEN)
def test_each_breach_of_the_schema_is_an_invalid_request_that_says_where(wire: Any, name: str) -> None:
    """A request that breaks one rule starts nothing, and the text frames the place from the inside out."""
    answer = wire.raw(edited(BROKEN[name], wire.vm()))
    assert (answer.status, answer.fault) == (500, "InvalidRequest")
    assert BROKEN[name][3] in answer.message
    frames = [
        "call information for method CustomizeGuest_Task",
        "SOAP body",
        "SOAP envelope",
        "HTTP request for method",
    ]
    places = [answer.message.index(f"while parsing {frame}") for frame in frames]
    assert places == sorted(places)
    assert not wire.vcenter.tasks.recent()


@pytest.mark.parametrize("name", TAKEN)
def test_what_real_servers_tolerate_is_taken(wire: Any, name: str) -> None:
    """Harmless variety of the same request starts the task."""
    answer = wire.raw(edited(TAKEN[name], wire.vm()))
    assert answer.status == 200, answer.message
    assert answer.one("returnval").startswith("task-")


def test_the_frames_read_as_those_of_a_real_server(wire: Any) -> None:
    """Data objects go by VMODL name, static types and the call by WSDL name, each with line and column."""
    answer = wire.raw(edited(BROKEN["missing object"], wire.vm()))
    lines = [line for line in answer.message.splitlines() if line]
    assert lines[0] == "Required property identity is missing from data object of type CustomizationSpec"
    assert lines[1] == "while parsing serialized DataObject of type vim.vm.customization.Specification"
    assert lines[2].startswith("at line 2, column ")
    assert lines[3] == 'while parsing property "spec" of static type CustomizationSpec'
    assert lines[4] == "while parsing call information for method CustomizeGuest_Task"
    assert lines[-3:] == [
        "while parsing HTTP request for method customize",
        "on object of type vim.vm.GuestCustomizationManager",
        "at line 1, column 0",
    ]


ENVELOPE = '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/">{}</e:Envelope>'
TIME = '<CurrentTime xmlns="urn:vim25"><_this type="ServiceInstance">ServiceInstance</_this></CurrentTime>'


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not xml",
        ENVELOPE.format(f"<e:Body>{TIME}</e:Body>")[:-5],
        "<!DOCTYPE x>" + ENVELOPE.format(f"<e:Body>{TIME}</e:Body>"),
        '<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>',
        '<?xml version="1.0" encoding="no-such"?>' + ENVELOPE.format(f"<e:Body>{TIME}</e:Body>"),
        TIME,
        ENVELOPE.format(f"<e:Body>{TIME}</e:Body>").replace("schemas.xmlsoap.org/soap", "www.w3.org/2003/05/soap"),
        ENVELOPE.format(""),
        ENVELOPE.format("<e:Body/>"),
        ENVELOPE.format(f"<e:Body>{TIME}{TIME}</e:Body>"),
        ENVELOPE.format(f"<e:Body>{TIME}</e:Body><e:Body>{TIME}</e:Body>"),
        ENVELOPE.format(f"<e:Body>{TIME}</e:Body><e:Header/>"),
        ENVELOPE.format(f"<e:Body>text{TIME}</e:Body>"),
        ENVELOPE.format(f"<e:Body>{'<a>' * 200}{'</a>' * 200}</e:Body>"),
        ENVELOPE.format(f"<e:Body>{TIME.replace('CurrentTime', 'NoSuchMethod')}</e:Body>"),
        ENVELOPE.format(f"<e:Body>{TIME.replace('urn:vim25', 'urn:pbm')}</e:Body>"),
    ],
)
def test_what_is_no_call_is_an_invalid_request(wire: Any, body: str | bytes) -> None:
    """Whatever arrives, the answer is a fault over a live connection."""
    reply = wire.post(body)
    assert reply.status == 500
    assert b'<InvalidRequestFault xmlns="urn:vim25" xsi:type="InvalidRequest">' in reply.body
    assert b"while parsing HTTP request" in reply.body


def test_a_header_is_ignored(wire: Any) -> None:
    """A SOAP header before the body, as pyVmomi sends with a request context, changes nothing."""
    body = ENVELOPE.format(f'<e:Header><operationID xmlns="urn:x">1</operationID></e:Header><e:Body>{TIME}</e:Body>')
    assert wire.post(body).status == 200


def test_an_unknown_method_is_named_with_its_name_space(wire: Any) -> None:
    """The text is that of a real server."""
    answer = wire.raw('<NoSuch xmlns="urn:vim25"><_this type="Folder">group-d1</_this></NoSuch>')
    assert "Unable to resolve WSDL method name NoSuch for namespace name urn:vim25" in answer.message
    assert answer.message.endswith("before method was determined\nat line 1, column 0")


NUMBERS = {"1": 200, " +1 ": 200, "0": 500, "1.0": 500, "x": 500, "": 500, "2147483648": 500, "0x1": 500}


@pytest.mark.parametrize(("text", "status"), NUMBERS.items())
def test_an_int_is_read_by_the_rules_of_xml_schema(wire: Any, text: str, status: int) -> None:
    """Only what XML Schema calls an int in 32 bits is one; zero is refused by the method itself."""
    collector = wire.call("CreateCollectorForTasks", "TaskManager:TaskManager", "<filter></filter>").one("returnval")
    inner = f"<maxCount>{text}</maxCount>"
    assert wire.call("SetCollectorPageSize", f"TaskHistoryCollector:{collector}", inner).status == status


TIMES = {
    "2026-01-02T03:04:05Z": 200,
    "2026-01-02T03:04:05.123+02:00": 200,
    "2026-01-02": 500,
    "2026-13-02T03:04:05Z": 500,
}


@pytest.mark.parametrize(("text", "status"), TIMES.items())
def test_times_and_enumerations_are_checked(wire: Any, text: str, status: int) -> None:
    """A dateTime is one of XML Schema's, an enumeration's value one of its own."""
    when = "<filter><time><timeType>{}</timeType><beginTime>{}</beginTime></time></filter>"
    inner = when.format("queuedTime", text)
    assert wire.call("CreateCollectorForTasks", "TaskManager:TaskManager", inner).status == status
    wrong = wire.call("CreateCollectorForTasks", "TaskManager:TaskManager", when.format("noSuch", text))
    assert wrong.fault == "InvalidRequest"


def test_a_request_that_comes_again_is_read_as_the_first_time(wired: type[Wire]) -> None:
    """What a tolerant reader mended of a request is not mended in the next that is equal, once nobody mends any more."""
    tolerant = wired(defects=frozenset({"unknown-element-accepted"}))
    tolerant.login()
    text = edited(BROKEN["unknown tag"], tolerant.vm()).replace(
        "<userName>r</userName>", "<extra>1</extra><username>root</username>"
    )
    assert tolerant.raw(text).status == 200
    tolerant.vcenter.decisions.read = read_arguments
    assert [tolerant.raw(text).fault for _ in range(2)] == ["InvalidRequest"] * 2


def test_what_a_read_asks_for_is_the_same_at_each_time(wire: Any) -> None:
    """Of a request that comes again the answer changes with the object alone; one of another client is another request."""
    vm = wire.vm()
    asked = (
        "<specSet><propSet><type>VirtualMachine</type><pathSet>config.annotation</pathSet></propSet>"
        f'<objectSet><obj type="VirtualMachine">{vm}</obj></objectSet></specSet><options></options>'
    )

    def read(version: str = "8.0.3.0") -> Any:
        return wire.call("RetrievePropertiesEx", "PropertyCollector:propertyCollector", asked, version)

    texts = []
    for note in ("first", "second"):
        wire.call("ReconfigVM_Task", f"VirtualMachine:{vm}", f"<spec><annotation>{note}</annotation></spec>")
        wire.pass_time(10)
        texts.append([read().one("returnval/objects/propSet/val") for _ in range(2)])
    assert texts == [["first"] * 2, ["second"] * 2]
    options = asked.replace("<options></options>", "<options><maxObjects>1</maxObjects></options>")
    assert wire.call("RetrievePropertiesEx", "PropertyCollector:propertyCollector", options).status == 200
    assert read("2.5").fault == "MethodNotFound"
    assert read().status == 200
