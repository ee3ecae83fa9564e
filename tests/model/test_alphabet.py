"""The machine of an alphabet says what the contract permits of calls and moves, one after the other."""

from __future__ import annotations

import pytest

from vcontract._contract import Contract
from vcontract._errors import UsageError
from vcontract._model.alphabet import DONE, Spoken, alphabet, answer, spoken
from vcontract._model.suite import told_apart

CUSTOMIZE = "CustomizeGuest_Task:valid"


def _spoken(contract: Contract, *names: str, methods: tuple[str, ...] = ()) -> Spoken:
    return spoken(contract, alphabet(contract, names, methods))


def _after(said: Spoken, *inputs: str) -> str:
    """Name the state after some inputs whose answers all lead to one."""
    state = 0
    for each in inputs:
        state = said.machine.after(state, each).pop()
    return said.name(state)


def test_the_default_alphabet_is_small_and_tells_all_its_states_apart(contract: Contract) -> None:
    """Three calls, a bad login and five moves make ten states, and each can be told from every other."""
    said = _spoken(contract)
    assert len(alphabet(contract, (), ()).inputs) == 9
    assert len(said.states) == 10
    assert len(told_apart(said.machine)) == 45


def test_the_states_follow_the_contract(contract: Contract) -> None:
    """Customizing, suspending, resuming, orphaning and aborting lead where the model says."""
    said = _spoken(contract)
    assert _after(said, CUSTOMIZE) == "customized"
    assert _after(said, "orphanLock", "suspend") == "suspended, orphaned lock"
    assert _after(said, "orphanLock", "suspend", "powerOn", "AbortCustomization_Task:valid") == "ready"
    assert _after(said, CUSTOMIZE, "powerOff") == "poweredOff, customized"


def test_answers_are_those_that_the_contract_permits(contract: Contract) -> None:
    """A free lock lets a customization succeed; an orphaned one refuses it, and a success then is unsettled."""
    said = _spoken(contract, "valid", "orphanLock")
    free, held = 0, said.machine.after(0, "orphanLock").pop()
    applied = answer("OK", "poweredOn, Tools ready, name spec")
    assert set(said.machine.moves[free][CUSTOMIZE]) == {applied}
    refusals = {each.partition(":")[0] for each in said.machine.settled(held, CUSTOMIZE)}
    assert refusals == {"InvalidState", "CustomizationFault", "CustomizationPending"}
    assert (held, CUSTOMIZE, applied) in said.machine.unsettled


def test_a_move_is_made_only_where_it_does_something_known(contract: Contract) -> None:
    """No VM that runs is powered on, and none is booted while nobody knows whether that frees its lock."""
    said = _spoken(contract)
    assert "powerOn" not in said.machine.moves[0]
    assert set(said.machine.moves[0]["suspend"]) == {answer(DONE, "suspended, Tools stopped")}
    held = said.machine.after(0, "orphanLock").pop()
    assert {"reset", "powerOff", "orphanLock"}.isdisjoint(said.machine.moves[held])


def test_what_an_alphabet_cannot_tell_apart_is_alike(contract: Contract) -> None:
    """Of a VM whose Tools were stopped for good nobody can know the lock."""
    said = _spoken(contract, "valid", "orphanLock", "stopTools")
    pairs = {(one, other) for one in range(len(said.states)) for other in range(one + 1, len(said.states))}
    alike = {f"{said.name(one)} / {said.name(other)}" for one, other in pairs - set(told_apart(said.machine))}
    assert "Tools stopped / Tools stopped, orphaned lock" in alike


@pytest.mark.parametrize(
    ("names", "methods", "inputs"),
    [
        (["valid"], ["AbortCustomization_Task"], ["AbortCustomization_Task:valid"]),
        (["nicCount"], [], ["CustomizeGuest_Task:nicCount"]),
        (["poweredOff", "suspended", "valid"], ["StartGuestNetwork_Task"],
         ["StartGuestNetwork_Task:valid", "powerOff", "suspend"]),
        (["CustomizeGuest_Task:nicCount+loginMayNot"], ["AbortCustomization_Task"],
         ["CustomizeGuest_Task:nicCount+loginMayNot"]),
    ],
)  # fmt: skip
def test_names_of_an_alphabet(contract: Contract, names: list[str], methods: list[str], inputs: list[str]) -> None:
    """Deviations of the call go to the methods that can have them, deviations of the state to the moves that bring them."""
    assert list(alphabet(contract, names, methods).inputs) == inputs


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["nonsense"], "--alphabet nonsense: unknown; known are valid"),
        (["template"], "--alphabet template: unknown"),
        (["Nope:valid"], "has no method Nope"),
        (["reset"], "no call of CustomizeGuest_Task"),
        (["nicCount+poweredOff"], "--alphabet poweredOff: unknown"),
    ],
)
def test_a_name_that_means_nothing_is_refused(contract: Contract, names: list[str], said: str) -> None:
    """What is unknown, runs beside a call, or leaves nothing to judge is one line that says so."""
    with pytest.raises(UsageError, match=said.replace("(", r"\(")):
        alphabet(contract, names, ())
