"""`vcontract doctor`: one clear line for each thing that keeps a target from being tested, and what to do about it."""

from __future__ import annotations

import json
import re
import socket
import ssl
import threading
import tomllib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
import trustme

from tests.windows import fitted
from vcontract import __version__
from vcontract._client import Secrets, Target
from vcontract._client.properties import read
from vcontract._config.config import LOOPBACK, Config
from vcontract._config.json_schema import config_schema
from vcontract._simulator import SimulatorServer
from vcontract._terms import Ref, Returned

if TYPE_CHECKING:
    from tests.cli.conftest import Command, Ended, WebSite

RECORDED = (Path(__file__).parent.parent / "recordings" / "02_RetrieveServiceContent_vc802_v8020.xml").read_bytes()
VERSIONS = (
    b'<namespaces version="1.0"><namespace><name>urn:vim25</name><version>8.0.3.0</version></namespace></namespaces>'
)
ESXI = re.sub(
    rb"<guestCustomizationManager.*?</guestCustomizationManager>",
    b"",
    RECORDED.replace(b"<apiType>VirtualCenter<", b"<apiType>HostAgent<").replace(
        b"VMware vCenter Server", b"VMware ESXi"
    ),
)
THUMBPRINT = re.compile(r'thumbprint = "(([0-9A-F]{2}:){31}[0-9A-F]{2})"')


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in an empty directory, without anything in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in ("GOVC_URL", "VCONTRACT_PASSWORD"):
        monkeypatch.delenv(name, raising=False)


class _Host(BaseHTTPRequestHandler):
    """Offers one version, and answers every call with one envelope."""

    protocol_version = "HTTP/1.1"
    server: Any

    def do_GET(self) -> None:
        """Give the versions."""
        self._reply(VERSIONS)

    def do_POST(self) -> None:
        """Give the envelope, whatever is asked."""
        self.server.asked += 1
        self.rfile.read(int(self.headers["Content-Length"]))
        self._reply(self.server.envelope)

    def _reply(self, body: bytes) -> None:
        self.send_response_only(200)
        self.send_header("Content-Type", "text/xml; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


Host = Callable[..., Any]


@pytest.fixture
def host() -> Iterator[Host]:
    """Give a function that starts a server with an envelope, over TLS if asked; its `url` is where it listens."""
    started: list[tuple[HTTPServer, threading.Thread]] = []

    def start(envelope: bytes = RECORDED, tls: ssl.SSLContext | None = None) -> Any:
        server: Any = HTTPServer(("127.0.0.1", 0), _Host)
        server.envelope, server.asked = envelope, 0
        server.handle_error = lambda *_: None  # a client that distrusts hangs up
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        server.url = f"http{'s' if tls else ''}://127.0.0.1:{server.server_port}/sdk"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        started.append((server, thread))
        return server

    yield start
    for server, thread in started:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def simulator() -> Iterator[SimulatorServer]:
    """Give a simulator for all tests of this file."""
    with SimulatorServer(fitted()) as server:
        yield server


def bad(ended: Ended) -> list[str]:
    """Give the lines of what must be mended; nothing else went wrong."""
    assert ended.err == []
    assert not any("Traceback" in each or "internal error" in each for each in ended.out)
    return [each for each in ended.out if each.startswith("!! ")]


def test_the_simulator_is_fit(vcontract: Command, simulator: SimulatorServer) -> None:
    """Every check is fine, on one that is started here and on one that is named."""
    for arguments in ((), ("--target", simulator.url), ("--contract", "VirtualMachine")):
        ended = vcontract("doctor", *arguments)
        assert (ended.code, bad(ended), ended.out[-1]) == (0, [], f"testable (vcontract {__version__})")
        for name in ("reach", "API", "product", "login full", "clock", "object", "VMs", "guest root", "rows", "risk"):
            assert any(each.startswith(f"ok {name}: ") for each in ended.out), name


def test_nothing_changes_on_the_target(vcontract: Command) -> None:
    """No task was made, and no session is left behind."""
    with SimulatorServer(fitted()) as server:
        assert vcontract("doctor", "--target", server.url).code == 0
        target = Target.open(server.url, secrets=Secrets({"x": "vcontract"}))
        target.login("full", "administrator@vsphere.local", "x")
        sessions = read(target, "full", Ref("SessionManager", "SessionManager"), ["sessionList"]).outcome
        tasks = read(target, "full", Ref("TaskManager", "TaskManager"), ["recentTask"]).outcome
        target.close()
    assert isinstance(sessions, Returned)
    assert [each["userName"] for each in sessions.value["sessionList"]] == ["VSPHERE.LOCAL\\administrator"]
    assert isinstance(tasks, Returned)
    assert tasks.value.get("recentTask", []) == []


def test_nothing_listens(vcontract: Command) -> None:
    """One line to mend, one that says what was not looked at."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    ended = vcontract("doctor", "--target", f"http://127.0.0.1:{port}/sdk")
    (line,) = bad(ended)
    assert line == f"!! reach: http://127.0.0.1:{port}/sdk: connection refused; is the server up, and is this its port?"
    assert ended.code == 3
    assert ended.out[-3:] == [
        "-- the rest: not looked at: that needs a target that answers",
        "",
        f"not testable: 1 to mend (vcontract {__version__})",
    ]


@pytest.mark.parametrize("page", [b"<html>hello</html>", b"", b"<namespaces/>", b"<!DOCTYPE a><a/>", b"\xff\x00"])
@pytest.mark.parametrize("status", [200, 302, 404, 503])
def test_a_web_server_that_is_no_vcenter(vcontract: Command, web_site: WebSite, status: int, page: bytes) -> None:
    """It is reached, and one line says why it is none."""
    ended = vcontract("doctor", "--target", web_site(status, page) + "/sdk")
    (line,) = bad(ended)
    assert line.startswith("!! vCenter: http://127.0.0.1:")
    assert re.search("is no vCenter|is too busy|offers API nothing", line)
    assert ended.code == 3


def test_something_that_speaks_no_http(vcontract: Command) -> None:
    """A server that greets first, as those for mail do."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def greet() -> None:
            with listening.accept()[0] as line:
                line.sendall(b"220 mail.example ESMTP\r\n")
                line.recv(1000)

        thread = threading.Thread(target=greet)
        thread.start()
        ended = vcontract("doctor", "--target", f"http://127.0.0.1:{listening.getsockname()[1]}/sdk")
        thread.join()
    (line,) = bad(ended)
    assert line.startswith("!! reach: ")
    assert (
        "something else than a vCenter listens there" in line or "does something else" in line or "is the URL" in line
    )
    assert ended.code == 3


@pytest.mark.parametrize(
    ("identity", "days", "said"),
    [
        ("127.0.0.1", -3, "certificate has expired; renew it, or if this is what"),
        ("elsewhere.example", 30, "not valid for '127.0.0.1'.*; use a name that it was issued for, or if"),
        ("127.0.0.1", 30, "unable to get local issuer certificate; give its CA as ca_file, or if"),
    ],
)
def test_certificates(vcontract: Command, host: Host, identity: str, days: int, said: str) -> None:
    """Expired, for another host, of an unknown CA: each has its own line, with the thumbprint by which it can be trusted."""
    ca, now = trustme.CA(), datetime.now(UTC)
    leaf = ca.issue_cert(identity, not_before=now - timedelta(days=9), not_after=now + timedelta(days=days))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    leaf.configure_cert(tls)
    server = host(ESXI, tls)
    trusted = "unable" not in said
    if trusted:
        ca.cert_pem.write_to_path("ca.pem")
    Path("c.toml").write_text(f'target = "{server.url}"\n' + ('ca_file = "ca.pem"\n' if trusted else ""), "utf-8")
    Path("p").write_text("x", "utf-8")
    login = ("--username", "root", "--password-file", "p")
    ended = vcontract("doctor", "--config", "c.toml", *login)
    (line,) = bad(ended)
    assert re.match(f"!! TLS: certificate not trusted: .*{said}", line), line
    assert (ended.code, server.asked) == (3, 0)
    shown = THUMBPRINT.search(line)
    assert shown
    Path("c.toml").write_text(f'target = "{server.url}"\nthumbprint = "{shown[1]}"\n', "utf-8")
    assert (
        "ok TLS: the certificate is trusted by its thumbprint" in vcontract("doctor", "--config", "c.toml", *login).out
    )
    Path("c.toml").write_text(f'target = "{server.url}"\nthumbprint = "{"00:" * 31}00"\n', "utf-8")
    (line,) = bad(vcontract("doctor", "--config", "c.toml", *login))
    assert f"its SHA256 thumbprint is {shown[1]}; if it was renewed, change thumbprint" in line


def test_https_where_http_is_spoken(vcontract: Command, simulator: SimulatorServer) -> None:
    """The line asks whether the scheme is right."""
    (line,) = bad(vcontract("doctor", "--target", simulator.url.replace("http:", "https:")))
    assert line.endswith("; does it speak http instead of https?")


def test_a_wrong_password(vcontract: Command, simulator: SimulatorServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Said of the account that has it, tried once, and never shown; the others are looked at."""
    monkeypatch.setenv("VCONTRACT_PASSWORD", "not-the-password")
    ended = vcontract("doctor", "--target", simulator.url, "--username", "administrator@vsphere.local")
    (line,) = bad(ended)
    assert re.match("!! login full: administrator@vsphere.local is refused: InvalidLogin: .*; check user name", line)
    assert "ok login unprivileged: operator@vsphere.local is logged in" in ended.out
    assert ended.code == 3
    assert "not-the-password" not in "\n".join(ended.out)


def test_an_account_without_privileges(
    vcontract: Command, simulator: SimulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it lacks is named; the rows that would need it are not foreseen."""
    monkeypatch.setenv("VCONTRACT_PASSWORD", "vcontract")
    ended = vcontract("doctor", "--target", simulator.url, "--username", "viewer@vsphere.local")
    first, *_ = bad(ended)
    assert first.startswith("!! privileges full: viewer@vsphere.local lacks ")
    assert "VirtualMachine.Provisioning.Customize" in first
    assert "VirtualMachine.Interact.PowerOff" in first
    assert "give its role those" in first
    assert "-- rows: not foreseen: the full account may not make the calls" in ended.out
    assert (ended.code, ended.out[-1].split(":")[0]) == (5, "testable in part")


def test_a_host_alone(vcontract: Command, host: Host) -> None:
    """The ServiceContent of a host: it is told from a vCenter, and nobody logs in."""
    server = host(ESXI)
    ended = vcontract("doctor", "--target", server.url)
    product, manager = bad(ended)
    assert re.match(r"!! product: VMware ESXi .*\(HostAgent\), a host alone; give the URL of the vCenter", product)
    assert manager.startswith("!! object: ServiceContent offers no guestCustomizationManager (8.0.3.0); vCenter has it")
    assert (ended.code, server.asked) == (3, 1)
    assert ended.out[-3] == "-- the rest: not looked at: that needs a vCenter"


def test_a_vcenter_too_old_for_the_object(vcontract: Command) -> None:
    """One line, with the version from which on there is one."""
    with SimulatorServer(fitted(api="6.7.3")) as server:
        ended = vcontract("doctor", "--target", server.url)
    (line,) = bad(ended)
    assert line.startswith(
        "!! object: ServiceContent offers no guestCustomizationManager (6.7.3); vCenter has it from API 6.8.7"
    )
    assert ended.code == 5


def test_what_the_configuration_lacks(vcontract: Command, simulator: SimulatorServer) -> None:
    """No mark, one host too many, a guest account that is refused, no second account: the rows are named that suffer."""
    Path("c.toml").write_text(
        f"""target = "{simulator.url}"
hosts = ["esx-9"]
[[account]]
role = "full"
username = "administrator@vsphere.local"
password = "vcontract"
[[guest]]
username = "root"
password = "wrong"
may_customize = true
[[waive]]
row = "EveryMethod/NoPermission"
reason = "one account only"
""",
        "utf-8",
    )
    ended = vcontract("doctor", "--config", "c.toml")
    told = "\n".join(bad(ended))
    assert "!! lever host: esx-9: no marked VM is on a host of this name" in told
    assert "!! guest root: linux-1 refuses the login: InvalidGuestLogin" in told
    assert re.search(
        "!! rows: 3 will stay untested: no second account is known to lack the privilege: .*/privilege", told
    )
    assert "GuestPermissionDenied" in told
    assert "NoPermission" not in told
    assert ended.code == 5
    Path("d.toml").write_text(f'owner = "alice"\n{Path("c.toml").read_text("utf-8")}', "utf-8")
    assert (
        "!! VMs: 0 of 11 carry the mark vcontract.owner=alice; mark those that may be disturbed: vcontract adopt"
        in "\n".join(bad(vcontract("doctor", "--config", "d.toml")))
    )


def test_a_password_that_is_nowhere(vcontract: Command, simulator: SimulatorServer) -> None:
    """The configuration's fault, told with all the rest that can be looked at."""
    Path("c.toml").write_text(
        '[[account]]\nrole = "full"\nusername = "administrator@vsphere.local"\npassword = "vcontract"\n'
        '[[guest]]\nusername = "root"\nmay_customize = true\npassword_env = "NOT_SET"\n',
        "utf-8",
    )
    ended = vcontract("doctor", "--target", simulator.url, "--config", "c.toml")
    assert bad(ended)[0] == "!! configuration: the password of root: environment variable NOT_SET is not set"
    assert "ok login full: administrator@vsphere.local is logged in" in ended.out
    assert ended.code == 2


def test_as_json(vcontract: Command) -> None:
    """The same checks, for a machine."""
    ended = vcontract("doctor", "--format", "json")
    told = json.loads("\n".join(ended.out))
    assert (told["schema"], told["version"]) == ("vcontract.doctor/1", __version__)
    assert (told["exit_code"], told["verdict"]) == (0, "testable")
    assert {"name": "login full", "standing": "ok"}.items() <= next(
        each for each in told["checks"] if each["name"] == "login full"
    ).items()


def test_the_schema_can_be_printed(vcontract: Command) -> None:
    """As it is published."""
    assert "\n".join([*vcontract("doctor", "--print-schema").out, ""]) == config_schema()


def test_a_configuration_is_begun(
    vcontract: Command, simulator: SimulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It holds no password; with the variables that it names it says what was said before, and the target is fit by it."""
    assert vcontract("doctor", "--target", simulator.url, "--write-config", "c.toml").code == 0
    text = Path("c.toml").read_text("utf-8")
    assert "password =" not in text
    read = msgspec.convert(tomllib.loads(text), Config)
    for account in read.account:
        monkeypatch.setenv(account.password_env, "vcontract")
    for guest in read.guest:
        monkeypatch.setenv(guest.password_env, "guest")
    assert (read.lever, read.hosts, read.waive, read.vm, read.confirm) == (
        LOOPBACK.lever, LOOPBACK.hosts, LOOPBACK.waive, LOOPBACK.vm, LOOPBACK.confirm,
    )  # fmt: skip
    assert [each.username for each in read.guest] == ["root", "user"]
    ended = vcontract("doctor", "--config", "c.toml")
    assert (ended.code, ended.out[-1]) == (0, f"testable (vcontract {__version__})")


def test_a_begun_configuration_overwrites_nothing(vcontract: Command, simulator: SimulatorServer) -> None:
    """A file that is there, or a link to nowhere, is left alone, and nobody logs in."""
    Path("c.toml").write_text("mine", "utf-8")
    Path("link").symlink_to("nowhere")
    for name in ("c.toml", "link"):
        ended = vcontract("doctor", "--target", simulator.url, "--write-config", name)
        assert (ended.code, ended.out) == (2, [])
        assert ended.err == [f"vcontract: {name}: is there already, and is not overwritten; name another file"]
    assert Path("c.toml").read_text("utf-8") == "mine"


def test_a_configuration_for_a_target_that_is_down(vcontract: Command) -> None:
    """What can be said is said; the rest stands there as comments, and the file can be read."""
    ended = vcontract("doctor", "--target", "https://127.0.0.1:9/sdk", "--write-config", "c.toml", "--insecure")
    assert ended.code == 3
    assert tomllib.loads(Path("c.toml").read_text("utf-8"))["insecure"] is True
    woken = re.sub(r"(?m)^# (?=\[|\w+ = )", "", Path("c.toml").read_text("utf-8"))
    msgspec.convert(tomllib.loads(woken), Config)
