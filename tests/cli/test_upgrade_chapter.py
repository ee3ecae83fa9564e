"""The page "Before an upgrade" can be followed command by command, on two simulators."""

from __future__ import annotations

import os
import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from vcontract.shipped import page

ROOT = Path(__file__).parents[2]
_COMMAND = re.compile(r"^    (vcontract [^#\n]*?(?:#[0-9a-f]{12}[^#\n]*?)?)(&?)\s*(?:# exit (\d+).*)?$", re.MULTILINE)
_FILE = re.compile(r"^```toml\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Step(NamedTuple):
    """A command of the chapter: its arguments, whether it stays in the background, and the exit code that it names."""

    arguments: list[str]
    background: bool
    code: int


def chapter() -> str:
    """Give the text of the chapter."""
    text = page("check/compare/README.md").read_text("utf-8")
    assert text.startswith("# Before an upgrade\n")
    return text.replace("\\\n       ", "")


def steps(text: str) -> list[Step]:
    """List the commands of a text."""
    return [Step(shlex.split(line)[1:], bool(ends), int(code or 0)) for line, ends, code in _COMMAND.findall(text)]


@pytest.fixture
def ports() -> dict[str, str]:
    """Give free ports in place of those that the chapter names."""
    free: dict[str, str] = {}
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    for name, each in zip(("8701", "8702"), held, strict=True):
        free[name] = str(each.getsockname()[1])
        each.close()
    return free


@pytest.fixture
def servers() -> Iterator[list[subprocess.Popen[str]]]:
    """Give a list of processes that end with the test."""
    started: list[subprocess.Popen[str]] = []
    yield started
    for each in started:
        each.terminate()
        each.communicate()


def test_the_chapter_has_the_commands_that_it_is_about() -> None:
    """The pattern finds what the chapter shows, with its exit codes."""
    found = steps(chapter())
    verbs = [each.arguments[0] for each in found]
    assert {"simulate", "wsdl", "run", "compare", "replay", "learn"} <= set(verbs)
    assert [each.code for each in found if each.arguments[0] == "replay"] == [0, 1]
    assert [each.background for each in found if each.arguments[0] == "simulate"] == [True, True]
    assert chapter().count("\n    vcontract ") == len(found)


@pytest.mark.long
def test_the_chapter_can_be_followed(
    ports: dict[str, str], servers: list[subprocess.Popen[str]], tmp_path: Path
) -> None:
    """Each command ends as the chapter says, and the report has what the chapter shows of it."""
    text = chapter()
    for name, port in ports.items():
        text = text.replace(name, port)
    (file,) = _FILE.findall(text)
    (tmp_path / "deviations.toml").write_text(file)
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT / "harness"), os.environ.get("PYTHONPATH", "")]),
    }
    told: list[str] = []
    for each in steps(text):
        command = [sys.executable, "-m", "vcontract", *each.arguments]
        if each.background:
            started = subprocess.Popen(  # noqa: S603 - the chapter's own command
                command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True
            )
            servers.append(started)
            assert started.stdout is not None
            assert started.stdout.readline().startswith("listening on")
            continue
        done = subprocess.run(  # noqa: S603 - the same
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == each.code, (each.arguments, done.stdout, done.stderr)
        told.append(done.stdout)
    shown = re.findall(r"^ +([0-9a-f]{12})  (\S+(?: task)?:)", text, re.MULTILINE)
    assert len(shown) >= 4
    assert [line for line in shown if not any("  ".join(line) in out for out in told)] == [
        ("fa9e3b6ff108", "AuthenticationRequired:")  # stands in the report that went into a file
    ]
    assert "fa9e3b6ff108" in (tmp_path / "schema.md").read_text()
