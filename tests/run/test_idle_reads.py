"""A run asks for nothing that it has just been told, arranges no state twice for a slow machine, and tells both."""

from __future__ import annotations

from pathlib import Path

import msgspec

from vcontract._commands.run import execute
from vcontract._config.request import RunRequest
from vcontract._run.idle_reads import idle_reads
from vcontract._terms import Arguments, Call, Operation, Ref, Returned, Verdict

VM, TASK = Ref("VirtualMachine", "vm-1"), Ref("Task", "task-1")


def read(ref: Ref, *paths: str, actor: str = "full") -> Operation:
    """Give a read of an object."""
    wanted = {"propSet": [{"pathSet": list(paths)}], "objectSet": [{"obj": ref.json()}]}
    return operation("RetrievePropertiesEx", {"specSet": [wanted]}, actor)


def operation(method: str, arguments: dict[str, object] | None = None, actor: str = "full") -> Operation:
    """Give an operation that returned nothing."""
    return Operation(1, Call(Ref("X", "x"), method, Arguments(dict(arguments or {})), actor), 0, 0, Returned({}))


def test_only_a_read_of_the_same_with_nothing_in_between_is_idle() -> None:
    """Other paths, another actor, another object, a call, and news make it a read that may tell something."""
    assert idle_reads([read(VM, "name"), read(VM, "name")]) == 1
    assert idle_reads([read(VM, "name"), read(TASK, "info"), operation("CurrentTime"), read(VM, "name")]) == 1
    assert idle_reads([read(VM, "name"), read(VM, "guest"), read(VM, "name", actor="other")]) == 0
    assert idle_reads([read(VM, "name"), operation("ResetVM_Task"), read(VM, "name")]) == 0
    waited = operation("WaitForUpdatesEx")
    assert idle_reads([read(VM, "name"), waited, read(VM, "name")]) == 0
    in_vain = msgspec.structs.replace(waited, outcome=Returned(None))
    assert idle_reads([read(VM, "name"), in_vain, read(VM, "name")]) == 1


def test_a_run_asks_once_and_arranges_as_planned(tmp_path: Path) -> None:
    """At most one request of a hundred is idle, every reachable cell is exercised, states are arranged nearly as planned."""
    options = RunRequest(seed=2, methods=("StartGuestNetwork_Task",))
    result = execute(msgspec.structs.replace(options, report_dir=tmp_path, output="json"))
    assert result.verdict is Verdict.CONFORMS or not result.findings
    assert result.idle_reads <= 0.01 * result.requests
    assert result.cells.unseen == []
    assert result.cells.arrangements.made <= 1.3 * result.cells.arrangements.planned
    assert result.requests <= 6 * result.calls  # of all methods 5: here each state serves a third of the calls
    assert result.slowest["Tools"] > 0
    assert not [note for note in result.notes if "did not come about" in note]
