"""`step`: one call from one state to every permitted branch."""

from __future__ import annotations

from msgspec.structs import replace

from vcontract._contract import OK, Contract
from vcontract._model import Asked, State, cells, expect, step
from vcontract._model.state import possible

C, N, A = "CustomizeGuest_Task", "StartGuestNetwork_Task", "AbortCustomization_Task"


def after(state: State, method: str, contract: Contract, outcome: str = OK, channel: str = "task") -> set[State]:
    """List the states that a valid call may lead to through one outcome and channel."""
    return {
        each.after
        for each in step(state, Asked(method), contract)
        if (each.outcome, each.channel) == (outcome, channel)
    }


def test_branches_and_expectation_name_the_same_outcomes(contract: Contract) -> None:
    """In every cell each permitted outcome has a branch, each branch is permitted, and no branch ends where none can be."""
    for cell in cells(contract):
        found = step(cell.state, cell.asked, contract)
        allowed = expect([cell.state], cell.asked, contract).allowed
        assert {each.outcome for each in found} == set(allowed), cell.id
        for each in found:
            assert possible(each.after), (cell.id, each)
            assert each.channel == "call" or not allowed[each.outcome].synchronous, (cell.id, each)


def test_success_comes_through_the_task_alone(contract: Contract) -> None:
    """Acceptance is not success: OK is a task's end."""
    for cell in cells(contract, 1):
        assert {each.channel for each in step(cell.state, cell.asked, contract) if each.outcome == OK} <= {"task"}


def test_a_fault_of_the_call_changes_nothing(contract: Contract) -> None:
    """F1: after a synchronous fault the state is the one before."""
    for cell in cells(contract):
        for each in step(cell.state, cell.asked, contract):
            assert each.channel != "call" or each.after == cell.state, (cell.id, each)


def test_a_successful_customization_frees_the_lock_and_sets_the_guest(contract: Contract) -> None:
    """F2: lock free, guest as the specification says, nothing running that it had to wait for."""
    for state in (State(), State(orphaned=True), State(guest="undefined"), State(running="customize")):
        for end in after(state, C, contract):
            assert (end.orphaned, end.guest, end.running, end.power) == (False, "spec", "", "poweredOn")


def test_a_failed_customization_may_leave_the_lock_and_an_undefined_guest(contract: Contract) -> None:
    """F3: the lock free or orphaned, the guest as before or undefined, in every combination; never customized."""
    ends = after(State(engine="broken"), C, contract, "CustomizationFault")
    assert {(each.orphaned, each.guest) for each in ends} == {
        (held, guest) for held in (False, True) for guest in ("before", "undefined")
    }
    held = State(running="customize", guest="spec")
    assert after(held, C, contract, "TaskInProgress") == {held}


def test_a_successful_abort_frees_the_lock_and_ends_the_customization(contract: Contract) -> None:
    """F4: lock free and the cut customization over, its guest undefined; the next valid customization must succeed."""
    cut = after(State(running="customize"), A, contract)
    assert cut == {State(guest="undefined")}
    assert after(State(orphaned=True), A, contract) == {State()}
    for state in (*cut, State()):
        assert set(expect([state], Asked(C), contract).allowed) == {OK}


def test_a_network_start_changes_nothing_else(contract: Contract) -> None:
    """F6: the network is up; lock, guest and what runs are as before."""
    for state in (State(), State(orphaned=True), State(running="customize"), State(engine="absent", guest="undefined")):
        assert after(state, N, contract) == {replace(state, network="up")}


def test_a_failed_network_start_may_leave_its_lock(contract: Contract) -> None:
    """F3: it holds the lock too, unless its login or its user was refused; the guest stays as it was."""
    state = State(engine="broken", guest="spec")
    assert after(state, N, contract, "CustomizationFault") == {state, replace(state, orphaned=True)}
    for login, fault in (("rejected", "InvalidGuestLogin"), ("mayNot", "GuestPermissionDenied")):
        found = step(state, Asked(N, login=login), contract)
        assert {each.after for each in found if each.outcome == fault} == {state}


def test_a_failed_abort_changes_nothing(contract: Contract) -> None:
    """It holds no lock that it could leave."""
    state = State(engine="broken", guest="spec")
    assert after(state, A, contract, "CustomizationFault") == {state}


def test_what_began_in_mid_task_ends_the_task_and_not_the_call(contract: Contract) -> None:
    """M lines use the task's channel, and success stays possible."""
    state = State(mid=frozenset({"power", "off"}))
    found = step(state, Asked(C), contract)
    assert {each.channel for each in found} == {"task"}
    assert {OK, "InvalidPowerState", "CustomizationFault"} <= {each.outcome for each in found}
    assert all(not each.after.mid for each in found)
