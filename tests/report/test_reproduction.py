"""The script that shows a finding without the harness runs, and shows it."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.windows import fitted
from vcontract.report.reproduction import script
from vcontract.simulator import SimulatorServer
from vcontract.terms import Arguments, Call, Envelope, Finding, Grade, Ref, ReplayStep

MANAGER = Ref("VirtualMachineGuestCustomizationManager", "GuestCustomizationManager")
RECORDED = Ref("VirtualMachine", "vm-recorded")
AUTH = {
    "_typeName": "NamePasswordAuthentication",
    "interactiveSession": False,
    "username": "root",
    "password": "secret:guest.root",
}
ENVELOPE = (
    b'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><StartGuestNetwork_Task xmlns="urn:vim25">'
    b'<_this type="VirtualMachineGuestCustomizationManager">GuestCustomizationManager</_this>'
    b'<vm type="VirtualMachine">vm-recorded</vm></StartGuestNetwork_Task></e:Body></e:Envelope>'
)


def _finding(*steps: ReplayStep) -> Finding:
    return Finding(
        id="0" * 12,
        row="R",
        object=MANAGER.type,
        method="StartGuestNetwork_Task",
        grade=Grade.WRONG,
        expected="x",
        observed="y",
        replay="",
        program=steps,
        root=("vm-recorded", "linux-1"),
    )


def _start(actor: str) -> ReplayStep:
    arguments = Arguments({"vm": RECORDED.json(), "auth": AUTH})
    return ReplayStep(Call(MANAGER, "StartGuestNetwork_Task", arguments, actor), "judge")


@pytest.mark.parametrize(
    ("steps", "shown"),
    [
        (
            (ReplayStep(Call(RECORDED, "PowerOffVM_Task", Arguments({}), "full"), gave=("task-9", "")), _start("full")),
            ["PowerOffVM_Task task success", "InvalidPowerState"],
        ),
        ((_start("full"),), ["StartGuestNetwork_Task task success"]),
        ((_start("nobody"),), ["NotAuthenticated"]),
        (
            (ReplayStep(Call(MANAGER, "StartGuestNetwork_Task", Envelope(ENVELOPE, "schema:missing:auth"), "full")),),
            ["500", "auth is missing"],
        ),
    ],
)
def test_it_shows_what_was_recorded(tmp_path: Path, steps: tuple[ReplayStep, ...], shown: list[str]) -> None:
    """It makes the calls in order about the machine of the same name, and prints what each answered."""
    file = tmp_path / "reproduction.py"
    text = script(_finding(*steps), "8.0.3.0")
    file.write_text(text, "utf-8")

    with SimulatorServer(fitted()) as server:
        known = {"VC_URL": server.url, "VC_USER": "administrator@vsphere.local", "VC_PASSWORD": "vcontract"}
        done = subprocess.run(  # noqa: S603 - our own script
            [sys.executable, str(file)], env={**os.environ, **known, "GUEST_ROOT": "guest"}, capture_output=True,
            text=True, check=False, timeout=180,
        )  # fmt: skip

    assert not done.stderr
    assert all(each in done.stdout for each in shown), done.stdout
    assert "'guest'" not in text


HOSTILE = "a\"\"\"; raise SystemExit(7)\n'''; raise SystemExit(8)\n\\{}\x1b]0;x\x07\u202e@PLAN@"


def _hostile(text: str) -> Finding:
    """Give a finding in which a server or a file says a text wherever it can."""
    arguments = Arguments({"vm": RECORDED.json(), "auth": AUTH | {"username": text}})
    steps = (
        ReplayStep(Call(Ref(text, text), text, arguments, text), gave=(text, text)),
        ReplayStep(Call(MANAGER, "StartGuestNetwork_Task", Envelope(text.encode(), text, {text: text}), "full")),
    )
    named = {"row": text, "expected": text, "observed": text, "root": (text, text), "program": steps}
    return replace(_finding(), **named)


def test_nothing_that_a_server_says_becomes_code() -> None:
    """Two scripts are the same program but for one constant, a string of JSON in ASCII."""
    one, other = (ast.parse(script(_hostile(text), text)) for text in (HOSTILE, "plain"))
    pairs = list(zip(ast.walk(one), ast.walk(other), strict=True))
    assert all(type(left) is type(right) for left, right in pairs)
    differing = [
        (str(left.value), str(right.value))
        for left, right in pairs
        if isinstance(left, ast.Constant) and isinstance(right, ast.Constant) and left.value != right.value
    ]
    ((hostile, plain),) = differing
    assert hostile.isascii()
    assert [json.loads(plan)["machine"] for plan in (hostile, plain)] == [HOSTILE, "plain"]
    assert ast.dump(one).replace(repr(hostile), "") == ast.dump(other).replace(repr(plain), "")


def test_a_hostile_name_runs_as_any_other(tmp_path: Path) -> None:
    """A machine whose name is Python, and would move the cursor, is looked for by that name, and printed without controls."""
    file = tmp_path / "reproduction.py"
    file.write_text(script(_hostile(HOSTILE), "8.0.3.0"), "utf-8")
    with SimulatorServer(fitted()) as server:
        known = {"VC_URL": server.url, "VC_USER": "administrator@vsphere.local", "VC_PASSWORD": "vcontract"}
        done = subprocess.run(  # noqa: S603 - our own script
            [sys.executable, str(file)], env={**os.environ, **known}, capture_output=True, text=True, check=False, timeout=180
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (1, f"no virtual machine is called {HOSTILE!a}\n")
    assert "machine: a" in done.stdout
    assert not {"\x1b", "\x07", "\u202e"} & set(done.stdout)


def test_only_secrets_of_ours_are_read_from_the_environment(tmp_path: Path) -> None:
    """A file that calls a variable of the environment a secret does not get its value sent."""
    text = script(_finding(_start("full")), "8.0.3.0")
    pattern = next(line for line in text.splitlines() if line.startswith("WHOLE"))
    assert "guest|account|learned" in pattern
    leaking = ReplayStep(Call(RECORDED, "MarkAsVirtualMachine", Arguments({"pool": "secret:AWS_KEY"}), "full"), "judge")
    file = tmp_path / "reproduction.py"
    file.write_text(script(_finding(leaking), "8.0.3.0"), "utf-8")
    with SimulatorServer(fitted()) as server:
        known = {"VC_URL": server.url, "VC_USER": "administrator@vsphere.local", "VC_PASSWORD": "vcontract"}
        done = subprocess.run(  # noqa: S603 - our own script
            [sys.executable, str(file)], env={**os.environ, **known, "AWS_KEY": "the-key"}, capture_output=True,
            text=True, check=False, timeout=180,
        )  # fmt: skip
    assert "the-key" not in done.stdout + done.stderr
    assert done.returncode == 0, done.stderr
