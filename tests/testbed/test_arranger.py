"""Which calls bring a VM into which state, in which order, and what is done where they are refused."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from tests.testbed.fake_driver import FakeDriver, lane_of, vm_facts
from vcontract._model import Asked, Cell, State
from vcontract._model.state import CUSTOMIZE, EXCLUSIVE, OFF, ON, SUSPENDED
from vcontract._terms import Ref
from vcontract._testbed import NotArrangedError, RefusedError
from vcontract._testbed.quarantine import FAILURES

METHOD = "CustomizeGuest_Task"
VM = Ref("VirtualMachine", "one")


def cell(**state: Any) -> Cell:
    """Give a cell whose state differs from that of a ready VM so."""
    return Cell("cell", METHOD, (), State(**state), Asked(METHOD))


@pytest.mark.parametrize(
    ("state", "calls"),
    [
        ({}, []),
        ({"power": OFF, "tools": "stopped"}, ["PowerOffVM_Task one"]),
        ({"power": SUSPENDED, "tools": "stopped"}, ["SuspendVM_Task one"]),
        ({"tools": "stopped"}, ["stopTools one"]),
        ({"orphaned": True}, ["orphanLock one"]),
        ({"engine": "absent"}, ["removeEngine one"]),
        ({"engine": "absent", "orphaned": True}, ["removeEngine one", "orphanLock one"]),
        ({"orphaned": True, "power": OFF, "tools": "stopped"}, ["orphanLock one", "PowerOffVM_Task one"]),
        ({"pending": True, "power": OFF, "tools": "stopped"}, ["PowerOffVM_Task one", "CustomizeVM_Task one"]),
        ({"connection": "disconnected"}, ["DisconnectHost_Task host-of-one"]),
        ({"running": CUSTOMIZE}, ["CustomizeGuest_Task one"]),
        ({"running": EXCLUSIVE}, ["CreateSnapshot_Task one"]),
        ({"guest": "undefined"}, ["CustomizeGuest_Task one", "AbortCustomization_Task one"]),
    ],
)
def test_a_ready_vm_is_brought_into_a_state(state: dict[str, Any], calls: list[str]) -> None:
    """Guest before power, engine before lock, and work that must run comes last."""
    driver = FakeDriver(vm_facts("one"))
    assert lane_of(driver, "host-of-one").arranger.bring(cell(**state)) == VM
    assert driver.calls == calls


@pytest.mark.parametrize(
    ("found", "wanted", "calls"),
    [
        ({"power": OFF, "tools": "stopped"}, {}, ["PowerOnVM_Task one"]),
        (
            {"power": OFF, "tools": "stopped"},
            {"power": SUSPENDED, "tools": "stopped"},
            ["PowerOnVM_Task one", "SuspendVM_Task one"],
        ),
        (
            {"power": SUSPENDED, "tools": "stopped"},
            {"power": OFF, "tools": "stopped"},
            ["PowerOnVM_Task one", "PowerOffVM_Task one"],
        ),
        (
            {"template": True, "power": OFF, "tools": "stopped"},
            {},
            ["MarkAsVirtualMachine one", "PowerOnVM_Task one"],
        ),
        ({"engine": "absent"}, {}, ["restoreEngine one"]),
        ({"orphaned": True}, {}, ["AbortCustomization_Task one"]),
        ({"connection": "disconnected"}, {}, ["ReconnectHost_Task host-of-one"]),
    ],
)
def test_a_vm_is_brought_back_from_where_it_was(
    found: dict[str, Any], wanted: dict[str, Any], calls: list[str]
) -> None:
    """What stands in the way goes first: a template, a suspension, a lost host, a lock that is held."""
    driver = FakeDriver(vm_facts("one"))
    driver.tracker.change("one", found)
    driver.tracker.was_template["one"] = False
    lane_of(driver, "host-of-one").arranger.bring(cell(**wanted))
    assert driver.calls == calls


def test_what_still_runs_is_waited_for_before_anything_else() -> None:
    """The task that a cell left is followed to its end before the next state is arranged."""
    driver = FakeDriver(vm_facts("one"))
    arranger = lane_of(driver).arranger
    arranger.bring(cell(running=EXCLUSIVE))
    driver.log.clear()
    arranger.bring(cell(power=OFF, tools="stopped"))
    assert driver.log[0] == "follow task-1"
    assert driver.calls[-1] == "PowerOffVM_Task one"


def test_a_vm_that_was_left_as_wanted_is_not_arranged_again() -> None:
    """Only if it was left so by the last step, and only once: whoever brings the next VM must say so anew."""
    driver = FakeDriver(vm_facts("one"))
    arranger = lane_of(driver).arranger
    arranger.bring(cell(power=OFF, tools="stopped"))
    arranger.leave(VM)
    driver.log.clear()
    assert arranger.bring(cell(power=OFF, tools="stopped")) == VM
    assert driver.log == []
    arranger.bring(cell(power=OFF, tools="stopped"))
    assert driver.log != []
    assert arranger.arranged == 2


def test_a_refusal_is_no_state() -> None:
    """The error says what the target refuses, and that it was refused."""
    driver = FakeDriver(vm_facts("one"), refused={"PowerOffVM_Task"})
    with pytest.raises(RefusedError, match="the target refuses PowerOffVM_Task"):
        lane_of(driver).arranger.bring(cell(power=OFF, tools="stopped"))


def test_what_the_operator_does_not_allow_is_not_called() -> None:
    """Without power a VM serves only for the state in which it was found."""
    driver = FakeDriver(vm_facts("one"), allow=["tools"])
    with pytest.raises(NotArrangedError, match="power is not allowed"):
        lane_of(driver).arranger.bring(cell(power=OFF, tools="stopped"))
    assert driver.calls == []


def test_without_a_lever_a_state_is_not_arranged() -> None:
    """The reason names the lever."""
    driver = FakeDriver(vm_facts("one"), levers=False)
    with pytest.raises(NotArrangedError, match="no lever stopTools"):
        lane_of(driver).arranger.bring(cell(tools="stopped"))
    assert lane_of(driver).unreachable(cell(tools="stopped")) == "the configuration gives no lever stopTools"


def test_a_vm_in_quarantine_is_left_alone() -> None:
    """Another one is taken, and if there is none nothing is arranged."""
    driver = FakeDriver(vm_facts("one"), vm_facts("two"))
    arranger = lane_of(driver).arranger
    driver.quarantine.stuck_task("one", "one", "its task did not end")
    assert arranger.bring(cell(power=OFF, tools="stopped")) == Ref("VirtualMachine", "two")
    assert driver.calls == ["PowerOffVM_Task two"]
    driver.quarantine.stuck_task("two", "two", "its task did not end")
    with pytest.raises(NotArrangedError, match="no marked VM fits"):
        arranger.bring(cell())
    assert driver.calls == ["PowerOffVM_Task two"]


def test_a_vm_beyond_use_goes_into_quarantine() -> None:
    """After some failures in a row it is tried whether it can be made ready; if not, it is chosen no more."""
    driver = FakeDriver(vm_facts("one"), refused={"PowerOnVM_Task"})
    driver.tracker.change("one", {"power": OFF, "tools": "stopped"})
    arranger = lane_of(driver).arranger
    for _ in range(FAILURES):
        assert driver.quarantine.chosen("one")
        with pytest.raises(NotArrangedError):
            arranger.bring(cell())
    assert not driver.quarantine.chosen("one")
    assert driver.quarantine.notes() == ["one is set aside: the target refuses PowerOnVM_Task"]


def test_one_vm_that_is_gone_serves_for_all_cells_that_need_one() -> None:
    """A clone is made and destroyed for the first, and no other VM is touched."""
    driver = FakeDriver(vm_facts("one"))
    arranger = lane_of(driver).arranger
    gone = arranger.bring(cell(exists=False))
    assert (
        driver.calls == ["InstantClone_Task one", f"PowerOffVM_Task {gone.value}", f"Destroy_Task {gone.value}"]
        if gone
        else False
    )
    assert arranger.bring(cell(exists=False)) == gone
    assert len(driver.calls) == 3


def test_restoring_puts_every_vm_back_and_destroys_the_clones() -> None:
    """Power as it was found, the engine whole; a lock is freed by a call that is not judged."""
    driver = FakeDriver(vm_facts("one"), vm_facts("two"))
    lane = lane_of(driver)
    for vm in driver.facts.vms.values():
        driver.now(vm)
    made = lane.arranger.clone(driver.facts.vms["two"])
    lane.arranger.bring(cell(orphaned=True))
    driver.calls.clear()
    assert lane.restorer.restore() == []
    assert driver.calls == [
        "(AbortCustomization_Task one)",
        f"PowerOffVM_Task {made.name}",
        f"Destroy_Task {made.name}",
    ]
    assert lane.cloner.clones == []
    assert driver.tracker.known["one"] == State()


def test_what_cannot_be_restored_is_told() -> None:
    """VMs that fail for one reason are named together, the others are restored."""
    driver = FakeDriver(vm_facts("one"), vm_facts("two"), vm_facts("three"))
    lane = lane_of(driver)
    for vm in driver.facts.vms.values():
        driver.now(vm)
    for name in ("one", "two"):
        driver.tracker.change(name, {"power": OFF, "tools": "stopped"})
    driver.refused.add("PowerOnVM_Task")
    assert lane.restorer.restore() == ["one, two: the target refuses PowerOnVM_Task"]


def test_what_was_seen_to_change_is_not_waited_for() -> None:
    """Reports that cannot be older than the last change are believed at once, however late reports may be."""
    driver = FakeDriver(vm_facts("one"))
    driver.tracker.facts = replace(driver.facts, staleness=180.0, runtime_staleness=10.0)
    lane_of(driver).arranger.bring(cell(power=OFF, tools="stopped"))
    assert driver.time == 0.0


def test_what_may_be_an_old_report_is_waited_for() -> None:
    """No longer than until it cannot be one, and less long if it is seen to change meanwhile."""
    driver = FakeDriver(vm_facts("one"))
    driver.tracker.facts = replace(driver.facts, staleness=180.0, runtime_staleness=10.0)
    driver.tracker.late["one"] = 20.0
    arranger = lane_of(driver).arranger
    arranger.bring(cell())
    assert driver.time == 20.0
    driver.tracker.late["one"] = 200.0
    driver.meanwhile += [lambda: None, driver.tracker.late.clear]
    arranger.bring(cell())
    assert driver.time == 22.0
    driver.tracker.late["one"] = float("inf")  # it changes again and again
    arranger.bring(cell())
    assert driver.time < 22.0 + 5 * 180.0


def test_tools_that_only_seemed_up_are_waited_for_again() -> None:
    """What was reported was the time before the boot: the VM is made ready once more."""
    driver = FakeDriver(vm_facts("one"))
    driver.tracker.facts = replace(driver.facts, staleness=180.0)
    driver.tracker.late["one"] = 5.0
    driver.meanwhile.append(lambda: driver.tracker.change("one", {"tools": "stopped"}))
    assert lane_of(driver).arranger.bring(cell()) == VM
    assert driver.calls == ["ResetVM_Task one"]
    assert driver.tracker.known["one"] == State()


def test_a_vm_that_stands_as_wanted_is_arranged_if_that_was_an_old_report() -> None:
    """A step that left a VM as wanted may have been told of the time before it."""
    driver = FakeDriver(vm_facts("one"))
    driver.tracker.facts = replace(driver.facts, runtime_staleness=10.0)
    driver.tracker.change("one", {"power": OFF, "tools": "stopped"})
    arranger = lane_of(driver).arranger
    arranger.leave(VM)
    driver.tracker.late["one"] = 3.0
    driver.meanwhile.append(lambda: driver.tracker.change("one", {"power": ON, "tools": "ready"}))
    arranger.bring(cell(power=OFF, tools="stopped"))
    assert driver.calls == ["PowerOffVM_Task one"]
