"""`vcontract inject` as a shell would see it: what it prints, what it refuses, and how it ends."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.clients import careful
from tests.mangler import Exchange, Mangled, Reply, mangled, simulator  # noqa: F401 - fixtures
from vcontract._client.trust import shown_thumbprint
from vcontract._client.wire import parse_url
from vcontract._simulator import Settings, SimulatorServer

if TYPE_CHECKING:
    from tests.cli.conftest import Command

ROOT = Path(__file__).parents[2]
_RULE = '[[rule]]\nmethod = "CustomizeGuest_Task"\nanswer = "TaskInProgress"\nwhen = { nth = 1 }\n'
_WAITS = """
import socket, sys, time
from urllib.parse import urlsplit
while True:
    try:
        socket.create_connection((urlsplit(sys.argv[1]).hostname, urlsplit(sys.argv[1]).port), 1).close()
        break
    except OSError:
        time.sleep(0.1)
from tests.clients import careful
assert careful.work(sys.argv[1], "CustomizeGuest_Task")
"""


def _free() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


def _rules(folder: Path, text: str = _RULE) -> Path:
    file = folder / "inject.toml"
    file.write_text(text, "utf-8")
    return file


def _then_ends(port: int, work: Callable[[str], object], name: int = signal.SIGINT) -> threading.Thread:
    """Work as soon as somebody listens, and then have this process told to end."""

    def run() -> None:
        while not _listens(port):
            threading.Event().wait(0.05)
        try:
            work(f"http://127.0.0.1:{port}/sdk")
        finally:
            os.kill(os.getpid(), name)

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_the_four_commands_of_the_readme(tmp_path: Path) -> None:
    """They end with a table that says what the automation did."""
    section = (
        (ROOT / "README.md").read_text("utf-8").split("## What does a client do when it fails?")[1].split("\n## ")[0]
    )
    commands = re.findall(r"^    (\S.*)$", section, re.MULTILINE)
    assert len(commands) == 4
    (tmp_path / "my_automation.py").write_text(_WAITS, "utf-8")
    script = "\n".join(commands).replace("8990", str(_free()))
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(  # noqa: S603 - the commands of our own page
        ["bash", "-c", script],  # noqa: S607 - a shell of the machine
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert "listening on http://127.0.0.1:" in done.stdout, done.stderr
    assert "| CustomizeGuest_Task | TaskInProgress | call | busy (B1) | 1 | 1 |" in done.stdout, done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (_RULE + "tims = 1\n", "inject.toml, line"),
        (
            _RULE.replace("TaskInProgress", "FileFault"),
            "rule 1 (CustomizeGuest_Task: FileFault (call)): the contract permits",
        ),
        ("x" * 9, "inject.toml"),
    ],
)
def test_a_file_that_cannot_be_used_is_exit_2(vcontract: Command, tmp_path: Path, text: str, said: str) -> None:
    """One line with the place, before anything is started for it."""
    ended = vcontract("inject", "--rules", _rules(tmp_path, text))
    assert ended.code == 2
    assert len(ended.err) == 1
    assert said in ended.err[0]


def test_a_file_is_linted(vcontract: Command, tmp_path: Path) -> None:
    """Each mistake is a line of standard error, and exit 2; nothing is started. A sound file says so, and is exit 0."""
    wrong = vcontract("inject", "--lint", _rules(tmp_path, _RULE + "tims = 1\nchanel = 2\n"))
    assert (wrong.code, wrong.out, len(wrong.err)) == (2, [], 2)
    assert "inject.toml, line 5: " in wrong.err[0]
    assert "nearest is channel" in wrong.err[1]
    absent = vcontract("inject", "--lint", tmp_path / "none.toml")
    assert (absent.code, len(absent.err)) == (2, 1)
    sound = vcontract("inject", "--lint", _rules(tmp_path))
    assert (sound.code, sound.err) == (0, [])
    assert sound.out[-1].endswith("inject.toml: the rules are sound")


def test_what_else_is_refused(vcontract: Command, tmp_path: Path) -> None:
    """A server that is not there, a port that is taken, a report that is there: one line, and the right exit code."""
    (tmp_path / "inject.json").write_text("{}")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for words, code, said in (
            (("--target", f"http://127.0.0.1:{_free()}/sdk"), 3, "connection refused"),
            (("--listen", f"127.0.0.1:{port}"), 2, "the port is taken"),
            (("--listen", "0.0.0.0:0"), 2, "only this machine itself"),
            (("--report", tmp_path), 2, "holds a report already"),
            (("--rules", tmp_path / "none.toml"), 2, "none.toml: cannot be read"),
        ):
            ended = vcontract("inject", *words)
            assert (ended.code, len(ended.err)) == (code, 1), ended
            assert said in ended.err[0]


def test_it_ends_with_what_followed(vcontract: Command, tmp_path: Path) -> None:
    """Ctrl-C ends it as SIGTERM does: the table is printed and written, and an expectation that was not kept is exit 1."""
    port, seen = _free(), tmp_path / "seen"
    rules = _rules(tmp_path, _RULE + '[[expect]]\nanswer = "TaskInProgress"\nretries_at_most = 0\n')
    client = _then_ends(port, lambda url: careful.work(url, "CustomizeGuest_Task"))
    ended = vcontract("inject", "--rules", rules, "--listen", f"127.0.0.1:{port}", "--report", seen)
    client.join()
    assert ended.code == 1
    assert f"listening on http://127.0.0.1:{port}/sdk" in ended.out
    assert "  expect 1: CustomizeGuest_Task, TaskInProgress (call): 1 retries, at most 0 are expected" in ended.out
    assert json.loads((seen / "inject.json").read_bytes())["broken"][0]["number"] == 1
    assert "vcontract@" not in "".join(ended.out)


def test_nobody_called_is_exit_5(vcontract: Command) -> None:
    """Nothing was tested."""
    port = _free()
    client = _then_ends(port, lambda _: None, signal.SIGTERM)
    ended = vcontract("inject", "--listen", f"127.0.0.1:{port}")
    client.join()
    assert ended.code == 5
    assert ended.out[-1] == "no client called: nothing was passed on, and no rule could apply"


def test_another_server_is_disturbed_at_marked_vms_alone(
    vcontract: Command,
    tmp_path: Path,
    mangled: Mangled,  # noqa: F811 - the fixture
) -> None:
    """Its marks are read first, by an account that the operator names; without one the way out is said."""

    def stranger(exchange: Exchange) -> Reply:
        return exchange.ask().with_body(lambda body: body.replace(b"urn:vcontract-simulator", b"urn:somebody"))

    behind, port, password = mangled(stranger).url, _free(), tmp_path / "password"
    password.write_text("vcontract\n")
    words = ("inject", "--target", behind, "--rules", _rules(tmp_path), "--listen", f"127.0.0.1:{port}")
    refused = vcontract(*words)
    assert (refused.code, len(refused.err)) == (3, 1)
    assert "no account is given; use --username and --password-file" in refused.err[0]
    client = _then_ends(port, lambda url: careful.work(url, "CustomizeGuest_Task"))
    ended = vcontract(*words, "--username", "administrator@vsphere.local", "--password-file", password)
    client.join()
    assert ended.code == 0, ended
    assert any(re.match(r"  rules apply to \d+ marked VMs: ", line) for line in ended.out)
    assert any("TaskInProgress (call), permitted: busy (B1): met 1" in line for line in ended.out)


def test_a_server_behind_tls(vcontract: Command, tmp_path: Path) -> None:
    """Refused in a line with the way out; with `--insecure`, or by its thumbprint, clients call it in plain http."""
    with SimulatorServer(Settings(tls=True, task_time=0.01)) as secure:
        refused = vcontract("inject", "--target", secure.url)
        assert (refused.code, len(refused.err)) == (3, 1)
        assert "certificate not trusted" in refused.err[0]
        assert "--insecure" in refused.err[0]
        pinned = tmp_path / "vcontract.toml"
        shown = shown_thumbprint("127.0.0.1", parse_url(secure.url).port, 20.0)
        pinned.write_text(f'target = "{secure.url}"\nthumbprint = "{shown}"\n', "utf-8")
        for words in (("--target", secure.url, "--insecure"), ("--config", pinned)):
            port = _free()
            client = _then_ends(port, lambda url: careful.work(url, "CustomizeGuest_Task"))
            ended = vcontract("inject", *words, "--rules", _rules(tmp_path), "--listen", f"127.0.0.1:{port}")
            client.join()
            assert ended.code == 0, ended
            assert any("TaskInProgress (call), permitted: busy (B1): met 1" in line for line in ended.out)


def test_the_schema_of_the_file_is_printed(vcontract: Command) -> None:
    """For editors."""
    assert json.loads("\n".join(vcontract("inject", "--print-schema").out))["$schema"].endswith("2020-12/schema")
