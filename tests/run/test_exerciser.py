"""What the exerciser calls and reads for a step, and in which order; how it leaves the VM for the next one."""

from __future__ import annotations

from typing import Any, cast

import pytest

from tests.testbed.fake_driver import FakeDriver, lane_of, vm_facts
from vcontract._model import Asked, Cell, State
from vcontract._model.state import EXCLUSIVE, OFF
from vcontract._run.exerciser import Exerciser
from vcontract._terms import Operation
from vcontract._testbed import NotArrangedError

METHOD = "CustomizeGuest_Task"
JUDGED = f"{METHOD} one"


def cell(**state: Any) -> Cell:
    """Give a cell whose state differs from that of a ready VM so."""
    return Cell("cell", METHOD, (), State(**state), Asked(METHOD))


def exerciser_of(driver: FakeDriver) -> Exerciser:
    """Make an exerciser that is driven by a fake."""
    return Exerciser(lane_of(driver, "host-of-one"))


def test_a_cell_is_arranged_called_and_followed_to_its_end() -> None:
    """The VM is arranged and read, the call made, its task followed, the VM read again."""
    driver = FakeDriver(vm_facts("one"))
    exerciser = exerciser_of(driver)
    exerciser.exercise(cell(power=OFF, tools="stopped"), "label")
    assert driver.cells == [("label", "")]
    assert driver.calls == ["PowerOffVM_Task one", JUDGED]
    made = driver.log.index(JUDGED)
    assert driver.log[made - 1] == "look one"
    assert driver.log[made + 1 :] == ["follow task-1", "look one"]
    assert exerciser.arrangements == 1


def test_the_next_cell_in_the_same_state_is_not_arranged() -> None:
    """Two calls in one state take one arrangement, and no read between them that would tell nothing new."""
    driver = FakeDriver(vm_facts("one"))
    exerciser = exerciser_of(driver)
    for label in ("first", "second"):
        exerciser.exercise(cell(power=OFF, tools="stopped"), label)
    assert driver.calls == ["PowerOffVM_Task one", JUDGED, JUDGED]
    assert driver.log[driver.log.index(JUDGED) :] == [
        JUDGED,
        "follow task-1",
        "look one",
        JUDGED,
        "follow task-2",
        "look one",
    ]
    assert exerciser.arrangements == 1


def test_a_call_beside_work_stands_between_two_reads_of_it() -> None:
    """What runs is read before and after the call (oracle rule A8), and both tasks are followed."""
    driver = FakeDriver(vm_facts("one"))
    exerciser_of(driver).exercise(cell(running=EXCLUSIVE), "label")
    made = driver.log.index(JUDGED)
    assert driver.log[made - 1] == "read task-1"
    assert driver.log[made + 1 :] == ["read task-1", "follow task-2", "follow task-1", "look one"]


def test_work_is_kept_for_the_next_cell_if_the_call_was_refused() -> None:
    """Both cells are of one block; at rest the work is seen to its end."""
    driver = FakeDriver(vm_facts("one"), refused={METHOD})
    exerciser = exerciser_of(driver)
    exerciser.exercise(cell(running=EXCLUSIVE), "first", keep=True)
    exerciser.exercise(cell(running=EXCLUSIVE), "second", keep=True)
    assert driver.cells == [("first", "first"), ("second", "first")]
    assert driver.calls == ["CreateSnapshot_Task one", JUDGED, JUDGED]
    assert exerciser.shared is not None
    exerciser.rest()
    assert exerciser.shared is None
    assert driver.log[-2:] == ["follow task-1", "look one"]


def test_a_state_that_cannot_be_arranged_is_no_call() -> None:
    """NotArrangedError says why, and the method under test is not called."""
    driver = FakeDriver(vm_facts("one"), refused={"PowerOffVM_Task"})
    with pytest.raises(NotArrangedError, match="the target refuses PowerOffVM_Task"):
        exerciser_of(driver).exercise(cell(power=OFF, tools="stopped"), "label")
    assert driver.calls == ["PowerOffVM_Task one"]


def test_a_vm_in_quarantine_is_left_alone() -> None:
    """It is neither read nor called about, and at the end its tasks are not waited for."""
    driver = FakeDriver(vm_facts("one"))
    exerciser = exerciser_of(driver)
    exerciser.lane.guest.begin(driver.facts.vms["one"].ref, "customize")
    driver.quarantine.stuck_task("one", "one", "its task did not end")
    driver.log.clear()
    with pytest.raises(NotArrangedError, match="no marked VM fits"):
        exerciser.exercise(cell(), "label")
    exerciser.end()
    assert driver.log == []


def test_at_the_end_every_task_is_followed() -> None:
    """Also one that a step began which was cut in the middle."""
    driver = FakeDriver(vm_facts("one"))
    exerciser = exerciser_of(driver)
    exerciser.lane.guest.begin(driver.facts.vms["one"].ref, "customize")
    exerciser.end()
    assert driver.log[-1] == "follow task-1"


@pytest.mark.parametrize(
    ("what", "calls"),
    [
        ("midPowerOff", ["PowerOffVM_Task one"]),
        ("midReset", ["ResetVM_Task one"]),
        ("midToolsStop", ["stopTools one"]),
        ("midHostLost", ["DisconnectHost_Task host-of-one", "ReconnectHost_Task host-of-one"]),
    ],
)
def test_a_disturbance_comes_while_the_task_runs(what: str, calls: list[str]) -> None:
    """The task is seen running first, and followed afterwards; what was taken away is given back."""
    driver = FakeDriver(vm_facts("one"))
    exerciser_of(driver).disturbed(METHOD, what, "label")
    assert driver.calls == [JUDGED, *calls]
    running, followed = driver.log.index("read task-1"), driver.log.index("follow task-1")
    assert running < driver.log.index(calls[0]) < followed


def test_a_disturbance_that_is_refused_ends_nothing() -> None:
    """The VM is read, as nothing happened in mid-task, and the task is followed."""
    driver = FakeDriver(vm_facts("one"), refused={"ResetVM_Task"})
    exerciser_of(driver).disturbed(METHOD, "midReset", "label")
    assert driver.log[-4:] == ["ResetVM_Task one", "look one", "follow task-1", "look one"]


def test_a_customization_that_may_be_refused_once_is_made_once_more() -> None:
    """The very same call on the same VM, seen through to its end; what the judge does not ask for is not made."""
    driver = FakeDriver(vm_facts("one"))
    asked: list[Operation | None] = []

    class Once:
        """A judge that wants the first call once more."""

        doubtful, waiting, in_vain = staticmethod(lambda: False), staticmethod(lambda: False), False

        @property
        def to_repeat(self) -> Operation | None:
            """Give the call that was made last, the first time."""
            made = next(each for each in reversed(driver.recorder.operations) if each.purpose == "judge")
            asked.append(None if asked else made)
            return asked[-1]

    driver.judge = cast("Any", Once())
    exerciser_of(driver).exercise(cell(), "label")
    assert driver.calls == [JUDGED, JUDGED]
    assert len(asked) == 1
    first, second = [each for each in driver.recorder.operations if each.purpose == "judge"]
    assert first.call == second.call
    assert driver.log[-2:] == ["follow task-2", "look one"]
