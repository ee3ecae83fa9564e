"""`vcontract wsdl diff` as a user types it: sides of every kind, formats, exit codes, mistakes."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from vcontract._shipped import shipped

if TYPE_CHECKING:
    from tests.cli.conftest import Command


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def served() -> Iterator[str]:
    """Serve the shipped sets on loopback; gives the URL of their folder."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(shipped("wsdl"))))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_upgrade_that_only_adds_ends_with_0(vcontract: Command) -> None:
    """The summary is the last line; a lower bar makes the same comparison fail."""
    ended = vcontract("wsdl", "diff", "6.8.7", "9.1.0.0")
    assert (ended.code, ended.err) == (0, [])
    assert ended.out[-1] == "A 6.8.7 -> B 9.1.0.0: 0 breaking, 14 risky, 216 additions"
    assert vcontract("wsdl", "diff", "6.8.7", "9.1.0.0", "--fail-on", "risky").code == 100
    assert vcontract("wsdl", "diff", "6.8.7", "6.8.7", "--fail-on", "addition").code == 0


def test_a_way_back_breaks(vcontract: Command) -> None:
    """Exit 100, and 0 if it shall never fail."""
    ended = vcontract("wsdl", "diff", "6.8.7", "6.7.3", "--format", "json")
    assert ended.code == 100
    told = json.loads("\n".join(ended.out))
    assert (told["exit_code"], told["counts"]["breaking"]) == (100, 3)
    assert vcontract("wsdl", "diff", "6.8.7", "6.7.3", "--fail-on", "none").code == 0


def test_sides_may_be_folders_files_and_urls(vcontract: Command, served: str) -> None:
    """Whatever the kind of the sides, the differences are the same."""
    kinds = [
        ("6.7.3", "6.8.7"),
        (shipped("wsdl") / "6.7.3", shipped("wsdl") / "6.8.7" / "vimService.wsdl"),
        (f"{served}/6.7.3/vimService.wsdl", "6.8.7"),
    ]
    told = [json.loads("\n".join(vcontract("wsdl", "diff", *pair, "--format", "json").out)) for pair in kinds]
    assert told[0]["differences"] == told[1]["differences"] == told[2]["differences"] != []
    assert [each["old"]["api_version"] for each in told] == ["6.7.3"] * 3
    assert told[2]["old"]["uri"] == f"{served}/6.7.3/vimService.wsdl"
    assert told[0]["new"] == {"name": "6.8.7", "uri": "urn:vim25/6.8.7", "api_version": "6.8.7"}


def test_the_report_goes_to_a_file(vcontract: Command, tmp_path: Path) -> None:
    """The file has the report, stdout one line that names it."""
    file = tmp_path / "diff.sarif"
    ended = vcontract("wsdl", "diff", "6.8.7", "6.7.3", "--format", "sarif", "--out", file)
    assert (ended.code, len(ended.out)) == (100, 1)
    assert ended.out[0].endswith(f"3 breaking, 3 risky, 2 additions; report: {file}")
    assert len(json.loads(file.read_text())["runs"][0]["results"]) == 8
    assert [each.name for each in tmp_path.iterdir()] == ["diff.sarif"]


@pytest.mark.parametrize(
    ("said", "arguments"),
    [
        ("cannot read", "6.8.7 nowhere"),
        ("cannot read http://127.0.0.1:1/", "http://127.0.0.1:1/vimService.wsdl 6.8.7"),
        ("--fail-on much: must be one of breaking, risky, addition, none", "6.8.7 6.7.3 --fail-on much"),
        ("--format xml: must be one of text, json, markdown, junit, sarif", "6.8.7 6.7.3 --format xml"),
        ("no managed object 'Nope'", "6.8.7 6.7.3 --root Nope"),
        ("nowhere/x: cannot be written", "6.8.7 6.7.3 --out nowhere/x"),
        ("holds a user name", "http://me:word@127.0.0.1:1/vimService.wsdl 6.8.7"),
    ],
)
def test_a_mistake_is_one_line(
    vcontract: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, arguments: str
) -> None:
    """Exit 2, nothing on stdout, no password, nothing written."""
    monkeypatch.chdir(tmp_path)
    ended = vcontract("wsdl", "diff", *arguments.split())
    assert (ended.code, ended.out, len(ended.err)) == (2, [], 1)
    assert said in ended.err[0]
    assert "word" not in ended.err[0]
    assert list(tmp_path.iterdir()) == []
