"""A target against scripted servers: how it is reached, who speaks with which cookie, what is recorded."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vcontract._client import Limits, Recorder, Secrets, Target
from vcontract._client.properties import list_vms, read
from vcontract._client.tasks import follow, info
from vcontract._errors import TargetError, UsageError
from vcontract._history import read_history
from vcontract._terms import Arguments, Call, Envelope, Fault, Faulted, Lost, Ref, Returned

Scripted = Callable[..., Any]
RECORDINGS = Path(__file__).parent.parent / "recordings"
CONTENT = (RECORDINGS / "02_RetrieveServiceContent_vc802_v8020.xml").read_bytes()
LOGIN = (RECORDINGS / "07_Login_ok_vc80x.xml").read_bytes()
REFUSED = (RECORDINGS / "06_fault_InvalidLogin_500.xml").read_bytes()
LOGOUT = (RECORDINGS / "33_Logout.xml").read_bytes()
RUNNING = (RECORDINGS / "24_TaskInfo_running.xml").read_bytes()
SUCCESS = (RECORDINGS / "25_TaskInfo_success_void.xml").read_bytes()
INSTANCE = Ref("ServiceInstance", "ServiceInstance")
SESSIONS = Ref("SessionManager", "SessionManager")
LOGGING_OUT = Call(SESSIONS, "Logout", Arguments({}), "admin")


def http(body: bytes, status: int = 200, *headers: str) -> bytes:
    """Make an HTTP reply."""
    lines = [f"HTTP/1.1 {status} X", "Content-Type: text/xml; charset=utf-8", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def soap(content: str) -> bytes:
    """Make an HTTP reply with an envelope around a response or a Fault."""
    space = 'xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    types = 'xmlns:xsd="http://www.w3.org/2001/XMLSchema"'
    body = f"<s:Envelope {space} {types}><s:Body>{content}</s:Body></s:Envelope>"
    return http(body.encode(), 500 if "<s:Fault>" in content else 200)


def versions(*names: str) -> bytes:
    """Make the reply that lists the versions, the newest first."""
    newest, *prior = names
    listed = "".join(f"<version>{each}</version>" for each in prior)
    return http(
        (
            '<namespaces version="1.0"><namespace><name>urn:vim25</name>'
            f"<version>{newest}</version><priorVersions>{listed}</priorVersions></namespace></namespaces>"
        ).encode()
    )


OFFER = [versions("8.0.3.1", "8.0.3.0", "6.8.7")]
NOBODY = [http(CONTENT, 200, 'Set-Cookie: vmware_soap_session="early"; Path=/')] * 3


def opened(server: Any, **options: Any) -> Target:
    """Open a scripted server as a target."""
    return Target.open(server.url, limits=Limits(connect=2, exchange=2, back=0.2), **options)


def cookie(request: bytes) -> str:
    """Give the Cookie header of a raw request."""
    lines = request.partition(b"\r\n\r\n")[0].decode().split("\r\n")
    return next((line.partition(": ")[2] for line in lines if line.lower().startswith("cookie:")), "")


def test_each_actor_has_a_cookie_and_a_connection(scripted: Scripted) -> None:
    """Login sets the cookie of its actor alone; nobody never sends one, a stranger always the same made-up one."""
    session = 'Set-Cookie: vmware_soap_session="0123abcd"; Path=/; HttpOnly; Secure;'
    server = scripted(OFFER, NOBODY, [http(LOGIN, 200, session), http(LOGOUT)], [http(LOGOUT, 200, session)] * 2)
    recorder = Recorder()
    target = opened(server, recorder=recorder, secrets=Secrets({"vc": "a&b-secret"}))
    assert target.api_version == "8.0.3.0"
    assert target.about["version"] == "8.0.3"
    assert target.manager("guestCustomizationManager").value == "GuestCustomizationManager"
    target.login("admin", "root@x", "vc")
    target.send(LOGGING_OUT)
    for actor in ("stranger", "stranger"):
        target.send(Call(SESSIONS, "Logout", Arguments({}), actor))
    target.send(Call(INSTANCE, "RetrieveServiceContent", Arguments({}), "nobody"))
    assert [cookie(each) for each in server.requests] == [
        "",
        "",
        "",
        'vmware_soap_session="0123abcd"',
        *[cookie(server.requests[4])] * 2,
        "",
    ]
    assert cookie(server.requests[4]).startswith("vmware_soap_session=")
    assert b'SOAPAction: "urn:vim25/8.0.3.0"' in server.requests[1]
    assert b"<password>a&amp;b-secret</password>" in server.requests[2].replace(b"vim25:", b"")
    login = recorder.operations[1]
    assert login.call.arguments == {"userName": "root@x", "password": "secret:vc"}
    assert (login.purpose, login.status) == ("arrange", 200)
    assert server.connections == 4
    target.close()


def test_an_envelope_leaves_as_it_is(scripted: Scripted) -> None:
    """Exact bytes but for the secrets; its headers replace and remove those of the session."""
    server = scripted(
        OFFER,
        NOBODY,
        [
            http(LOGIN, 200, "Set-Cookie: vmware_soap_session=c1"),
            soap(
                "<s:Fault><faultcode>c</faultcode><faultstring>password hidden-value bad</faultstring><detail>"
                '<InvalidRequestFault xmlns="urn:vim25" xsi:type="InvalidRequest"/></detail></s:Fault>'
            ),
        ],
    )
    target = opened(server, secrets=Secrets({"guest": "hidden-value"}))
    target.login("admin", "u", "secret:guest")
    headers = {"cookie": "", "soapaction": '"urn:vim25/2.5"', "X-Odd": "1"}
    envelope = Envelope(b"<a>\xff<password>secret:guest", "bytes", headers, {}, (0.01,))
    done = target.send(Call(SESSIONS, "Logout", envelope, "admin"), purpose="judge", cell="w1")
    head, _, body = server.requests[-1].partition(b"\r\n\r\n")
    assert body == b"<a>\xff<password>hidden-value"
    assert b"cookie" not in head.lower()
    assert b'soapaction: "urn:vim25/2.5"' in head
    assert b"X-Odd: 1" in head
    assert b"urn:vim25/8.0.3.0" not in head
    assert done.outcome == Faulted(Fault("InvalidRequest", {}, "password secret:guest bad"))
    assert (done.purpose, done.cell, done.call.payload) == ("judge", "w1", envelope)
    target.close()


def test_the_invocation_is_written_before_the_bytes_leave(scripted: Scripted, tmp_path: Path) -> None:
    """While the server still reads, the history already holds the call; afterwards the loss of its answer."""
    file = tmp_path / "history.jsonl"
    seen: list[bytes] = []

    def look(sock: socket.socket) -> None:
        seen.append(file.read_bytes().splitlines()[-1])
        sock.shutdown(socket.SHUT_RDWR)

    server = scripted(OFFER, NOBODY, [look])
    target = opened(server, recorder=Recorder(file))
    done = target.send(LOGGING_OUT, "arrange")
    assert b'"event":"invoke"' in seen[0]
    assert b'"method":"Logout"' in seen[0]
    assert done.outcome == Lost("closed without a reply")
    assert read_history(file).operations == target.recorder.operations
    target.close()
    target.recorder.close()


@pytest.mark.parametrize(
    ("scripts", "complaint"),
    [
        ([[b""]], "cannot be reached: closed without a reply"),
        ([[b"\x15\x03\x01\x00\x02\x02\x46"]], "cannot be reached: not HTTP/1.1: "),
        ([[http(b"", 404)]], "is no vCenter: /sdk/vimServiceVersions.xml has status 404"),
        ([[http(b"", 301, "Location: https://vc/sdk")]], "has status 301, it points to https://vc/sdk"),
        ([[http(b"<html>hello</html>")]], "is no vCenter: /sdk/vimServiceVersions.xml is no list of versions: "),
        ([[versions("2.5", "2.0")]], "offers API 2.5, 2.0; no WSDL can be made for it"),
        ([OFFER, [http(b"<html/>", 500)]], "gave no ServiceContent: status 500 with an HTML page"),
        ([OFFER, [http(REFUSED, 500)]], "gave no ServiceContent: InvalidLogin: Cannot complete login"),
        ([OFFER, [http(LOGOUT)]], "gave no ServiceContent: the reply is LogoutResponse"),
    ],
)
def test_what_is_no_vcenter_is_said_in_one_line(scripted: Scripted, scripts: Any, complaint: str) -> None:
    """A TargetError with the URL and the reason, whatever listens there."""
    server = scripted(*scripts)
    with pytest.raises(TargetError) as error:
        opened(server)
    assert complaint in str(error.value)
    assert str(error.value).startswith(server.url)
    assert "\n" not in str(error.value)


def test_a_dead_or_misspelt_target_is_said_in_one_line() -> None:
    """Nobody listens: TargetError; no URL at all: UsageError."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(TargetError, match=r"cannot be reached: connection refused$"):
        Target.open(f"http://127.0.0.1:{port}/sdk")
    with pytest.raises(UsageError):
        Target.open("vcenter")


def test_a_wrong_password_and_a_missing_manager_are_target_errors(scripted: Scripted) -> None:
    """The fault that the server gave is named; the password is not."""
    server = scripted(OFFER, NOBODY, [http(REFUSED, 500)])
    target = opened(server, secrets=Secrets({"vc": "wrong-password"}))
    with pytest.raises(TargetError, match="refuses the login of me: InvalidLogin: Cannot complete login") as error:
        target.login("admin", "me", "vc")
    assert "wrong-password" not in str(error.value)
    with pytest.raises(TargetError, match=r"has no noSuchManager \(API 8\.0\.3\.0\)"):
        target.manager("noSuchManager")
    target.close()


def plain(status: int) -> bytes:
    """Make the reply of a proxy that says what ails it in plain text."""
    text = b"no healthy upstream"
    head = b"HTTP/1.1 %d X\r\nConnection: close\r\nContent-Type: text/plain\r\n" % status
    return b"%bContent-Length: %d\r\n\r\n%b" % (head, len(text), text)


def broken_off(sock: socket.socket) -> None:
    """Reset the connection."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


@pytest.mark.parametrize(
    "bad", [b"", b"HTTP/1.1 200 X\r\n", broken_off, plain(502), plain(503), http(b"<html/>", 504, "Connection: close")]
)
def test_a_read_outlasts_a_proxy_and_a_call_is_sent_once(
    bad: Any, scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Closed, cut, reset or turned away: a read is sent again, patiently; what may change something never is."""
    monkeypatch.setattr("vcontract._client.lasting.time.sleep", lambda _: None)
    value = '<propSet><name>name</name><val xsi:type="xsd:string">x</val></propSet>'
    good = properties_reply(f'<objects><obj type="VirtualMachine">vm-1</obj>{value}</objects>')
    server = scripted(OFFER, NOBODY, [bad], [bad], [bad], [good, bad], [http(LOGOUT)])
    target = opened(server)
    done = read(target, "admin", Ref("VirtualMachine", "vm-1"), ["name"])
    assert (done.outcome, done.problems) == (Returned({"name": "x"}), ())
    lost = target.recorder.operations[1:-1]
    assert [(type(each.outcome), each.problems) for each in lost] == [(Lost, ())] * 3
    sent = len(server.requests)
    done = target.send(LOGGING_OUT, "judge")
    assert (type(done.outcome), done.problems, len(server.requests)) == (Lost, (), sent + 1)
    assert not target.pulse.stopped
    target.close()


REFUSED_VERSION = soap(
    "<s:Fault><faultcode>x:VersionMismatchFaultCode</faultcode><faultstring>Unsupported version\n URI</faultstring></s:Fault>"
)
WHAT_TO_DO = (
    r"{} at API 8\.0\.3\.0 \(Unsupported version URI\); name a version that it serves, as --wsdl 8\.0\.1\.0 does"
)


def test_a_listed_version_that_is_refused_is_said_in_one_line(scripted: Scripted) -> None:
    """At the first call, at the login, which says nothing of the account, and at a list: the version, and what to do."""
    with pytest.raises(
        TargetError, match="gave no ServiceContent: it refuses " + WHAT_TO_DO.format("Retrieve.*Content")
    ):
        opened(scripted(OFFER, [REFUSED_VERSION]))
    target = opened(scripted(OFFER, NOBODY, [REFUSED_VERSION], [REFUSED_VERSION]), secrets=Secrets({"vc": "p"}))
    for _ in range(2):
        with pytest.raises(TargetError, match="refuses the login of me: it refuses " + WHAT_TO_DO.format("Login")):
            target.login("admin", "me", "vc")
    target.close()
    target = opened(scripted(OFFER, NOBODY, [REFUSED_VERSION]))
    with pytest.raises(TargetError, match="list its VMs: it refuses " + WHAT_TO_DO.format("CreateContainerView")):
        list_vms(target, "admin", ["name"])
    target.close()


def test_a_target_whose_reads_are_refused_at_the_version_counts_as_gone(scripted: Scripted) -> None:
    """Nothing can be known of it; a judged method that is refused so is another matter."""
    target = opened(scripted(OFFER, NOBODY, [REFUSED_VERSION, REFUSED_VERSION]))
    done = target.send(LOGGING_OUT, "judge")
    assert (done.outcome, done.problems) == (
        Faulted(Fault("VersionMismatchFaultCode", {}, "Unsupported version\n URI")),
        (),
    )
    assert not target.pulse.stopped
    read(target, "admin", Ref("VirtualMachine", "vm-1"), ["name"])
    assert "the target cannot be read: it refuses RetrievePropertiesEx at API 8.0.3.0" in target.pulse.stopped
    target.close()


@pytest.mark.parametrize("kept", ["; Path=/; HttpOnly; Secure; SameSite=None", "; secure; Partitioned; x y", ""])
def test_a_cookie_is_kept_whatever_its_attributes(kept: str, scripted: Scripted) -> None:
    """`Secure` on plain HTTP too, as vCenter's plain port sets it: it is sent back, and is no deviation."""
    server = scripted(
        OFFER, NOBODY, [http(LOGIN, 200, f'Set-Cookie: vmware_soap_session="0123abcd"{kept}'), http(LOGOUT)]
    )
    target = opened(server, secrets=Secrets({"vc": "p"}))
    assert target.login("admin", "me", "vc").problems == ()
    target.send(LOGGING_OUT)
    assert cookie(server.requests[-1]) == 'vmware_soap_session="0123abcd"'
    target.close()


def properties_reply(objects: str, token: str = "", method: str = "RetrievePropertiesEx") -> bytes:
    """Make the reply of the property collector."""
    ends = f"<token>{token}</token>" if token else ""
    return soap(f'<{method}Response xmlns="urn:vim25"><returnval>{ends}{objects}</returnval></{method}Response>')


def test_properties_are_read_flat(scripted: Scripted) -> None:
    """Simple values, arrays and refused paths; the recorded value is the flat one."""
    reply = properties_reply(
        '<objects><obj type="VirtualMachine">vm-1</obj>'
        '<propSet><name>name</name><val xsi:type="xsd:string">web</val></propSet>'
        '<propSet><name>runtime.powerState</name><val xsi:type="VirtualMachinePowerState">poweredOn</val></propSet>'
        '<propSet><name>disabledMethod</name><val xsi:type="ArrayOfString"><string>A</string></val></propSet>'
        '<missingSet><path>guest</path><fault><fault xsi:type="NoPermission"/></fault></missingSet></objects>'
    )
    empty = soap('<RetrievePropertiesExResponse xmlns="urn:vim25"/>')
    target = opened(scripted(OFFER, NOBODY, [reply, empty]))
    done = read(target, "admin", Ref("VirtualMachine", "vm-1"), ["name", "runtime.powerState"])
    assert done.problems == ()
    assert done.outcome == Returned(
        {
            "name": "web",
            "runtime.powerState": "poweredOn",
            "disabledMethod": ["A"],
            "_missing": {"guest": {"_typeName": "NoPermission"}},
        }
    )
    assert read(target, "admin", Ref("VirtualMachine", "vm-1"), ["name"]).outcome == Returned({})
    target.close()


def test_vms_are_listed_page_by_page(scripted: Scripted) -> None:
    """The view is made, read to the last page, and destroyed, also when reading it fails."""
    view = soap(
        '<CreateContainerViewResponse xmlns="urn:vim25"><returnval type="ContainerView">v-1</returnval>'
        "</CreateContainerViewResponse>"
    )
    gone = soap('<DestroyViewResponse xmlns="urn:vim25"/>')
    denied = soap(
        "<s:Fault><faultcode>c</faultcode><faultstring/><detail>"
        '<NotAuthenticatedFault xmlns="urn:vim25" xsi:type="NotAuthenticated"/></detail></s:Fault>'
    )
    name = '<propSet><name>name</name><val xsi:type="xsd:string">n{0}</val></propSet>'
    page = f'<objects><obj type="VirtualMachine">{{0}}</obj>{name}</objects>'
    first = properties_reply(page.format("vm-1"), "7")
    second = properties_reply(page.format("vm-2"), "", "ContinueRetrievePropertiesEx")
    server = scripted(OFFER, NOBODY, [view, first, second, gone, view, denied, gone])
    target = opened(server)
    assert list_vms(target, "admin", ["name"]) == {
        Ref("VirtualMachine", "vm-1"): {"name": "nvm-1"},
        Ref("VirtualMachine", "vm-2"): {"name": "nvm-2"},
    }
    assert all(each.problems == () for each in target.recorder.operations)
    with pytest.raises(TargetError, match="cannot list its VMs: RetrievePropertiesEx gave NotAuthenticated"):
        list_vms(target, "admin", ["name"])
    assert target.recorder.operations[-1].call.method == "DestroyView"
    target.close()


def test_a_task_is_followed_to_its_end(scripted: Scripted) -> None:
    """Reads go on until a final state, with growing pauses; a task that is gone ends it, and so does the deadline."""
    gone = soap(
        '<s:Fault><faultcode>c</faultcode><faultstring/><detail><ManagedObjectNotFoundFault xmlns="urn:vim25" '
        'xsi:type="ManagedObjectNotFound"><obj type="Task">task-319</obj></ManagedObjectNotFoundFault>'
        "</detail></s:Fault>"
    )
    target = opened(scripted(OFFER, NOBODY, [*[http(RUNNING)] * 3, http(SUCCESS), gone, *[http(RUNNING)] * 3]))
    task = Ref("Task", "task-319")
    pauses: list[float] = []
    reads = follow(target, "admin", task, deadline_seconds=5, sleep=pauses.append)
    assert [info(each)["state"] for each in reads] == ["running", "running", "running", "success"]
    assert pauses == pytest.approx([0.002, 0.0026, 0.00338])
    [read_once] = follow(target, "admin", task, deadline_seconds=5)
    assert isinstance(read_once.outcome, Faulted)
    assert read_once.outcome.fault.type == "ManagedObjectNotFound"
    assert info(read_once) == {}
    assert [info(each)["state"] for each in follow(target, "admin", task, deadline_seconds=0)] == ["running"]
    target.close()


def test_a_server_that_died_is_not_polled_for_ever(scripted: Scripted) -> None:
    """Five lost reads in a row end the pursuit of a task."""
    target = opened(scripted(OFFER, NOBODY, [http(RUNNING)]))
    reads = follow(target, "admin", Ref("Task", "task-319"), deadline_seconds=60, sleep=lambda _: None)
    assert len(reads) <= 7
    target.close()
