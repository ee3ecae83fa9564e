"""Programs are walks through the model: repeatable, possible, and drawn to what was seen least."""

from __future__ import annotations

from collections import Counter

import pytest

from vcontract._contract import Contract, load
from vcontract._model import Asked, State, cell
from vcontract._strategies.changes import CAST, LEVERS, ON_HOST, ModelVm
from vcontract._strategies.programs import (
    INPUTS,
    LENGTH,
    SNAPSHOT,
    Move,
    Offer,
    Program,
    Seen,
    Walk,
    inputs,
    programs,
    visits,
)

MANAGER = "VirtualMachineGuestCustomizationManager"
METHODS = ("CustomizeGuest_Task", "StartGuestNetwork_Task", "AbortCustomization_Task")
ALL = {each: inputs(load(MANAGER), each) for each in METHODS}
GROUND = Offer(tuple(CAST), frozenset(LEVERS), ALL)


@pytest.fixture(scope="module")
def contract() -> Contract:
    """Give the shipped contract."""
    return load(MANAGER)


def drawn(contract: Contract, offer: Offer = GROUND, seed: int = 1, count: int = 6) -> list[Program]:
    """Draw some programs."""
    return list(programs(contract, offer, Seen(), seed, count))


def test_the_same_seed_draws_the_same_programs(contract: Contract) -> None:
    """However many are wanted, and another seed draws others."""
    assert drawn(contract) == drawn(contract)
    assert drawn(contract, count=2) == drawn(contract)[:2]
    assert drawn(contract, seed=2) != drawn(contract)
    assert len(set(drawn(contract))) == 6


def test_a_program_is_long_and_has_everything_in_it(contract: Contract) -> None:
    """Every kind of move, every method and input, on several VMs, beside running work and not."""
    found = drawn(contract, count=40)
    moves = [move for each in found for move in each.moves]
    assert all(len(each.moves) in {LENGTH - 1, LENGTH} for each in found)
    assert {kind for each in found for kind in each.cast} == set(CAST)
    assert {move.do for move in moves} >= {
        "call",
        "begin",
        "end",
        "cancel",
        "logIn",
        "logOut",
        "snapshot",
        "revert",
        *LEVERS,
    }
    assert {move.do for move in moves if move.beside} >= {
        "call", "powerOff", "suspend", "reset", "stopTools", "crashEngine", "hostLost", "destroy", "fork", "logOut",
    }  # fmt: skip
    calls = {(move.method, move.input) for move in moves if move.do == "call"}
    assert {name for _, name in calls} == {
        "valid",
        "otherSession",
        "openSession",
        "endedSession",
        *(each for names in ALL.values() for each in names),
    }
    assert {method for method, _ in calls} == set(METHODS)
    assert max(move.vm for move in moves) == 4


def power_after(power: str, move: Move) -> str:
    """Follow the power of a VM by the names of its moves alone."""
    allowed = {
        "powerOff": {"on"},
        "suspend": {"on"},
        "reset": {"on"},
        "resetHastily": {"on"},
        "powerOn": {"off", "suspended"},
    }
    if move.do in allowed:
        assert power in allowed[move.do], (move, power)
    return {"powerOff": "off", "suspend": "suspended", "powerOn": "on"}.get(move.do, power)


def test_a_program_never_asks_for_what_cannot_be(contract: Contract) -> None:
    """No power off of what is off, no lever without Tools, no end of what did not begin, nothing done to what is gone."""
    for program in drawn(contract, count=20):
        powers, kept, gone, running = {0: "on", 1: "on", 2: "on"}, {0: "", 1: "", 2: ""}, set(), 0
        for move in program.moves:
            assert move.vm in powers
            assert move.do in {"call", "end", "logIn", "logOut"} or move.vm not in gone, move
            assert move.do not in LEVERS or (move.ready and powers[move.vm] == "on"), move
            assert (move.do == "end") <= (running > 0)
            assert move.beside == (running > 0 and move.do != "end")
            running = 0 if move.do == "end" else running + (move.do == "begin")
            if move.do == "snapshot" or move.method == SNAPSHOT:
                kept[move.vm] = powers[move.vm]
            elif move.do == "revert":
                powers[move.vm] = kept[move.vm]
            elif move.do == "destroy":
                gone.add(move.vm)
            elif move.do == "fork":
                powers[len(powers)], kept[len(powers) - 1] = "on", ""
            powers[move.vm] = power_after(powers[move.vm], move)
        assert running == 0


@pytest.mark.parametrize(
    ("offer", "never"),
    [
        (Offer(("plain",), frozenset(), {METHODS[1]: ("loginRejected",)}), {*LEVERS, "hostLost", "hostBack"}),
        (Offer(("plain", ON_HOST), frozenset({"stopTools"}), dict.fromkeys(METHODS, ())), {*LEVERS} - {"stopTools"}),
    ],
)
def test_a_target_is_asked_only_for_what_it_offers(offer: Offer, never: set[str], contract: Contract) -> None:
    """No lever that it lacks, no host that may not be lost, no input that cannot be made, no method that was not chosen."""
    moves = [move for each in drawn(contract, offer) for move in each.moves]
    assert not {move.do for move in moves} & never
    assert {move.method for move in moves if move.do == "call" and not move.beside} == set(offer.inputs)
    assert {move.input for move in moves} & INPUTS == {each for names in offer.inputs.values() for each in names}


def test_what_was_seen_often_is_drawn_less(contract: Contract) -> None:
    """A start of the network by a user who may not gives way to the same of an abort, once it was seen ten times."""
    walk = Walk(contract, GROUND, visits([(State(), Asked(METHODS[1]), ("loginMayNot",))] * 10))
    walk.vms = [ModelVm(State(), "plain")]
    weights = walk._weighed(walk._calls(0))
    often, never = (weights[Move("call", 0, method, "loginMayNot")] for method in METHODS[1:])
    assert 0 < 2 * often < never


def test_programs_count_what_they_visit(contract: Contract) -> None:
    """The next one is drawn away from what those before it visit."""
    seen = Seen()
    made = list(programs(contract, GROUND, seen, 1, 3))
    assert sum(seen.cells.values()) == sum(move.do != "end" for each in made for move in each.moves)
    assert seen.cells["", METHODS[0], "valid"] > 0


def test_cells_of_the_plan_are_counted_by_their_state_and_input() -> None:
    """A pair of deviations of the state and one of the call."""
    made = cell(METHODS[0], ["toolsStopped", "loginRejected"])
    assert visits([(made.state, made.asked, made.deviations)]).cells == Counter(
        {("toolsStopped", METHODS[0], "loginRejected"): 1}
    )
