"""Small histories by hand: calls of the manager, reads of a VM and of tasks, and what the judge makes of them."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

from vcontract._check import Judge, Judgement
from vcontract._contract import Contract, load
from vcontract._model import Facts, GuestAccount, Lever, VmFacts
from vcontract._schema import load as load_schema
from vcontract._shipped import shipped
from vcontract._terms import Arguments, Call, Fault, Faulted, Operation, Outcome, Ref, Returned

MANAGER = Ref("VirtualMachineGuestCustomizationManager", "gcm")
VM, OTHER = Ref("VirtualMachine", "vm-1"), Ref("VirtualMachine", "vm-2")
PRIVILEGE = "VirtualMachine.Provisioning.Customize"
READY = {
    "runtime.powerState": "poweredOn",
    "runtime.connectionState": "connected",
    "runtime.bootTime": "2026-01-01T00:00:00Z",
    "guest.toolsRunningStatus": "guestToolsRunning",
    "guest.guestOperationsReady": True,
    "guest.hostName": "template.example.com",
    "guest.ipAddress": "10.0.0.7",
    "guest.net": [{"ipAddress": ["10.0.0.7"]}],
}
SPEC: dict[str, Any] = importlib.import_module("specification").SPEC  # the file beside this one
CUSTOMIZED = {
    "guest.hostName": "web.example.com",
    "guest.ipAddress": "10.1.0.9",
    "guest.net": [{"ipAddress": ["10.1.0.9", "fe80::1"]}],
}


def auth(username: str = "root") -> dict[str, Any]:
    """Give a login; its secret is named after the user."""
    return {
        "_typeName": "NamePasswordAuthentication",
        "interactiveSession": False,
        "username": username,
        "password": f"secret:guest.{username}",
    }


class Story:
    """Tells a judge a history, one operation a second; what is not said is as a valid call would have it."""

    def __init__(self, contract: Contract, bases: dict[str, str], **facts: Any) -> None:
        known: dict[str, Any] = {
            "sessions": {"full": "admin", "unprivileged": "operator"},
            "privileges": {"operator": {PRIVILEGE: "nowhere"}},
            "guests": (
                GuestAccount("root", "secret:guest.root", may_customize=True),
                GuestAccount("user", "secret:guest.user", may_customize=False),
            ),
            "vms": {ref.value: VmFacts(ref, ref.value, 1, host="host-1") for ref in (VM, OTHER)},
            "others": {"group-1": "Folder"},
            "levers": (Lever("stopTools", "stop"), Lever("crashEngine", "crash"), Lever("orphanLock", "orphan")),
            "task_seconds": 100.0,
        }
        self.contract, self.bases = contract, bases
        self.judge = Judge(Facts(MANAGER.type, MANAGER, "8.0.3.0", **(known | facts)), contract, bases)
        self.cell, self.time, self.ops = "cell", 0.0, 0
        self.problems: tuple[str, ...] = ()
        self.told: list[Operation] = []

    def feed(self, ref: Ref, method: str, outcome: Outcome, purpose: str = "arrange", **arguments: Any) -> Operation:
        """Tell of one operation of the full account."""
        return self.send(Call(ref, method, Arguments(arguments), "full"), outcome, purpose)

    def send(self, call: Call, outcome: Outcome, purpose: str = "judge") -> Operation:
        """Tell of one operation."""
        self.time, self.ops = self.time + 2, self.ops + 1
        problems, self.problems = self.problems, ()
        done = Operation(
            self.ops, call, self.time, self.time + 1, outcome, problems=problems, purpose=purpose, cell=self.cell
        )
        self.told.append(done)
        self.judge.feed(done)
        return done

    def clock(self, time: str) -> None:
        """Tell of the server's time, by our own clock from one to two seconds after what was told last."""
        self.send(Call(Ref("ServiceInstance", "x"), "CurrentTime", Arguments({}), "full"), Returned(time), "read")

    def vm(self, ref: Ref = VM, **changes: Any) -> None:
        """Tell of a read of the VM: READY with changes (`power="poweredOff"` stands for runtime.powerState)."""
        short = {"power": "runtime.powerState", "tools": "guest.toolsRunningStatus", "boot": "runtime.bootTime"}
        self.read(ref, READY | {short.get(key, key): each for key, each in changes.items()})

    def read(self, ref: Ref, values: dict[str, Any] | None, fault: str = "ManagedObjectNotFound") -> None:
        """Tell of a read of an object; None: it was refused."""
        outcome = Faulted(Fault(fault)) if values is None else Returned(values)
        self.feed(
            Ref("PropertyCollector", "pc"),
            "RetrievePropertiesEx",
            outcome,
            "read",
            specSet=[{"objectSet": [{"obj": ref.json()}]}],
        )

    def task(self, task: str, state: str, **info: Any) -> None:
        """Tell of a read of a task's info; an error is named by its type alone, or given whole."""
        if isinstance(info.get("error"), str):
            info["error"] = {"fault": {"_typeName": info["error"]}}
        self.read(Ref("Task", task), {"info": {"state": state, **info}})

    def arguments(self, method: str, **changes: Any) -> dict[str, Any]:
        """Give the arguments of a valid call, with changes."""
        spec = {"spec": SPEC} if method == "CustomizeGuest_Task" else {}
        return {"vm": VM.json(), "auth": auth(), **spec, **changes}

    def call(self, method: str, outcome: Outcome, actor: str = "full", **changes: Any) -> Operation:
        """Tell of a judged call."""
        return self.send(Call(MANAGER, method, Arguments(self.arguments(method, **changes)), actor), outcome)

    def refused(self, method: str, fault: str, actor: str = "full", **changes: Any) -> Operation:
        """Tell of a judged call that was refused; `fields` are the fault's."""
        fields = changes.pop("fields", {})
        return self.call(method, Faulted(Fault(fault, fields)), actor, **changes)

    def accepted(self, method: str, task: str = "task-1", **changes: Any) -> Operation:
        """Tell of a judged call that was given a task."""
        return self.call(method, Returned(Ref("Task", task).json()), **changes)

    def known_free(self) -> None:
        """Tell of an abort that makes sure of a free lock, in a cell of its own."""
        cell, self.cell = self.cell, "before"
        self.vm()
        self.accepted("AbortCustomization_Task", "task-0")
        self.task("task-0", "success")
        self.vm()
        self.judge.close()
        self.cell = cell

    def judged(self) -> list[Judgement]:
        """End the history and give what the judge said of the cell."""
        self.judge.close()
        return [each for each in self.judge.judgements if each.cell == self.cell]

    def verdict(self) -> Judgement:
        """End the history and give the judgement on the last call of the cell."""
        return self.judged()[-1]


@pytest.fixture(scope="session")
def contract() -> Contract:
    """Give the shipped contract."""
    return load(MANAGER.type)


@pytest.fixture(scope="session")
def bases() -> dict[str, str]:
    """Give the base of each type of the newest shipped WSDL."""
    return {name: each.base for name, each in load_schema(shipped("wsdl") / "9.1.0.0").types.items() if each.base}


@pytest.fixture
def story(contract: Contract, bases: dict[str, str]) -> Story:
    """Give a history in which the VM's lock is known to be free."""
    told = Story(contract, bases)
    told.known_free()
    return told


@pytest.fixture
def unknown(contract: Contract, bases: dict[str, str]) -> Story:
    """Give a history in which nothing is known yet of the VM's lock."""
    return Story(contract, bases)
