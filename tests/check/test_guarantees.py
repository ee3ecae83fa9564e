"""What many clients at once may not break, on histories written by hand: what proves it, and what must not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from vcontract._check.concurrent import judge_concurrent
from vcontract._check.guarantees import (
    BlamedTask,
    Guarantee,
    GuestNames,
    KeptTasks,
    OneCustomization,
    OwnSessions,
    Replies,
    TaskLives,
)
from vcontract._contract import load
from vcontract._model import Facts
from vcontract._terms import Arguments, Call, Fault, Faulted, Lost, Operation, Outcome, Ref, Returned

CONTRACT = load("VirtualMachineGuestCustomizationManager")
MANAGER = Ref(CONTRACT.object, "GuestCustomizationManager")
COLLECTOR = Ref("PropertyCollector", "propertyCollector")
CUSTOMIZE = "CustomizeGuest_Task"


class Tale:
    """Writes a history: each line begins and ends where it says."""

    def __init__(self) -> None:
        self.operations: list[Operation] = []

    def call(
        self,
        at: tuple[float, float],
        outcome: Outcome,
        *,
        vm: str = "vm-1",
        actor: str = "c1",
        method: str = CUSTOMIZE,
        name: str = "",
    ) -> Tale:
        """Make a call of a method under test."""
        values: dict[str, Any] = {"vm": Ref("VirtualMachine", vm).json()}
        if name:
            values["spec"] = {"identity": {"hostName": {"name": name}}}
        return self._add(Call(MANAGER, method, Arguments(values), actor), at, outcome, "judge")

    def task(self, task: str, at: tuple[float, float], state: str, **info: Any) -> Tale:
        """Read a task."""
        return self.read(Ref("Task", task), at, {"info": {"key": task, "state": state, **info}})

    def read(self, ref: Ref, at: tuple[float, float], values: dict[str, Any], actor: str = "c1") -> Tale:
        """Read properties."""
        spec = {"objectSet": [{"obj": ref.json()}], "propSet": [{"type": ref.type, "pathSet": [*values]}]}
        return self._add(
            Call(COLLECTOR, "RetrievePropertiesEx", Arguments({"specSet": [spec]}), actor), at, Returned(values)
        )

    def login(self, actor: str, at: tuple[float, float], key: str) -> Tale:
        """Log in."""
        session = {"_typeName": "UserSession", "key": key}
        call = Call(Ref("SessionManager", "SessionManager"), "Login", Arguments({}), actor)
        return self._add(call, at, Returned(session))

    def told(self, guarantee: Guarantee) -> list[str]:
        """Let a guarantee hear it; gives what it says is broken."""
        lives = TaskLives()
        for each in sorted(self.operations, key=lambda each: each.end):
            lives.feed(each)
            guarantee.feed(each, lives)
        guarantee.close(lives)
        return [each.detail for each in guarantee.breaches]

    def _add(self, call: Call, at: tuple[float, float], outcome: Outcome, purpose: str = "read") -> Tale:
        number = len(self.operations) + 1
        self.operations.append(Operation(number, call, *at, outcome, status=200, purpose=purpose))
        return self


def given(task: str) -> Returned:
    """Give the reference to a task."""
    return Returned(Ref("Task", task).json())


def busy(task: str) -> Faulted:
    """Refuse because of a task."""
    return Faulted(Fault("TaskInProgress", {"task": Ref("Task", task).json()}))


def two_customizations(first: tuple[str, str], second: tuple[str, str]) -> Tale:
    """Two customizations that were both read running over one moment and succeed; each with its seconds by the server."""
    times = [dict(zip(("startTime", "completeTime"), each, strict=True)) for each in (first, second)]
    return (
        Tale()
        .call((0.0, 0.5), given("t1"))
        .task("t1", (0.9, 1.0), "running")
        .call((1.5, 1.6), given("t2"))
        .task("t2", (2.0, 2.1), "running")
        .task("t1", (3.0, 3.1), "running")
        .task("t2", (3.2, 3.3), "running")
        .task("t2", (3.5, 3.6), "success", **times[1])
        .task("t1", (4.0, 4.1), "success", **times[0])
    )


AT = [f"2026-01-01T00:00:0{second}.5Z" for second in range(5)]


@pytest.mark.parametrize(
    ("first", "second", "broken"),
    [
        ((AT[0], AT[3]), (AT[1], AT[2]), True),
        ((AT[1], AT[2]), (AT[0], AT[3]), True),
        ((AT[0], AT[2]), (AT[1], AT[3]), False),
        ((AT[0], AT[1]), (AT[1], AT[2]), False),
        ((AT[0], AT[3]), (AT[0], AT[2]), False),
        ((AT[0], AT[3]), ("", ""), False),
        (("", ""), ("", ""), False),
    ],
)
def test_two_customizations_of_which_one_lived_inside_the_other(
    first: tuple[str, str],
    second: tuple[str, str],
    broken: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """Only that proves that the lock was not kept: one that is read running may wait for it (oracle row K1)."""
    told = two_customizations(first, second).told(OneCustomization(alone=True))
    assert [each[:6] for each in told] == ["t2 and"] * broken


def test_nothing_is_said_where_others_change_the_vms() -> None:
    """A stranger's abort in between would explain it."""
    assert two_customizations((AT[0], AT[3]), (AT[1], AT[2])).told(OneCustomization(alone=False)) == []


@pytest.mark.parametrize(
    ("vm", "asked", "why"),
    [
        ("vm-1", (2.0, 2.1), ""),
        ("vm-2", (2.0, 2.1), "works on vm-1"),
        ("vm-1", (6.0, 6.1), "had succeeded before"),
        ("vm-1", (3.9, 6.1), ""),
    ],
)
def test_the_task_that_is_blamed(vm: str, asked: tuple[float, float], why: str) -> None:
    """A TaskInProgress names a task of that VM which was under way during the call."""
    tale = Tale().call((0.0, 0.5), given("t1")).task("t1", (4.0, 4.1), "success").call(asked, busy("t1"), vm=vm)
    told = tale.told(BlamedTask())
    assert (why in told[0]) if why else told == []


def test_a_task_that_began_only_afterwards_is_not_to_blame() -> None:
    """Its call left when the refusal was there; one that was under way by then may have begun it."""
    tale = Tale().call((0.0, 0.1), busy("t9"), actor="c2").call((0.5, 0.6), given("t9"))
    assert "only afterwards" in tale.told(BlamedTask())[0]
    beside = Tale().call((0.0, 0.1), busy("t9"), actor="c2").call((0.05, 0.6), given("t9"))
    assert beside.told(BlamedTask()) == []


def test_a_failed_task_may_have_left_its_lock() -> None:
    """Then it is still in the way (table: a lock that nobody holds)."""
    error = {"error": {"fault": {"_typeName": "CustomizationFault"}}}
    tale = Tale().call((0.0, 0.5), given("t1")).task("t1", (1.0, 1.1), "error", **error)
    assert tale.call((5.0, 5.1), busy("t1")).told(BlamedTask()) == []


def test_a_task_is_given_once() -> None:
    """While the first of its name is not over, a second call cannot be given it."""
    tale = Tale().call((0.0, 0.5), given("t1")).call((1.0, 1.1), given("t1"), vm="vm-2", actor="c2")
    assert "was given to operation 1 too" in tale.told(KeptTasks())[0]
    over = Tale().call((0.0, 0.5), given("t1")).task("t1", (0.6, 0.7), "success").call((1.0, 1.1), given("t1"))
    assert over.told(KeptTasks()) == []


@pytest.mark.parametrize(
    ("again", "says"),
    [
        ((2.0, "running", {}), "is running again"),
        ((2.0, "error", {}), "is error now"),
        ((2.0, "success", {}), ""),
        ((0.95, "running", {}), ""),
        ((2.0, "success", {"key": "t7"}), "says that it is t7"),
        ((2.0, "success", {"entity": Ref("VirtualMachine", "vm-9").json()}), "is of vm-9"),
    ],
)
def test_what_a_task_became_it_stays(again: tuple[float, str, dict[str, Any]], says: str) -> None:
    """Whoever reads it; a read that had begun before the one that saw it end may still see it run."""
    start, state, info = again
    tale = Tale().call((0.0, 0.5), given("t1")).task("t1", (0.9, 1.0), "success")
    tale.read(Ref("Task", "t1"), (start, start + 0.2), {"info": {"key": "t1", "state": state, **info}}, "c2")
    told = tale.told(KeptTasks())
    assert (says in told[0]) if says else told == []


def test_a_task_that_never_ends_is_stuck() -> None:
    """It was read running when its time was over; of one that nobody read so long nothing is known."""
    kept = KeptTasks(limit=2.0)
    tale = Tale().call((0.0, 0.5), given("t1")).task("t1", (0.9, 1.0), "running").login("c2", (9.0, 9.1), "k")
    assert tale.told(kept) == []
    assert [each.ref.value for each in kept.open] == ["t1"]
    assert "still running after 3.5 s" in tale.task("t1", (4.0, 4.1), "running").told(KeptTasks(limit=2.0))[0]


def named(name: str, task: str, at: float, *, until: float, vm: str = "vm-1") -> Tale:
    """Begin a tale with a customization that gives a name, and succeeds."""
    return Tale().call((at, at + 0.1), given(task), name=name, vm=vm).task(task, (until, until + 0.1), "success")


def shown(tale: Tale, name: str, at: float, vm: str = "vm-1") -> list[str]:
    """Read a guest's name; gives what that breaks."""
    tale.read(Ref("VirtualMachine", vm), (at, at + 0.1), {"guest.hostName": name})
    return tale.told(GuestNames())


READY = {
    "runtime.powerState": "poweredOn",
    "guest.toolsRunningStatus": "guestToolsRunning",
    "guest.guestOperationsReady": True,
}
OFF = {"runtime.powerState": "poweredOff", "guest.toolsRunningStatus": "guestToolsNotRunning"}


def booted(tale: Tale, name: str, at: float, late: float = 0.0, *, power: str = "PowerOffVM_Task") -> list[str]:
    """Power a guest off and on, and read its name twice; gives what that breaks."""
    vm = Ref("VirtualMachine", "vm-1")
    tale.call((at, at + 0.1), Returned(), method=power)
    tale.read(vm, (at + 0.2, at + 0.3), OFF).read(vm, (at + 0.4, at + 0.5), READY)
    for moment in (at + 0.6 + late, at + 0.7 + 2 * late):
        tale.read(vm, (moment, moment), {**READY, "guest.hostName": name})
    return tale.told(GuestNames(late))


def test_after_a_boot_a_guest_bears_the_name_that_it_was_given_last() -> None:
    """Not the one that it was given before that, which it may bear until then."""
    tale = named("one", "t1", 0.0, until=1.0)
    tale.call((2.0, 2.1), given("t2"), name="two").task("t2", (3.0, 3.1), "success")
    assert shown(tale, "two.example.com", 4.0) == []
    assert shown(tale, "one", 5.0) == []
    assert "gave it the name two, and succeeded" in booted(tale, "one", 6.0)[0]


DOUBTS = [
    lambda tale: tale.call((2.5, 2.6), Returned(), method="AbortCustomization_Task"),
    lambda tale: tale.call((2.0, 2.1), Returned(), method="ResetVM_Task"),
    lambda tale: tale.call((2.5, 2.6), Lost("no reply"), name="three"),
]


@pytest.mark.parametrize("doubt", DOUBTS)
def test_what_makes_a_name_doubtful_even_after_a_boot(doubt: Callable[[Tale], Tale]) -> None:
    """An abort, power that was cut while it was written, a call of which nobody knows the end."""
    tale = Tale().read(Ref("VirtualMachine", "vm-1"), (0.0, 0.1), {"guest.hostName": "old"})
    tale.call((1.0, 1.1), given("t1"), name="new").task("t1", (2.2, 2.3), "success")
    assert booted(doubt(tale), "old", 3.0) == []


def test_after_a_boot_reports_may_be_late() -> None:
    """One read is not enough, and none is before the boot can be known."""
    tale = Tale().read(Ref("VirtualMachine", "vm-1"), (0.0, 0.1), {"guest.hostName": "old"})
    tale.call((1.0, 1.1), given("t1"), name="new").task("t1", (2.0, 2.1), "success")
    tale.call((60.0, 60.1), Returned(), method="ShutdownGuest")
    vm = Ref("VirtualMachine", "vm-1")
    tale.read(vm, (61.0, 61.1), OFF).read(vm, (62.0, 62.1), READY)
    for moment in (63.0, 93.0, 103.0):
        tale.read(vm, (moment, moment + 0.1), {**READY, "guest.hostName": "old"})
    assert tale.told(GuestNames(30.0)) == []
    tale.read(vm, (130.0, 130.1), {**READY, "guest.hostName": "old"})
    assert "it has booted since" in tale.told(GuestNames(30.0))[0]


def test_a_name_that_no_call_gave() -> None:
    """It is a breach only where nobody else changes the VMs, and where none can have waited for a network start."""
    vm = Ref("VirtualMachine", "vm-1")
    tale = Tale().read(vm, (0.0, 0.1), {"guest.hostName": "old"}).read(vm, (1.0, 1.1), {"guest.hostName": "third"})
    assert tale.told(GuestNames()) == []
    assert "no call gave it that name" in tale.told(GuestNames(alone=True))[0]
    tale = (
        Tale()
        .read(vm, (0.0, 0.1), {"guest.hostName": "old"})
        .call((1.0, 1.1), given("t"), method="StartGuestNetwork_Task")
    )
    assert tale.read(vm, (3.0, 3.1), {"guest.hostName": "third"}).told(GuestNames(alone=True)) == []


def test_of_customizations_that_overlapped_either_may_be_the_last() -> None:
    """The second call was made before the first one's end was seen."""
    tale = named("one", "t1", 0.0, until=3.0)
    tale.call((2.0, 2.1), given("t2"), name="two").task("t2", (3.5, 3.6), "success")
    assert shown(tale, "one", 4.0) == []


def test_a_call_that_was_refused_names_nobody() -> None:
    """Its name in the guest is an effect without a call."""
    tale = Tale().call((0.0, 0.1), busy("t0"), name="never")
    assert "was refused" in shown(tale, "never", 1.0)[0]


def test_a_name_that_was_given_to_another_vm() -> None:
    """The customization of one VM wrote into another."""
    tale = named("one", "t1", 0.0, until=1.0)
    tale.read(Ref("VirtualMachine", "vm-2"), (0.0, 0.1), {"guest.hostName": "old"})
    assert "was about vm-1" in shown(tale, "one", 2.0, vm="vm-2")[0]


def test_a_customization_that_left_the_old_name() -> None:
    """It succeeded, nothing that could have undone it is known, and the guest has booted; until then it may."""
    tale = Tale().read(Ref("VirtualMachine", "vm-1"), (0.0, 0.1), {"guest.hostName": "old"})
    tale.call((1.0, 1.1), given("t1"), name="new").task("t1", (2.0, 2.1), "success")
    assert shown(tale, "old", 3.0) == []
    assert "gave it the name new" in booted(tale, "old", 4.0)[0]


def test_an_aborted_customization_leaves_the_guest_undefined() -> None:
    """Then nothing is said about the name."""
    tale = Tale().read(Ref("VirtualMachine", "vm-1"), (0.0, 0.1), {"guest.hostName": "old"})
    tale.call((1.0, 1.1), given("t1"), name="new").task("t1", (2.0, 2.1), "success")
    error = {"error": {"fault": {"_typeName": "RequestCanceled"}}}
    tale.call((2.5, 2.6), given("t2"), name="newer").task("t2", (3.0, 3.1), "error", **error)
    assert shown(tale, "old", 4.0) == []


FACTS = Facts(
    CONTRACT.object,
    MANAGER,
    "8.0.3.0",
    sessions={"c1": "administrator@vsphere.local", "c2": "operator@vsphere.local"},
    privileges={
        "administrator@vsphere.local": {"VirtualMachine.Provisioning.Customize": "held"},
        "operator@vsphere.local": {"VirtualMachine.Provisioning.Customize": "nowhere"},
    },
)


def sessions(tale: Tale) -> list[str]:
    """Let the guarantee of sessions hear a tale."""
    return tale.told(OwnSessions(FACTS, CONTRACT))


def test_a_client_is_shown_its_own_session() -> None:
    """The session of another is a leak; so is another's user name."""
    manager = Ref("SessionManager", "SessionManager")
    tale = Tale().login("c1", (0.0, 0.1), "k1").login("c2", (0.0, 0.1), "k2")
    own = {"currentSession": {"key": "k1", "userName": "VSPHERE.LOCAL\\Administrator"}}
    assert sessions(tale.read(manager, (1.0, 1.1), own)) == []
    other = {"currentSession": {"key": "k2", "userName": "VSPHERE.LOCAL\\Operator"}}
    assert "is shown the session of c2" in sessions(tale.read(manager, (2.0, 2.1), other))[0]
    new = {"currentSession": {"key": "k1", "userName": "VSPHERE.LOCAL\\Operator"}}
    fresh = Tale().login("c1", (0.0, 0.1), "k1").read(manager, (1.0, 1.1), new)
    assert "and is operator@vsphere.local" in sessions(fresh)[0]


def test_two_logins_have_two_keys() -> None:
    """The key of a session that another client has is no key of its own."""
    tale = Tale().login("c1", (0.0, 0.1), "k1").login("c2", (1.0, 1.1), "k1")
    assert "has the key of that of c1" in sessions(tale)[0]


def test_each_client_may_what_its_account_may() -> None:
    """Who has the privilege is not refused, who lacks it is not let through."""
    denied = Faulted(Fault("NoPermission", {}))
    assert sessions(Tale().call((0.0, 0.1), given("t1")).call((0.0, 0.1), denied, actor="c2")) == []
    assert "has the privileges" in sessions(Tale().call((0.0, 0.1), denied))[0]
    assert "is let through" in sessions(Tale().call((0.0, 0.1), given("t1"), actor="c2"))[0]


def test_a_reply_that_breaks_the_wire_contract_breaks_it_here_too() -> None:
    """Each problem of a method is told once."""
    tale = Tale()
    for number in range(2):
        call = Call(MANAGER, CUSTOMIZE, Arguments({"vm": Ref("VirtualMachine", "vm-1").json()}), "c1")
        done = Operation(number + 1, call, 0.0, 0.1, given("t1"), status=200, problems=("returnval: of type Folder",))
        tale.operations.append(done)
    assert tale.told(Replies({CUSTOMIZE})) == ["returnval: of type Folder"]


def test_a_secret_in_replies_is_a_finding_for_each_method() -> None:
    """Two methods that show it are two deviations, whatever the guarantee is called."""
    tale, leak = Tale(), ("secret: the reply repeats guest.nobody",)
    for number, method in enumerate([CUSTOMIZE, "StartGuestNetwork_Task", CUSTOMIZE]):
        call = Call(MANAGER, method, Arguments({"vm": Ref("VirtualMachine", "vm-1").json()}), "c1")
        at = (float(number), number + 0.5)
        refused = Faulted(Fault("InvalidGuestLogin"))
        tale.operations.append(Operation(number + 1, call, *at, refused, status=500, problems=leak, purpose="judge"))
    found = judge_concurrent(tale.operations, Facts(MANAGER.type, MANAGER, "8.0.3.0"), CONTRACT)
    leaks = [each.method for each in found.findings if each.row.endswith("/replies")]
    assert sorted(leaks) == [CUSTOMIZE, "StartGuestNetwork_Task"]


def test_a_task_of_a_vm_that_was_read_frozen_is_not_stuck() -> None:
    """Its guest executes nothing, so no end is due (oracle row T5)."""
    for frozen, stuck in ((True, 0), (False, 1)):
        tale = Tale().call((0.0, 0.1), given("t1")).task("t1", (50.0, 50.1), "running")
        tale.read(Ref("VirtualMachine", "vm-1"), (51.0, 51.1), {"runtime.instantCloneFrozen": frozen})
        assert len(tale.told(KeptTasks(10.0))) == stuck
