"""The script that shows a finding without the harness runs, and shows it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from vcontract.report.reproduction import script
from vcontract.simulator import SimulatorServer
from vcontract.terms import Arguments, Call, Envelope, Finding, Grade, Ref, ReplayStep

from tests.windows import fitted

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
