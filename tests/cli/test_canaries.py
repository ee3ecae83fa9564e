"""Canaries in every secret that a run meets: none is in anything that it writes or prints, also when it finds or crashes."""

from __future__ import annotations

import http.client
import re
import threading
from collections.abc import Iterable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

import msgspec
import pytest

from tests.spellings import IN_XML, traces
from tests.windows import fitted
from vcontract._client.secret_fields import MARKED, UNMARKED
from vcontract._run.step_runner import StepRunner
from vcontract._schema import load
from vcontract._simulator import SimulatorServer

if TYPE_CHECKING:
    from tests.cli.conftest import Command, Ended

API = "8.0.3.0"
STEM = "CANARYx"
"""Stands in every canary, and in nothing else."""
PASSWORDS = {
    "FULL": (f"{STEM}-full-<&>\"'ü-0123456789", "vcontract"),
    "OPERATOR": (f"{STEM}-operator 0123456789", "vcontract"),
    "VIEWER": (f"]]>{STEM}-viewer-0123456789", "vcontract"),
    "ROOT": (f"{STEM}-root-\\u0041\\-0123456789", "guest"),
    "USER": (f"{STEM}-user-%s-{{}}-0123456789", "guest"),
}
"""By the environment variable that holds it: what the configuration says, and what the simulator knows instead."""
CONFIG = """
target = "{url}"
staleness = 0.02
publish = 0
task_seconds = 20
confirm = 1
[[account]]
role = "full"
username = "administrator@vsphere.local"
password_env = "FULL"
[[account]]
role = "unprivileged"
username = "operator@vsphere.local"
password_env = "OPERATOR"
[[account]]
role = "readonly"
username = "viewer@vsphere.local"
password_env = "VIEWER"
[[guest]]
username = "root"
may_customize = true
password_env = "ROOT"
[[guest]]
username = "user"
may_customize = false
password_env = "USER"
[[vm]]
name = "*-noengine"
engine = "absent"
[[lever]]
does = "stopTools"
program = "/usr/bin/systemctl"
arguments = "stop vmtoolsd"
[[lever]]
does = "orphanLock"
program = "/usr/bin/touch"
arguments = "/var/run/vmware-gosc.lock"
"""
RUN = ("run", "--config", "vcontract.toml", "--method", "AbortCustomization_Task", "--seed", "5", "--complete", "0")
INPUTS = ("--alphabet", "valid", "--alphabet", "loginRejected", "--alphabet", "powerOff", "--alphabet", "powerOn")


class Talker:
    """Stands before the simulator, takes the canaries for its passwords, and, if told to, repeats all it knows in replies.

    `seen` are the cookies and session keys that went by; they are repeated in other spellings but for those that are `former`,
    and while `one` process is served, for no other knows them; `planted` counts the replies to which something was added.
    """

    def __init__(self, behind: str, *, talks: bool, ways: Iterable[str] = ()) -> None:
        self.seen: set[str] = set()
        self.former: set[str] = set()
        self.one = True
        self.planted = 0
        self._behind, self._talks = urlsplit(behind).netloc, talks
        self._ways = cycle(list(ways)) if ways else None
        schema = load(API)
        listed = [(kind, name) for part in (MARKED, UNMARKED) for kind, names in part.items() for name in names]
        self._fields = cycle([each for each in listed if each[0] in schema.types])
        self._lock = threading.Lock()
        talker = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # one segment a reply: two would wait for each other

            def do_POST(self) -> None:
                sent = self.rfile.read(int(self.headers["Content-Length"] or 0))
                connection = http.client.HTTPConnection(talker._behind)
                own = {"host", "content-length", "connection", "transfer-encoding"}
                passed = {name: each for name, each in self.headers.items() if name.lower() not in own}
                connection.request(self.command, self.path, talker.known(sent), passed)
                reply = connection.getresponse()
                status, body = talker.said(reply.status, reply.read(), reply.getheader("Set-Cookie") or "", sent)
                connection.close()
                self.send_response(status)
                for name in ("Content-Type", "Set-Cookie"):
                    if reply.getheader(name):
                        self.send_header(name, reply.getheader(name) or "")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST  # noqa: N815 - the name that the base class calls

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/sdk"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def known(self, sent: bytes) -> bytes:
        """Put the simulator's passwords in the place of the canaries."""
        for canary, real in PASSWORDS.values():
            sent = sent.replace(escape(canary, {'"': "&quot;"}).encode(), real.encode())
        return sent

    def said(self, status: int, body: bytes, cookie: str, sent: bytes) -> tuple[int, bytes]:
        """Note what is secret in a reply, and plant more."""
        with self._lock:
            found = re.search(r'vmware_soap_session="?([^";]+)', cookie)
            self.seen |= {found[1]} if found else set()
            self.seen |= {key.decode() for key in re.findall(rb"<key>([^<]+)</key><userName>", body)}
            if self._ways is not None:
                return self._told(status, body)
            return (status, body) if not self._talks else self._planted(status, body, sent)

    def _spelled(self) -> str:
        """Spell one secret, each time another in the next way."""
        secrets = sorted(
            [canary for canary, _ in PASSWORDS.values()]
            + [each for each in self.seen - self.former if self.one and len(each) >= 16]
        )
        way = next(self._ways) if self._ways is not None else ""
        secret = secrets[self.planted % len(secrets)]
        self.planted += 1
        return IN_XML[way](secret).replace("<!---", "<!-- -").replace("--->", "- -->")

    def _told(self, status: int, body: bytes) -> tuple[int, bytes]:
        """Spell secrets wherever a text is free: messages of faults and tasks, names of VMs."""
        for place in (b"</faultstring>", b"</localizedMessage>"):
            if place in body:
                body = body.replace(place, self._spelled().encode() + place, 1)
        named = rb"(<name>name</name><val [^>]*>)"
        return status, re.sub(named, lambda match: match[1] + self._spelled().encode() + b"-", body)

    def _planted(self, status: int, body: bytes, sent: bytes) -> tuple[int, bytes]:
        everything = "|".join([escape(canary) for canary, _ in PASSWORDS.values()] + sorted(self.seen))
        spelt = "".join(f"&#{ord(each)};" for each in PASSWORDS["FULL"][0])
        before = body
        kind, name = next(self._fields)
        value = f'<result xsi:type="{kind}"><{name}>{STEM}-{kind}-{name}</{name}></result>'.encode()
        if b"</faultstring>" in body:
            body = body.replace(b"</faultstring>", f" {'x' * 1900} {everything} {spelt}</faultstring>".encode())
        elif b"AbortCustomization_Task" in sent and self.planted % 3 == 0:
            status, body = 502, f"<html>{everything}<ticket>{STEM}-html</ticket>&#60;{spelt}</html>".encode()
        elif b"<state>success</state>" in body and b"<result" not in body:
            body = body.replace(b"<reason ", value + b"<reason ", 1)
        self.planted += body != before
        return status, body

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def talker(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Talker]:
    """Give the talker, its configuration in an empty folder, its passwords in the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VCONTRACT_DEBUG", raising=False)
    for name, (canary, _) in PASSWORDS.items():
        monkeypatch.setenv(name, canary)
    with SimulatorServer(fitted(task_time=0.01, boot_time=0.02, api=API)) as simulator:
        talks = getattr(request, "param", False)
        made = Talker(simulator.url, talks=bool(talks), ways=talks if isinstance(talks, tuple) else ())
        Path("vcontract.toml").write_text(CONFIG.format(url=made.url), "utf-8")
        yield made
        made.close()


def expect_no_canary(talker: Talker, *told: Ended, least: int = 8) -> None:
    """Expect none in a file below here, nor in what commands printed, in whichever spelling."""
    assert len(talker.seen) >= least
    said = {str(number): "\n".join([*each.out, *each.err]).encode() for number, each in enumerate(told)}
    files = [each for each in Path().rglob("*") if each.is_file() and not each.is_symlink()]
    assert len(files) > 1
    written = said | {str(each): each.read_bytes() for each in files}
    shown = [*traces(STEM), *(trace for secret in talker.seen for trace in traces(secret))]
    assert {name: each for name, text in written.items() for each in shown if each.encode() in text} == {}


def _judged(line: str) -> str:
    """Give the verdict, the calls and the findings; a replay may send a read more or less than the clock let the run send."""
    found = re.fullmatch(
        r"(\w+ \(\d+ calls judged), \d+ requests(, \d+ findings; vcontract [\d.]+\)); report: .*", line
    )
    return found[1] + found[2] if found else ""


@pytest.mark.parametrize("talker", [False, True], indirect=True, ids=["quiet", "talking"])
def test_a_run_and_its_replay_write_none(talker: Talker, vcontract: Command, request: pytest.FixtureRequest) -> None:
    """History, report, reproductions, recording, console; with findings where the server says what it must not."""
    live = vcontract(*RUN, *INPUTS, "--record", "run.rec")
    talks = "talking" in request.node.name
    assert (live.code == 1, talker.planted > 5) == (talks, talks)
    assert bool(list(Path().rglob("reproductions/*.py"))) == talks
    again = vcontract("run", "--target", "replay:run.rec", "--report-dir", "again")
    shown = [[line for line in map(_judged, each.out) if line] for each in (live, again)]
    assert (len(shown[0]), shown[0]) == (1, shown[1])
    told = [live, again]
    if talks:
        findings = next(each for each in Path("reports").glob("*/findings.jsonl") if not each.parent.is_symlink())
        found = msgspec.json.decode(findings.read_bytes().splitlines()[0])["id"]
        told.append(vcontract("replay", f"{findings.parent}#{found}", "--config", "vcontract.toml"))
        assert told[-1].code in {0, 1, 5}, told[-1].err
    expect_no_canary(talker, *told)


@pytest.mark.parametrize("debug", ["", "1"])
def test_a_crash_shows_none(debug: str, talker: Talker, vcontract: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of ours says whatever it says: message and traceback are cleaned, of a thread too; exit code 4 either way."""

    def crash(*_: Any, beside: bool = True) -> None:
        if beside:
            thread = threading.Thread(target=crash, kwargs={"beside": False})
            thread.start()
            thread.join()
        raise RuntimeError(
            [canary for canary, _ in PASSWORDS.values()], "<b>" + escape(PASSWORDS["FULL"][0]), talker.seen
        )

    monkeypatch.setattr(StepRunner, "walk", crash)
    monkeypatch.setenv("VCONTRACT_DEBUG", debug)
    ended = vcontract("run", "--config", "vcontract.toml", "--record", "run.rec")
    assert ended.code == 4
    assert "RuntimeError: " in ended.err[-1]
    assert "secret:account.full" in ended.err[-1]
    assert any("Traceback" in each for each in ended.err) == bool(debug)
    assert sum("RuntimeError: " in each for each in ended.err) == 2
    expect_no_canary(talker, ended)
