"""How old a report of a VM may be: what else it may be then, and when that is over (oracle rules A5, A11; oracle row T3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from tests.model.test_tracker import CHILD, MANAGER, VM, Script
from vcontract._contract import Contract
from vcontract._model import Facts, Lever, VmFacts, facts_of
from vcontract._terms import UNSENT, Fault, Faulted, Lost, Ref, Returned

LATE, SOON = 180.0, 10.0
UP = {
    "runtime.powerState": "poweredOn",
    "runtime.connectionState": "connected",
    "guest.toolsRunningStatus": "guestToolsRunning",
    "guest.guestOperationsReady": True,
}
STARTS = UP | {"guest.guestOperationsReady": False}
DOWN = STARTS | {"guest.toolsRunningStatus": "guestToolsNotRunning"}
OFF = DOWN | {"runtime.powerState": "poweredOff"}
OFF_LATE = UP | {"runtime.powerState": "poweredOff"}
HOST = Ref("HostSystem", "host-1")


class Late(Script):
    """A script of a target whose reports are late, about a VM that is known to run for long."""

    def __init__(self, contract: Contract) -> None:
        super().__init__(contract)
        known = {VM.value: VmFacts(VM, "one", 1, host=HOST.value)}
        levers = (*self.tracker.facts.levers, Lever("stopTools", "stopTools"))
        self.tracker.facts = replace(
            self.tracker.facts, staleness=LATE, runtime_staleness=SOON, vms=known, levers=levers
        )
        self.free()
        self.read(VM, UP)
        self.pause(LATE)
        self.read(VM, UP)

    def pause(self, seconds: float) -> None:
        """Let time pass."""
        self.time += seconds

    def does(self, method: str, ref: Ref = VM, **arguments: Any) -> None:
        """Feed a call and, if it has one, its task, which succeeds."""
        task = f"task-of-{int(self.time)}"
        self.feed(ref, method, Returned(Ref("Task", task).json() if method.endswith("_Task") else None), **arguments)
        if method.endswith("_Task"):
            self.task(task, "success")

    def was(self, field: str, vm: Ref = VM) -> set[Any]:
        """Give the values that a field may have at a call that begins now."""
        return {getattr(each, field) for each in self.tracker.states_at(vm.value, self.time + 1.5)}

    def waits(self, vm: Ref = VM) -> float:
        """Say how many seconds it takes from now until reports have settled; 0 if they have."""
        return max(0.0, self.tracker.settles(vm.value) - self.time - 1)


@pytest.fixture
def late(contract: Contract) -> Late:
    """Give such a script."""
    return Late(contract)


def test_of_a_vm_that_nobody_changed_reports_are_believed(late: Late) -> None:
    """Nothing is waited for, and nothing else is possible."""
    assert late.waits() == 0
    assert (late.was("power"), late.was("tools"), late.was("orphaned")) == ({"poweredOn"}, {"ready"}, {False})


def test_a_power_state_is_late_by_less_than_tools(late: Late) -> None:
    """What is reported as before may be old; the power state no longer than its own d, Tools up to theirs."""
    late.does("PowerOffVM_Task")
    late.read(VM, UP)
    assert late.was("power") == {"poweredOn", "poweredOff"}
    assert LATE - 5 < late.waits() <= LATE
    late.pause(SOON + 5)
    late.read(VM, UP)
    assert late.was("power") == {"poweredOn"}
    assert late.was("tools") == {"ready", "stopped"}
    late.pause(LATE)
    late.read(VM, UP)
    assert late.was("tools") == {"ready"}
    assert late.waits() == 0


@pytest.mark.parametrize(
    ("change", "seen", "field", "value"),
    [
        (lambda late: late.does("PowerOffVM_Task"), OFF_LATE, "power", "poweredOff"),
        (lambda late: late.does("SuspendVM_Task"), UP | {"runtime.powerState": "suspended"}, "power", "suspended"),
        (lambda late: late.lever("stopTools"), DOWN, "tools", "stopped"),
        (
            lambda late: late.does("DisconnectHost_Task", HOST),
            UP | {"runtime.connectionState": "disconnected"},
            "connection",
            "disconnected",
        ),
    ],
)
def test_what_was_seen_to_change_has_settled(
    late: Late, change: Callable[[Late], None], seen: dict[str, Any], field: str, value: str
) -> None:
    """No report is older than one that came before it: nothing is waited for, and the old value is over."""
    change(late)
    late.read(VM, seen)
    assert late.waits() == 0
    assert late.was(field) == {value}


def test_a_change_that_is_seen_before_its_task_ends_has_settled(late: Late) -> None:
    """The call has been made by then."""
    late.feed(VM, "PowerOffVM_Task", Returned(Ref("Task", "task-9").json()))
    late.read(VM, OFF)
    late.task("task-9", "success")
    late.read(VM, OFF)
    assert (late.waits(), late.was("power")) == (0, {"poweredOff"})


def test_a_change_after_two_calls_may_be_that_of_the_first(late: Late) -> None:
    """Off and on and off again: a report that it is off may tell of the first time."""
    for method in ("PowerOffVM_Task", "PowerOnVM_Task", "PowerOffVM_Task"):
        late.does(method)
    late.read(VM, OFF)
    assert late.was("power") == {"poweredOn", "poweredOff"}
    assert SOON - 5 < late.waits() <= SOON
    late.pause(SOON)
    late.read(VM, OFF)
    assert (late.waits(), late.was("power")) == (0, {"poweredOff"})


def test_a_boot_is_over_when_tools_went_down_and_came_up(late: Late) -> None:
    """Oracle row T3: until then what is reported ready may be of before, for d; then it has settled."""
    late.does("ResetVM_Task")
    late.read(VM, UP)
    assert late.was("tools") >= {"ready", "starting"}
    assert late.waits() > LATE - 5
    late.read(VM, DOWN)
    assert late.was("tools") == {"stopped", "starting"}, "what was up before is over"
    late.read(VM, STARTS)
    assert late.was("tools") == {"starting"}
    late.read(VM, UP)
    assert (late.was("tools"), late.waits()) == ({"ready"}, 0)


def test_a_boot_without_tools_seen_down_is_over_after_d(late: Late) -> None:
    """A resume and a move to another host bring nothing that is seen to change."""
    for method, seen in (("SuspendVM_Task", UP | {"runtime.powerState": "suspended"}), ("PowerOnVM_Task", UP)):
        late.does(method)
        late.read(VM, seen)
    assert late.was("power") == {"poweredOn"}
    assert late.was("tools") >= {"ready", "starting"}
    late.pause(LATE)
    late.read(VM, UP)
    assert (late.was("tools"), late.waits()) == ({"ready"}, 0)
    late.read(VM, UP | {"runtime.host": "host-1"})
    late.read(VM, UP | {"runtime.host": "host-2"})
    assert late.was("tools") == {"ready", "starting"}
    assert LATE - 5 < late.waits() <= LATE


def test_a_boot_from_off_is_over_when_tools_came_up(late: Late) -> None:
    """They were seen down while it was off; if not, they must be seen down since."""
    for seen, over in ((OFF, True), (OFF_LATE, False)):
        late.does("PowerOffVM_Task")
        late.read(VM, seen)
        late.does("PowerOnVM_Task")
        late.read(VM, UP)
        assert (late.was("tools") == {"ready"}) is over
        assert (late.waits() == 0) is over
    late.read(VM, DOWN)
    late.read(VM, UP)
    assert (late.was("tools"), late.waits()) == ({"ready"}, 0)


def test_a_slow_boot_is_no_change_that_nobody_made(late: Late) -> None:
    """Tools that come up later than d after it have settled at once."""
    late.does("ResetVM_Task")
    late.read(VM, DOWN)
    late.pause(2 * LATE)
    late.read(VM, DOWN)
    late.read(VM, UP)
    assert (late.was("tools"), late.waits()) == ({"ready"}, 0)


def test_a_change_that_nobody_made_is_not_believed_at_once(late: Late) -> None:
    """Who did it may do it again: the value before counts for d."""
    late.read(VM, OFF)
    late.read(VM, UP)
    assert late.was("power") == {"poweredOn", "poweredOff"}
    assert late.waits() > LATE - 5


def test_what_a_program_does_in_the_guest_takes_its_time(late: Late) -> None:
    """No report tells of the lock: for the d of the server's own reports both are possible."""
    late.lever("orphanLock")
    late.read(VM, UP)
    assert late.was("orphaned") == {True, False}
    assert SOON - 5 < late.waits() <= SOON
    late.pause(SOON)
    assert (late.was("orphaned"), late.waits()) == ({True}, 0)


def test_a_lost_call_may_have_changed_something_and_a_refused_one_has_not(late: Late) -> None:
    """One that was never sent has not, either."""
    late.feed(VM, "ResetVM_Task", Faulted(Fault("InvalidState")))
    late.feed(VM, "ResetVM_Task", Lost(f"{UNSENT}: no connection"))
    late.read(VM, UP)
    assert late.waits() == 0
    late.feed(VM, "ResetVM_Task", Lost("reset"))
    late.read(VM, UP)
    assert late.waits() > LATE - 5


def test_of_what_is_off_no_tools_are_waited_for(late: Late) -> None:
    """Their report may be as late as it likes."""
    late.does("PowerOffVM_Task")
    late.read(VM, OFF_LATE)
    assert late.waits() == 0


def test_a_clone_shows_its_parents_tools_until_its_own_speak(late: Late) -> None:
    """Twice ready, d apart; or down and then ready; or the MAC of an adapter that its parent never had."""
    nic = {"guest.net": [{"macAddress": "00:50:56:00:00:01"}]}
    late.read(VM, UP | nic)
    for number, own in enumerate(([], [DOWN, UP], [UP | {"guest.net": [{"macAddress": "00:50:56:00:00:02"}]}])):
        child = Ref("VirtualMachine", f"{CHILD.value}{number}")
        late.feed(VM, "InstantClone_Task", Returned(Ref("Task", f"fork-{number}").json()), spec={"name": "child"})
        late.task(f"fork-{number}", "success", result=child.json())
        late.pause(LATE)
        late.read(child, UP | nic)
        assert late.was("tools", child) == {"ready", "starting"}
        for seen in own:
            late.read(child, seen)
        if not own:
            late.pause(LATE)
            late.read(child, UP | nic)
        assert late.was("tools", child) == {"ready"}


def test_nothing_is_believed_at_once_after_nobody_watched(late: Late) -> None:
    """A run that was cut, and goes on: its VMs may have been booted."""
    late.tracker.resume()
    late.read(VM, UP)
    assert late.was("tools") >= {"ready", "starting"}
    assert late.waits() > LATE - 5


def test_where_reports_are_never_late_nothing_is_ever_waited_for(contract: Contract) -> None:
    """What was read last counts, whatever came before."""
    script = Late(contract)
    script.tracker.facts = replace(script.tracker.facts, staleness=0.0, runtime_staleness=0.0)
    script.does("PowerOffVM_Task")
    script.read(VM, UP)
    script.lever("orphanLock")
    script.does("ResetVM_Task")
    script.read(VM, UP)
    assert script.waits() == 0
    assert (script.was("power"), script.was("tools")) == ({"poweredOn"}, {"ready"})


def test_a_history_of_one_lateness_means_both() -> None:
    """Before, one number said how late all reports may be."""
    told = msgspec.to_builtins(Facts(MANAGER.type, MANAGER, "8.0.3.0", staleness=60.0, runtime_staleness=5.0))
    assert facts_of(told).runtime_staleness == 5.0
    del told["runtime_staleness"]
    assert facts_of(told).runtime_staleness == 60.0
