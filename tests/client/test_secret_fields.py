"""Secret fields: the list is the vendor's, and nothing that stands in one reaches a file, whatever the reply."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest
from pyVmomi import VmomiSupport

from tests.spellings import IN_XML, traces
from vcontract._client import Recorder, Secrets, Target
from vcontract._client.pacing import Pacing
from vcontract._client.recording import FORMAT, Opening, Tape
from vcontract._client.secret_bodies import without_fields
from vcontract._client.secret_fields import MARKED, RESULTS, UNMARKED, veiled
from vcontract._client.wire import HttpReply, parse_url
from vcontract._schema import Schema, load
from vcontract._terms import Arguments, Call, Faulted, Lost, Ref, Returned

NEWEST = "9.1.0.0"
CANARY = "canary-%d-<&\n>-0123456789"
PAGE = "ContinueRetrievePropertiesEx"


def described() -> Iterator[tuple[str, str, bool]]:
    """Give the type and name of every field and the method of every result that the vendor's metadata marks as secret."""
    for kind in VmomiSupport.GetWsdlTypes():
        if issubclass(kind, VmomiSupport.DataObject):
            yield from ((kind._wsdlName, each.name, True) for each in kind._propInfo.values() if each.flags & 8)
        elif issubclass(kind, VmomiSupport.ManagedObject):
            methods = [each for each in kind._methodInfo.values() if each.resultFlags & 8]
            yield from ((each.wsdlName, "", False) for each in methods)


def test_the_list_is_the_vendors() -> None:
    """What the metadata marks is listed, nothing else is called marked, and what is listed beside it is not marked."""
    assert VmomiSupport.F_SECRET == 8
    marked = set(described())
    assert {(kind, name) for kind, names in MARKED.items() for name in names} == {
        each[:2] for each in marked if each[2]
    }
    assert {each[0] for each in marked if not each[2]} == RESULTS
    assert not {(kind, name, True) for kind, names in UNMARKED.items() for name in names} & marked


def test_the_fields_beside_it_exist() -> None:
    """A name that no type has would hide nothing."""
    schema = load(NEWEST)
    for kind, names in UNMARKED.items():
        if kind in schema.types:
            assert set(names) <= {each.name for each in schema.types[kind].fields}, kind
    assert len(set(UNMARKED) & set(schema.types)) >= len(UNMARKED) - 1


def planted(schema: Schema) -> dict[str, str]:
    """Give, by its canary, an anyType value of each type with a secret field, which holds nothing else."""
    listed = [(kind, name) for fields in (MARKED, UNMARKED) for kind, names in fields.items() for name in names]
    listed = [(kind, name) for kind, name in listed if kind in schema.types]
    made = {}
    for number, (kind, name) in enumerate(listed):
        canary = CANARY % number
        made[canary] = f'<val xsi:type="{kind}"><{name}>{escape(canary)}</{name}></val>'
    assert len(made) >= 12
    return made


def properties(values: str) -> bytes:
    """Give a reply with properties of one object."""
    return envelope(
        '<ContinueRetrievePropertiesExResponse xmlns="urn:vim25"><returnval><objects><obj type="Task">task-1</obj>'
        f"{values}</objects></returnval></ContinueRetrievePropertiesExResponse>"
    )


def envelope(body: str) -> bytes:
    """Wrap the content of a body."""
    return (
        '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
        'xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        f"<soapenv:Body>{body}</soapenv:Body></soapenv:Envelope>"
    ).encode()


class _Script:
    """A connection that gives one reply after the other."""

    over = ""
    met = reused = False
    stopped: Callable[[], bool] = lambda: False

    def __init__(self, *replies: HttpReply | Lost) -> None:
        self._replies = iter(replies)

    def get(self, path: str) -> HttpReply | Lost:
        raise AssertionError(path)

    def post(self, *_: Any, **__: Any) -> HttpReply | Lost:
        return next(self._replies)

    def close(self) -> None: ...


Sent = Callable[..., tuple[Target, str]]


@pytest.fixture
def sent(tmp_path: Path) -> Sent:
    """Give a function that has replies answer calls; it gives the target and all that was written."""

    def send(*replies: bytes, method: str = PAGE, status: int = 200, api: str = NEWEST) -> tuple[Target, str]:
        recorder, secrets = Recorder(tmp_path / "history.jsonl"), Secrets()
        tape = Tape(tmp_path / "run.rec", Opening(FORMAT, "", ""), secrets, recorder)
        script = _Script(*(HttpReply(status, (("content-type", "text/xml"),), each) for each in replies))
        target = Target(parse_url("http://x/sdk"), load(api), recorder, secrets, lambda _: script, Pacing(), tape)
        arguments = Arguments({"token": "1"} if method == PAGE else {"userName": "x", "password": "y"})
        subject = (
            Ref("PropertyCollector", "propertyCollector") if method == PAGE else Ref("SessionManager", "SessionManager")
        )
        for _ in replies:
            target.send(Call(subject, method, arguments, "full"))
        written = "".join(each.read_text("utf-8") for each in sorted(tmp_path.iterdir()))
        assert recorder.requests == len(replies)
        return target, written

    return send


def expect_nothing_of(canaries: dict[str, str], written: str) -> None:
    """Expect that no canary was written, in any of the forms that JSON or XML give it."""
    stems = [each.partition("-<")[0] for each in canaries]
    assert [each for each in stems if f"{each}-" in written] == []


def test_no_secret_field_reaches_a_file(sent: Sent) -> None:
    """In the history and in the recording a name stands in the place of every one; the rest of the reply is as it was."""
    canaries = planted(load(NEWEST))
    replies = [properties(f"<propSet><name>info</name>{value}</propSet>") for value in canaries.values()]
    target, written = sent(*replies)
    expect_nothing_of(canaries, written)
    shown = [each.outcome for each in target.recorder.operations]
    assert all(isinstance(each, Returned) and "secret:learned." in str(each.value) for each in shown)
    for name in (f"{PAGE}Response", "task-1", "CustomizationPassword"):
        assert written.count(name) >= 2


def test_no_secret_of_a_fault_reaches_a_file(sent: Sent) -> None:
    """However deep in its fields, and in elements that the schema does not have."""
    canaries = planted(load(NEWEST))
    arguments = "".join(
        f"<arg><key>k</key>{value.replace('<val ', '<value ').replace('</val>', '</value>')}</arg>"
        for value in canaries.values()
    )
    fault = f"<faultMessage><key>k</key>{arguments}<message>no</message></faultMessage><invalidProperty>spec</invalidProperty>"
    body = (
        "<soapenv:Fault><faultcode>ServerFaultCode</faultcode><faultstring>no</faultstring><detail>"
        f'<InvalidArgumentFault xmlns="urn:vim25" xsi:type="InvalidArgument">{fault}</InvalidArgumentFault>'
        "</detail></soapenv:Fault>"
    )
    target, written = sent(envelope(body), status=500)
    expect_nothing_of(canaries, written)
    (done,) = target.recorder.operations
    assert isinstance(done.outcome, Faulted)
    assert done.outcome.fault.fields["invalidProperty"] == "spec"


def test_no_secret_of_a_reply_that_is_none_reaches_a_file(sent: Sent) -> None:
    """Truncated, of another call, or with fields that no type has: nothing in it means anything, so nothing is kept of it."""
    canaries = planted(load(NEWEST))
    whole = properties("".join(f"<propSet><name>info</name>{value}</propSet>" for value in canaries.values()))
    other = whole.replace(f"{PAGE}Response".encode(), b"FetchResponse")
    strange = properties("<password>canary-0-</password><ticket><![CDATA[canary-1-]]></ticket>")
    _, written = sent(whole[:-40], other, strange, whole.replace(b"soapenv", b"html"))
    expect_nothing_of(canaries, written)


def test_a_secret_that_its_own_reply_repeats_is_hidden_there_too(sent: Sent) -> None:
    """Every type of the closure, with the value once more beside it in each spelling, where it is first seen."""
    canaries, ways = planted(load(NEWEST)), cycle(IN_XML.values())
    replies = [
        properties(
            f"<propSet><name>name</name><val xsi:type='xsd:string'>{way(canary)}</val></propSet>"
            f"<propSet><name>info</name>{value}</propSet>"
        )
        for (canary, value), way in zip([*canaries.items()] * 2, ways, strict=False)
    ]
    _, written = sent(*replies)
    assert [trace for canary in canaries for trace in traces(canary.partition("<")[0]) if trace in written] == []


SESSION = (
    '<LoginResponse xmlns="urn:vim25"><returnval><key>%s</key><userName>u</userName><fullName>u</fullName>'
    "<loginTime>2026-01-01T00:00:00Z</loginTime><lastActiveTime>2026-01-01T00:00:00Z</lastActiveTime><locale>en</locale>"
    "<messageLocale>en</messageLocale></returnval></LoginResponse>"
)


@pytest.mark.parametrize("key", ["canary-0-aaaaaaaaaaaa", "canary-0-", "canary<!-- x -->-0-", "canary&#45;0-"])
def test_a_session_is_known_by_a_name_that_the_wire_resolves(key: str, sent: Sent) -> None:
    """Its key may be as good as a cookie; what the harness sends back is the key all the same, long or short."""
    target, written = sent(envelope(SESSION % key), method="Login")
    (done,) = target.recorder.operations
    assert isinstance(done.outcome, Returned)
    name = done.outcome.value["key"]
    assert name == "secret:learned.UserSession.1"
    assert "canary" not in written
    assert name in written
    assert target.secrets.resolve(name.encode()).startswith(b"canary-0-")


def test_a_page_of_properties_is_no_secret(sent: Sent) -> None:
    """Fields with the same name in other types are left alone: the next page is asked for by its token."""
    page = envelope(
        '<ContinueRetrievePropertiesExResponse xmlns="urn:vim25"><returnval><token>1</token></returnval>'
        "</ContinueRetrievePropertiesExResponse>"
    )
    target, _ = sent(page)
    (done,) = target.recorder.operations
    assert done.outcome == Returned(
        {"_typeName": "RetrieveResult", "token": "1", "objects": []}
    ) or "'token': '1'" in str(done.outcome)


def test_what_a_clone_ticket_returns_is_secret() -> None:
    """The whole result, which has no field."""
    assert (
        veiled("AcquireCloneTicket", "cst-VCT-1", lambda _, kind: f"secret:{kind}", ())[0]
        == "secret:AcquireCloneTicket"
    )
    assert veiled("CurrentTime", "cst-VCT-1", lambda _, kind: f"secret:{kind}", ()) == ("cst-VCT-1", [])


def test_a_blank_leaves_the_rest_of_the_bytes() -> None:
    """Also of bytes in another encoding; what is a name already stays."""
    said = '<a><ns:password x="1"> word </ns:password><token>t</token><ticket>secret:learned.x.1</ticket><id/></a>'
    blank = said.replace(" word ", " secret:hidden")
    for encoding in ("utf-8", "utf-16", "utf-16-be"):
        assert without_fields(said.encode(encoding), everyday=False).decode(encoding) == blank
    assert b"<token>secret:hidden</token>" in without_fields(said.encode(), everyday=True)
