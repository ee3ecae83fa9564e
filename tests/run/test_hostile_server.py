"""A run against a server that says hostile texts wherever it may choose them: on the wire, to the files and the console."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

import pytest
from typer.testing import CliRunner

from tests.hostile_texts import COMMAND, FORGED, PYTHON, misleading
from tests.mangler import Exchange, Mangler, Reply
from tests.windows import fitted
from vcontract._cli.verbs import app
from vcontract._commands.run import execute
from vcontract._config.config import Config
from vcontract._config.own_simulator import PRODUCT
from vcontract._config.request import Budget, RunRequest
from vcontract._run.preparation import Preparation
from vcontract._simulator import SimulatorServer, inventory

SAID = f"{PYTHON} \u202e\u2028{COMMAND} ##vso[x]y {FORGED} ../../{{}} <b>https://evil.example</b>"
"""What a VM, a host and the product are called; XML can hold it all."""
_connected: list[tuple[str, int]] = []
_watching = [False]


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if _watching[0] and event == "socket.connect" and isinstance(arguments[1], tuple):
        _connected.append(arguments[1][:2])


@contextmanager
def watched() -> Iterator[list[tuple[str, int]]]:
    """Give the addresses to which this process connects meanwhile."""
    sys.addaudithook(_watch)  # it stays, and hears nothing afterwards
    _connected.clear()
    _watching[0] = True
    try:
        yield _connected
    finally:
        _watching[0] = False


def hostile_inventory(folder: Path) -> Path:
    """Write the built-in inventory with hostile names."""
    text = inventory.BUILT_IN.read_text("utf-8")
    for name in dict.fromkeys(re.findall(r'name = "((?:linux|windows|esx)-\d)"', text)):
        quoted = "".join(f"\\u{ord(each):04X}" for each in f"{name} {SAID}")
        text = text.replace(f'name = "{name}"', f'name = "{quoted}"').replace(f'host = "{name}"', f'host = "{quoted}"')
        text = text.replace(f'template_of_more = "{name}"', f'template_of_more = "{quoted}"')
    file = folder / "inventory.toml"
    file.write_text(text, "utf-8")
    return file


def called_so(exchange: Exchange) -> Reply:
    """Say who answers, and where else the client might go; it claims to be our simulator, for which accounts are built in."""
    reply = exchange.ask()
    named = escape(f"{SAID} {PRODUCT}").encode()
    body = re.sub(rb"<fullName>[^<]*<", b"<fullName>" + named + b"<", reply.body)
    body = re.sub(rb"<build>[^<]*<", b"<build>" + escape(SAID).encode() + b"<", body)
    return Reply(
        reply.status,
        body,
        (*reply.headers, ("Location", "http://127.0.0.1:1/"), ("Refresh", "0; url=http://127.0.0.1:1/")),
    )


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mangler]:
    """Give a hostile server."""
    folder = tmp_path_factory.mktemp("inventory")
    with SimulatorServer(fitted(task_time=0.01, boot_time=0.02, inventory=hostile_inventory(folder))) as server:
        mangler = Mangler(server.url, called_so)
        yield mangler
        mangler.close()


def test_nothing_that_it_says_is_obeyed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing but the target is connected to; every line that is printed is ours, every file in the run's directory."""
    defects = frozenset({"fault-without-a-detail"})
    settings = fitted(task_time=0.01, boot_time=0.02, inventory=hostile_inventory(tmp_path), defects=defects)
    place = tmp_path / "reports"
    with SimulatorServer(settings) as server, watched() as connected:
        mangler = Mangler(server.url, called_so)
        try:
            request = RunRequest(target=mangler.url, seed=1, max_calls=8, report_dir=place, shrink=Budget(0, 0.0))
            result = execute(request, Preparation(replay=f"vcontract run --target {mangler.url} --seed 1"))
        finally:
            mangler.close()
    assert {port for _, port in connected} == {mangler.port, urlsplit(server.url).port}
    assert SAID.replace("\r\n", "\n") in result.target.product
    assert result.findings
    told = capsys.readouterr()
    assert misleading(told.out) == misleading(told.err) == []
    assert "\nconforms (99" not in told.out + told.err
    assert told.out.splitlines()[-1].startswith("violates (")
    assert {finding.replay.partition("#")[2] for finding in result.findings} == {
        f"{finding.id} --target {mangler.url}" for finding in result.findings
    }
    files = [path for path in tmp_path.rglob("*") if path.is_file() and path.name != "inventory.toml"]
    assert {path.relative_to(place).parts[0] for path in files} <= {"latest", next(place.glob("2*")).name}
    junit = next(place.glob("2*")) / "junit.xml"
    assert ET.parse(junit).getroot().tag == "testsuites"  # noqa: S314 - ours
    assert misleading(junit.read_text("utf-8")) == []
    for script in (next(place.glob("2*")) / "reproductions").glob("*.py"):
        calls = [node for node in ast.walk(ast.parse(script.read_text("utf-8"))) if isinstance(node, ast.Raise)]
        assert "SystemExit(7)" not in {ast.unparse(each) for each in calls}


@pytest.mark.parametrize(
    "arguments",
    [
        ("doctor", "--write-config", "FILE"),
        ("doctor", "--format", "json"),
        ("run", "--dry-run"),
        ("run", "--dry-run", "--format", "json"),
        ("adopt", "--vm", "*", "--yes"),
        ("adopt", "--vm", "*linux-1*", "--release", "--yes"),
    ],
)
def test_no_verb_prints_or_writes_what_it_says(arguments: tuple[str, ...], hostile: Mangler, tmp_path: Path) -> None:
    """VMs, hosts and the product are named on lines of ours; a configuration that is begun sets what it should."""
    file = tmp_path / "vcontract.toml"
    given = [str(file) if each == "FILE" else each for each in arguments]
    done = CliRunner().invoke(app, [given[0], "--target", hostile.url, *given[1:]])
    assert done.exit_code in {0, 5}, done.output
    assert misleading(done.output) == []
    assert not [line for line in done.output.splitlines() if line.startswith(("conforms", "::", "##"))]
    if "json" not in given:
        assert 'linux-1 a"""; raise SystemExit(7)' in done.output or given[0] == "doctor"
    if file.exists():
        content = file.read_text("utf-8")
        assert misleading(content) == []
        assert "linux-1 a" in content
        read = tomllib.loads(content)
        assert set(read) <= set(Config.__struct_fields__)
        assert (read["target"], "raise" in str(read)) == (hostile.url, False)
