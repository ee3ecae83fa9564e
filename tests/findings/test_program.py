"""The program of a finding is cut out of a history: its VM, the VM's host and parent, the sessions that called, and no more."""

from __future__ import annotations

from typing import Any

from vcontract._findings.program import ground_of, programs
from vcontract._terms import Arguments, Call, Operation, Ref, Returned

PARENT, VM, OTHER = (Ref("VirtualMachine", f"vm-{number}") for number in (1, 2, 3))
HOST, MANAGER = Ref("HostSystem", "host-1"), Ref("VirtualMachineGuestCustomizationManager", "gcm")
N = "StartGuestNetwork_Task"


class History:
    """Operations, one a second."""

    def __init__(self) -> None:
        self.operations: list[Operation] = []
        self.cell = "explore:0.0:x"

    def say(
        self, ref: Ref, method: str, value: Any = None, actor: str = "full", purpose: str = "arrange", **given: Any
    ) -> int:
        """Add one; gives its number."""
        op = len(self.operations) + 1
        call = Call(ref, method, Arguments(given), actor)
        self.operations.append(Operation(op, call, op, op + 0.5, Returned(value), purpose=purpose, cell=self.cell))
        return op

    def read(self, ref: Ref, value: dict[str, Any]) -> None:
        """Add a read."""
        spec = {"objectSet": [{"obj": ref.json()}]}
        self.say(Ref("PropertyCollector", "pc"), "RetrievePropertiesEx", value, purpose="read", specSet=[spec])

    def task(self, ref: Ref, method: str, number: int, result: Ref | None = None, **given: Any) -> int:
        """Add a call that was given a task, which ends at once."""
        op = self.say(ref, method, Ref("Task", f"task-{number}").json(), **given)
        info = {"state": "success", "result": result.json() if result else None}
        self.read(Ref("Task", f"task-{number}"), {"info": info})
        return op

    def cut(self, op: int) -> tuple[str, list[str]]:
        """Cut out the program that ends with an operation: its root, and its methods in order."""
        root, blocks = programs(self.operations, op)
        return root, [step.call.method for block in blocks for step in block]


def test_sessions_that_call_come_along_and_others_do_not() -> None:
    """Of what became of a session before the first call only the last counts."""
    told = History()
    for actor in ("leaver", "other"):
        for method in ("Login", "Logout", "Login"):
            told.say(Ref("SessionManager", "sm"), method, actor=actor)
    told.task(VM, "ResetVM_Task", 1)
    told.say(Ref("SessionManager", "sm"), "Logout", actor="leaver")
    op = told.say(MANAGER, N, actor="leaver", purpose="judge", vm=VM.json())
    assert told.cut(op) == (VM.value, ["Login", "ResetVM_Task", "Logout", N])


def test_the_host_comes_along_and_another_vm_does_not() -> None:
    """A host belongs to the VMs that were read on it."""
    told = History()
    told.read(VM, {"runtime.host": HOST.json()})
    told.task(OTHER, "PowerOffVM_Task", 1)
    told.task(Ref("HostSystem", "host-9"), "DisconnectHost_Task", 2)
    told.task(HOST, "DisconnectHost_Task", 3)
    op = told.say(MANAGER, N, purpose="judge", vm=VM.json())
    assert told.cut(op) == (VM.value, ["DisconnectHost_Task", N])


def test_what_was_done_to_the_parent_comes_along_from_the_same_program_only() -> None:
    """A clone has what its parent went through; another stands in for the parent if the program clones, else for the clone."""
    told = History()
    told.cell = "X:valid"
    told.task(PARENT, "PowerOnVM_Task", 1)
    told.cell = "explore:0.1:y"
    told.task(PARENT, "ResetVM_Task", 2)
    told.task(PARENT, "InstantClone_Task", 3, VM)
    told.task(PARENT, "SuspendVM_Task", 4)
    op = told.say(MANAGER, N, purpose="judge", vm=VM.json())
    root, methods = told.cut(op)
    assert (root, methods) == (PARENT.value, ["ResetVM_Task", "InstantClone_Task", N])
    steps = [step for block in programs(told.operations, op)[1] for step in block]
    assert ground_of(steps, root, VM.value) == PARENT.value
    assert ground_of(steps[-1:], root, VM.value) == VM.value


def test_a_step_knows_whether_all_work_before_it_had_ended() -> None:
    """Then a replay waits for it too."""
    told = History()
    told.say(MANAGER, N, Ref("Task", "task-1").json(), vm=VM.json())
    told.say(MANAGER, N, vm=VM.json())
    told.read(Ref("Task", "task-1"), {"info": {"state": "success"}})
    op = told.say(MANAGER, N, purpose="judge", vm=VM.json())
    assert [step.alone for block in programs(told.operations, op)[1] for step in block] == [True, False, True]


def test_a_read_of_marks_alone_tells_nothing_of_the_state() -> None:
    """What a replay waits for is what was last read of the state, whatever was read of the VM since."""
    told = History()
    state = {
        "runtime.powerState": "poweredOn", "runtime.connectionState": "connected", "guest.toolsRunningStatus":
        "guestToolsRunning", "guest.toolsVersionStatus2": "guestToolsCurrent", "guest.guestOperationsReady": True,
    }  # fmt: skip
    told.read(VM, state)
    told.read(VM, {"config.extraConfig": []})
    op = told.say(MANAGER, N, purpose="judge", vm=VM.json())
    _, blocks = programs(told.operations, op)
    assert blocks[-1][-1].seen == {"power": "poweredOn", "tools": "ready", "connection": "connected"}
