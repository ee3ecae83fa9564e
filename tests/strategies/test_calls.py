"""The caller: a call is of the class that was asked for, the seed decides all, and what cannot be built says why."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from vcontract._contract import Contract
from vcontract._model import Asked, Facts
from vcontract._schema import load
from vcontract._strategies.auth import LONG
from vcontract._strategies.calls import Caller
from vcontract._terms import Arguments, Ref

VM, TWO_NICS, NO_NIC = (Ref("VirtualMachine", f"vm-{number}") for number in (1, 2, 4))
ACTORS = {"held": "full", "nowhere": "second"}


@pytest.fixture
def able(contract: Contract, facts_of: Callable[[str], Facts]) -> Caller:
    """Give a caller with a second account that lacks the privilege."""
    known = facts_of("8.0.3.0")
    known = replace(
        known,
        sessions={"full": "a", "second": "b"},
        privileges={"b": {contract.methods[0].privilege: "nowhere"}},
    )
    return Caller(contract, load("8.0.3.0"), known, ACTORS, 3)


def test_the_seed_decides(contract: Contract, facts_of: Callable[[str], Facts]) -> None:
    """The same seed makes the same calls and the same cases; another one makes others."""
    schema, known = load("8.0.3.0"), facts_of("8.0.3.0")

    def made(seed: int) -> list[object]:
        caller = Caller(contract, schema, known, ACTORS, seed)
        calls: list[object] = [caller.call(Asked("CustomizeGuest_Task"), TWO_NICS) for _ in range(30)]
        return calls + [caller.broken(each, each.method, VM) for each in caller.cases()[::20]]

    first = made(4)
    assert first == made(4)
    assert first != made(5)


def test_a_step_that_is_tried_again_has_the_same_arguments(able: Caller) -> None:
    """However much was drawn between its tries; and what is drawn after them is the same as if it was tried once."""

    def drawn(caller: Caller, *steps: str) -> list[object]:
        made: list[object] = []
        for step in steps:
            with caller.drawing_for(step):
                made.append(caller.call(Asked("CustomizeGuest_Task", request="badValue"), TWO_NICS))
        return made

    one, two, again, three, once_more = drawn(able, "one", "two", "one", "three", "one")
    assert one == again == once_more
    assert len({repr(each) for each in (one, two, three)}) == 3
    anew = Caller(able.contract, able.schema, able.facts, ACTORS, 3)
    assert drawn(anew, "one", "two", "three") == [one, two, three]
    other_order = Caller(able.contract, able.schema, able.facts, ACTORS, 3)
    assert drawn(other_order, "three", "two", "one") == [three, two, one]


def test_a_valid_call_fits_the_vm(able: Caller) -> None:
    """There is an adapter for each NIC, and the right login by reference."""
    for vm, nics in ((VM, 1), (TWO_NICS, 2), (NO_NIC, 0)):
        call = able.call(Asked("CustomizeGuest_Task"), vm)
        assert isinstance(call.payload, Arguments)
        assert len(call.arguments["spec"]["nicSettingMap"]) == nics
        assert call.arguments["auth"]["password"] == "secret:guest.root"


def test_a_vm_may_have_more_nics_than_are_drawn(able: Caller) -> None:
    """A VM has up to ten NICs; each gets an adapter of its own."""
    vm = able.facts.vms[VM.value]
    able.facts = replace(able.facts, vms={VM.value: replace(vm, nics=10)})
    assert len(able.call(Asked("CustomizeGuest_Task"), VM).arguments["spec"]["nicSettingMap"]) == 10


def test_what_cannot_be_built_says_why(able: Caller, contract: Contract) -> None:
    """Without an account, a VM or another object there is no call of the class."""
    bare = Caller(contract, able.schema, replace(able.facts, guests=(), others={}), {}, 1)
    with pytest.raises(LookupError, match="no account has the privilege held"):
        bare.actor(Asked("StartGuestNetwork_Task"))
    with pytest.raises(LookupError, match="no guest account whose login is accepted"):
        bare.call(Asked("StartGuestNetwork_Task"), VM)
    with pytest.raises(LookupError, match="no Folder is known"):
        bare.call(Asked("StartGuestNetwork_Task", vm="otherType"), VM)
    with pytest.raises(LookupError, match="the cell needs a VM"):
        able.call(Asked("StartGuestNetwork_Task"), None)


def test_every_login_is_tried(able: Caller) -> None:
    """All four types of authentication, empty, very long, and what a known account may not do."""
    tried = {
        each.constraint: able.broken(each, each.method, VM).arguments["auth"]
        for each in able.cases()
        if each.tier == "auth"
    }
    assert len({each["_typeName"] for each in tried.values()}) == 4
    assert max(len(str(each.get("password", ""))) for each in tried.values()) == LONG
    assert {"right", "insufficient", "interactive", "unknownUser", "emptyUser", "ticket.ended"} <= set(tried)
    wrong = [each for name, each in tried.items() if name not in {"right", "insufficient", "interactive"}]
    assert all(each.get("username") not in {"root", "user"} for each in wrong)


def test_a_vm_that_is_not_known_has_one_nic(able: Caller) -> None:
    """A cell about a VM that never was has a specification too."""
    call = able.call(Asked("CustomizeGuest_Task", vm="unknown"), Ref("VirtualMachine", "vm-99"))
    assert call.arguments["vm"]["value"] == "vm-0"
    assert len(call.arguments["spec"]["nicSettingMap"]) == 1
