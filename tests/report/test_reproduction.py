"""The script that shows a finding without the harness judges it: 1 it shows, 0 it does not, else why it cannot tell."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace as replace_settings
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.printed_findings import inventory
from tests.windows import fitted
from vcontract._report import reproduction
from vcontract._simulator import SimulatorServer
from vcontract._terms import Arguments, Call, Envelope, Finding, Grade, Ref, ReplayStep

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


def script(finding: Finding, api: str = "8.0.3.0", owner: str = "vcontract") -> str:
    """Write a script for the machines of an owner, with the one account in guests that the tests know."""
    return reproduction.script(finding, api, owner, ["root"])


def shown(text: str, folder: Path, url: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a script as a user does."""
    file = folder / "reproduction.py"
    file.write_text(text, "utf-8")
    known = {"VC_URL": url, "VC_USER": "administrator@vsphere.local", "VC_PASSWORD": "vcontract", "VC_PATIENCE": "5"}
    return subprocess.run(  # noqa: S603 - our own script
        [sys.executable, str(file)], env={**os.environ, **known, **variables}, capture_output=True,
        text=True, check=False, timeout=600,
    )  # fmt: skip


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


POWERED_OFF = ReplayStep(Call(RECORDED, "PowerOffVM_Task", Arguments({}), "full"), gave=("task-9", ""))
WITHOUT_LOGIN = Call(MANAGER, "StartGuestNetwork_Task", Envelope(ENVELOPE, "schema:missing:auth"), "full")


@pytest.fixture(scope="module")
def faithful() -> Iterator[str]:
    """Serve a faithful simulator."""
    with SimulatorServer(fitted()) as server:
        yield server.url


@pytest.mark.parametrize(
    ("steps", "observed", "told", "code"),
    [
        (
            (POWERED_OFF, _start("full")),
            "InvalidPowerState (call)",
            ["PowerOffVM_Task task -> OK", "the deviation shows"],
            1,
        ),
        ((_start("full"),), "GuestPermissionDenied (task)", ["StartGuestNetwork_Task task -> OK", "does not show"], 0),
        ((_start("nobody"),), "NotAuthenticated (call)", ["HTTP 500 NotAuthenticated", "the deviation shows"], 1),
        ((ReplayStep(WITHOUT_LOGIN, "judge"),), "OK", ["HTTP 500 InvalidRequest", "does not show"], 0),
    ],
)
def test_it_judges_what_was_recorded(
    tmp_path: Path, faithful: str, steps: tuple[ReplayStep, ...], observed: str, told: list[str], code: int
) -> None:
    """It makes the calls in order about the machine of the same name, and prints what each answered.

    Its exit code says whether the deviation shows; afterwards all is as it was.
    """
    text = script(replace(_finding(*steps), observed=observed))
    before = inventory(faithful)
    done = shown(text, tmp_path, faithful, GUEST_ROOT="guest")
    assert (done.returncode, done.stderr) == (code, ""), done.stdout
    assert all(each in done.stdout for each in told), done.stdout
    assert "'guest'" not in text
    assert inventory(faithful) == before


CONTENT = Call(Ref("ServiceInstance", "ServiceInstance"), "RetrieveServiceContent", Arguments({}), "full")
OLD = Envelope(
    b'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><RetrieveServiceContent xmlns="urn:vim25">'
    b'<_this type="ServiceInstance">ServiceInstance</_this></RetrieveServiceContent></e:Body></e:Envelope>',
    "version:6.7",
    {"SOAPAction": '"urn:vim25/6.7"'},
)
WANTED = {
    "specSet": [
        {
            "_typeName": "PropertyFilterSpec",
            "propSet": [{"_typeName": "PropertySpec", "type": MANAGER.type, "all": False, "pathSet": ["info"]}],
            "objectSet": [{"_typeName": "ObjectSpec", "obj": MANAGER.json(), "skip": False}],
        }
    ],
    "options": {"_typeName": "RetrieveOptions"},
}
NAMED = Call(Ref("PropertyCollector", "propertyCollector"), "RetrievePropertiesEx", Arguments(WANTED), "full")


@pytest.mark.parametrize(
    ("row", "calls", "observed", "defect"),
    [
        ("since", (CONTENT, replace(CONTENT, payload=OLD)), "present", "manager-shown-to-old-clients"),
        ("properties", (NAMED,), "named: OK", "manager-has-properties"),
        (
            "singleton",
            (CONTENT, replace(CONTENT, actor="second")),
            "different references",
            "another-manager-for-each-session",
        ),
    ],
)
def test_it_judges_what_is_read_of_the_object_itself(
    tmp_path: Path, faithful: str, row: str, calls: tuple[Call, ...], observed: str, defect: str
) -> None:
    """No call of the contract is made, and no machine needed: the reads alone tell."""
    finding = replace(
        _finding(*(ReplayStep(call, "read") for call in calls)),
        row=f"{MANAGER.type}/{row}", method=calls[-1].method, observed=observed, root=("", ""),
    )  # fmt: skip
    text = script(finding)
    clean = shown(text, tmp_path, faithful)
    assert (clean.returncode, clean.stderr) == (0, ""), clean.stdout
    with SimulatorServer(replace_settings(fitted(), defects=frozenset({defect}))) as server:
        broken = shown(text, tmp_path, server.url)
    assert (broken.returncode, broken.stderr) == (1, ""), broken.stdout


@pytest.mark.parametrize(
    ("owner", "variables", "told", "code"),
    [
        ("vcontract", {"VC_URL": ""}, "set VC_URL in the environment", 2),
        ("vcontract", {"GUEST_ROOT": ""}, "set GUEST_ROOT in the environment", 2),
        ("somebody", {}, "the machine 'linux-1' does not carry the mark vcontract.owner = 'somebody'", 3),
        ("vcontract", {"VC_URL": "http://127.0.0.1:9/sdk"}, "it ended early: ", 3),
    ],
)
def test_it_says_why_it_cannot_tell(
    tmp_path: Path, faithful: str, owner: str, variables: dict[str, str], told: str, code: int
) -> None:
    """One line and an exit code of its own, never that of a deviation; a machine without the mark is not touched."""
    text = script(_finding(POWERED_OFF, _start("full")), owner=owner)
    before = inventory(faithful)
    done = shown(text, tmp_path, faithful, **{"GUEST_ROOT": "guest", **variables})
    assert (done.returncode, done.stderr) == (code, "")
    assert told in done.stdout
    assert inventory(faithful) == before


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
    one, other = (ast.parse(script(_hostile(text), text, text)) for text in (HOSTILE, "plain"))
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


def test_a_hostile_name_runs_as_any_other(tmp_path: Path, faithful: str) -> None:
    """A machine whose name is Python, and would move the cursor, is looked for by that name, and printed without controls."""
    done = shown(script(_hostile(HOSTILE)), tmp_path, faithful)
    assert (done.returncode, done.stderr) == (3, "")
    assert done.stdout.endswith(f"no virtual machine is called {HOSTILE!a}\n")
    assert "machine: a" in done.stdout
    assert not {"\x1b", "\x07", "\u202e"} & set(done.stdout)


def test_only_secrets_of_ours_are_read_from_the_environment(tmp_path: Path, faithful: str) -> None:
    """A file that calls a variable of the environment a secret does not get its value sent."""
    text = script(_finding(_start("full")))
    pattern = next(line for line in text.splitlines() if line.startswith("WHOLE"))
    assert "guest|account|learned" in pattern
    leaking = ReplayStep(Call(RECORDED, "MarkAsVirtualMachine", Arguments({"pool": "secret:AWS_KEY"}), "full"), "judge")
    done = shown(script(_finding(leaking)), tmp_path, faithful, AWS_KEY="the-key")
    assert "the-key" not in done.stdout + done.stderr
    assert done.returncode in {0, 3}, done.stdout
