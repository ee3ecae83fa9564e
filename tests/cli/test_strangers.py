"""A server that is not our simulator is sent no account, lever or mark that nobody gave, by no verb."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.doorman import Doorman
from tests.mangler import Exchange, Mangled, Reply, mangled, simulator

__all__ = ["mangled", "simulator"]

VERBS = {
    "doctor": ("doctor",),
    "dry": ("run", "--dry-run"),
    "run": ("run",),
    "workers": ("run", "--workers", "2"),
    "explore": ("run", "--explore", "5", "--risk", "full"),
    "adopt": ("adopt", "--vm", "*", "--yes"),
    "cleanup": ("cleanup",),
    "learn": ("learn",),
    "automaton": ("learn", "--explore"),
}


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in an empty directory, without anything in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in ("GOVC_URL", "VCONTRACT_PASSWORD"):
        monkeypatch.delenv(name, raising=False)


class Forwarded(Doorman):
    """A vCenter that is forwarded to this machine: all that a simulator has, but for what marks it."""

    def __init__(self, hidden: bytes) -> None:
        super().__init__()
        self._hidden = hidden

    def __call__(self, exchange: Exchange) -> Reply:
        """Take the mark out of what the simulator says."""
        return super().__call__(exchange).with_body(lambda body: body.replace(self._hidden, b"vc"))


@pytest.mark.parametrize("hidden", [b"urn:vcontract-simulator", b"(vcontract simulator)"])
@pytest.mark.parametrize("verb", VERBS)
def test_a_forwarded_vcenter_gets_nothing_built_in(
    vcontract: Command, mangled: Mangled, verb: str, hidden: bytes
) -> None:
    """It would accept the documented accounts; nobody tries one, and one line says what to give."""
    forwarded = Forwarded(hidden)
    server = mangled(forwarded)
    ended = vcontract(*VERBS[verb], "--target", server.url)
    told = "\n".join([*ended.out, *ended.err])
    assert "none is built in, for it does not show to be vcontract's own simulator" in told
    assert (ended.code, "Traceback" in told) == (2 if verb == "doctor" else 3, False)
    assert forwarded.came.total() == 0
    assert set(server.seen) <= {"", "RetrieveServiceContent"}


@pytest.mark.parametrize(
    "options", [("--clients", "2", "--vms", "1"), ("--processes", "2", "--clients", "2", "--vms", "2")]
)
def test_a_load_uses_nothing_built_in_either(mangled: Mangled, options: tuple[str, ...]) -> None:
    """Nor do its workers, each of which finds out for itself."""
    if find_spec("locust") is None:  # not imported: it would put gevent in the place of this process's sockets
        pytest.skip("Locust, the extra `stress`, is not installed")
    forwarded = Forwarded(b"urn:vcontract-simulator")
    load = ("stress", "--time-limit", "1", *options, "--target", mangled(forwarded).url)
    command = (sys.executable, "-m", "vcontract", *load)
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600, env=os.environ)  # noqa: S603 - ours
    assert "none is built in" in ended.stderr
    assert (ended.returncode, "Traceback" in ended.stderr) == (3, False)
    assert forwarded.came.total() == 0


def test_the_same_server_with_its_mark_is_tested(vcontract: Command, mangled: Mangled) -> None:
    """So it is the mark that decides."""
    forwarded = Forwarded(b"no such text")
    assert vcontract("doctor", "--target", mangled(forwarded).url).code == 0
    assert forwarded.came.total() == 3


@pytest.mark.parametrize("verb", ["run", "dry", "adopt", "learn"])
def test_the_simulator_by_its_name_is_told_to_use_its_address(vcontract: Command, mangled: Mangled, verb: str) -> None:
    """Who answers for a name is for others to say; the line holds what to write instead."""
    forwarded = Forwarded(b"no such text")
    url = mangled(forwarded).url
    ended = vcontract(*VERBS[verb], "--target", url.replace("127.0.0.1", "localhost"))
    assert ended.code == 3
    assert f"for those of vcontract's own simulator give its address, {url}" in "\n".join(ended.err)
    assert forwarded.came.total() == 0


@pytest.mark.parametrize("verb", ["doctor", "dry", "run", "adopt", "cleanup", "learn"])
def test_a_dead_target_is_told_in_one_line(vcontract: Command, verb: str) -> None:
    """As before: exit 3, and not that an account is missing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    ended = vcontract(*VERBS[verb], "--target", f"http://127.0.0.1:{port}/sdk")
    lines = [line for line in (*ended.out, *ended.err) if "connection refused" in line]
    assert (ended.code, len(lines)) == (3, 1)
    assert "account" not in "\n".join([*ended.out, *ended.err])
