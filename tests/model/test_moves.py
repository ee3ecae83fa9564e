"""The catalogue of moves: it has every change that a contract speaks of, and nobody else says what it says."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import get_args

import pytest
from msgspec.structs import replace
from pyVmomi import VmomiSupport

from tests.running_half import PACKAGE, running_files
from vcontract._client.guard import ENDS, HARMLESS
from vcontract._config.config import PERMISSIONS, LeverLine
from vcontract._contract import load, names
from vcontract._model import State, settle
from vcontract._model.conditions import CONDITIONS
from vcontract._model.conditions.midtask import MID_TASK
from vcontract._model.moves import BY_METHOD, DISTURBANCES, LEVERS, MOVES, On, pulled
from vcontract._model.state import CUSTOMIZE

SPELLED = {
    ("_stress/mix.py", "PowerOffVM_Task"): "a Literal, by which the file of weights is checked",
    ("_stress/mix.py", "ResetVM_Task"): "a Literal, by which the file of weights is checked",
    (
        "_run/own_server/adopting.py",
        "ReconfigVM_Task",
    ): "marks are set by hand, before any run; no state of the model changes",
}
"""Where the running half may spell a method of the catalogue, and why."""
BY_PAGE = {"destroy", "migrate", "changeAccount", "reconfigure", "logIn", "logOut", *LEVERS}
"""Moves whose privileges the metadata does not tell, or tells with a system privilege that everybody has."""
WITHOUT_METADATA = {"SetEntityPermissions"}


def vendor_privileges() -> dict[str, str]:
    """Give the privilege of each method, as the vendor's metadata has it."""
    found: dict[str, str] = {}
    for definition in VmomiSupport._managedDefMap.values():
        for method in definition[5] or ():
            found[method[1]] = next((str(text) for text in method[3:] if isinstance(text, str) and "." in text), "")
    return found


def test_every_mid_task_name_of_a_contract_has_a_move() -> None:
    """What a contract says may happen while a task runs, some move brings about."""
    spoken = {
        condition.removeprefix("mid.")
        for name in names()
        for situation in load(name).situations
        for condition in situation.when
        if condition.startswith("mid.")
    }
    assert spoken
    assert spoken <= {what for move in MOVES.values() for what in move.mid}
    assert spoken <= set(MID_TASK)


@pytest.mark.parametrize("name", DISTURBANCES)
def test_a_disturbance_makes_its_condition_true(name: str) -> None:
    """The condition exists, and it is the one of what the move adds to the state of the tasks that run."""
    move = DISTURBANCES[name]
    assert move.happens in CONDITIONS
    assert move.mid
    assert move.happens == "engine.unusable" or move.happens.removeprefix("mid.") in move.mid
    assert move.made(State(running=CUSTOMIZE)) or move.on is On.SESSION


@pytest.mark.parametrize("name", MOVES)
def test_what_a_move_needs_is_known(name: str) -> None:
    """Its permission is one that an operator gives, its privilege has a name, and what undoes it is a move."""
    move = MOVES[name]
    assert move.needs in {"", *PERMISSIONS}
    assert move.undone_by in {"", *MOVES}
    assert all("." in privilege for privilege in move.privileges)
    assert move.needs == BY_METHOD[move.method].needs


def test_privileges_are_those_of_the_vendor() -> None:
    """Of every method that the vendor's metadata gives one; the others are named here."""
    vendor = vendor_privileges()
    assert {move.method for move in MOVES.values()} - set(vendor) <= WITHOUT_METADATA
    told = {move.name: (vendor[move.method],) for move in MOVES.values() if move.name not in BY_PAGE}
    assert told == {move.name: move.privileges or ("",) for move in MOVES.values() if move.name not in BY_PAGE}


def test_levers_are_those_that_a_configuration_may_give() -> None:
    """The file's schema spells them; the catalogue has the same ones."""
    annotation = LeverLine.__annotations__["does"]
    hint = eval(annotation, vars(__import__("vcontract._config.config", fromlist=["LeverLine"])))  # noqa: S307 - our own text
    assert set(get_args(get_args(hint)[0])) == set(LEVERS)


def test_the_guard_knows_what_ends_a_vm_and_what_disturbs_nothing() -> None:
    """The guard stands behind a wall, so it says this itself."""
    assert {move.method for move in MOVES.values() if move.ends_vm} == ENDS
    assert {move.method for move in MOVES.values() if move.method in HARMLESS} == {"Login", "Logout"}


@pytest.mark.parametrize("name", MOVES)
def test_what_follows_is_a_state(name: str) -> None:
    """From a ready VM, and from one without Tools, every move leads to a state that settles, and Tools do not appear."""
    move = MOVES[name]
    for state in (State(), State(tools="never"), State(running=CUSTOMIZE)):
        after = settle(move.follows(state))
        assert settle(after) == after
        assert (after.tools == "never") == (state.tools == "never" and after.exists) or not after.exists


def test_a_crash_of_the_engine_leaves_the_lock_of_a_customization() -> None:
    """If one runs; where nobody knows whether one does, both are possible."""
    crash = MOVES["crashEngine"]
    assert crash.follows(State(running=CUSTOMIZE)) == State(orphaned=True)
    assert crash.follows(State()) == State()
    assert pulled(State(), "crashEngine") == {State(), State(orphaned=True)}
    assert pulled(State(tools="ready"), "stopTools") == {State()}
    assert pulled(State(), "removeEngine") == {replace(State(), engine="absent")}
    assert pulled(State(), "") == {State()}


def spelled(tree: ast.AST, methods: frozenset[str]) -> Iterator[str]:
    """Give the methods of the catalogue that a file spells, but in texts that are longer than a name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and node.value in methods:
            yield str(node.value)


def test_nobody_else_spells_the_catalogue() -> None:
    """In the running half methods are looked up by their move; each exception has its reason."""
    methods = frozenset(move.method for move in MOVES.values())
    found = {
        (str(file.relative_to(PACKAGE)), method)
        for file in running_files()
        for method in spelled(ast.parse(file.read_text("utf-8")), methods)
    }
    assert found == set(SPELLED)
