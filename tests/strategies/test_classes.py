"""A call that was built for a class is seen as that class: strategies and oracle mean the same by each word."""

from __future__ import annotations

from itertools import combinations

import pytest
from msgspec.structs import replace

from vcontract._contract import Contract, load, names
from vcontract._model import (
    BY_NAME,
    Asked,
    Facts,
    GuestAccount,
    VmFacts,
    cell,
    cell_of,
    cells,
    classify,
    deviations_of,
)
from vcontract._schema import Schema
from vcontract._strategies.calls import Caller
from vcontract._terms import Ref

METHODS = ("CustomizeGuest_Task", "StartGuestNetwork_Task", "AbortCustomization_Task")
VM = Ref("VirtualMachine", "vm-1")
UNARRANGEABLE = {"privilegeOnVm", "privilegeOnRoot"}
HOST, POOL = "host-1", "resgroup-1"


def facts_about(name: str) -> Facts:
    """Give facts for a contract's object: a manager, or the VMs themselves."""
    machine = VmFacts(VM, "one", 1, host=HOST, pool=POOL)
    guests = (
        GuestAccount("root", "secret:guest.root", may_customize=True),
        GuestAccount("user", "secret:guest.user", may_customize=False),
    )
    others = {"group-v1": "Folder", HOST: "HostSystem", POOL: "ResourcePool"}
    manager = Ref(name, "" if load(name).itself else "manager")
    return Facts(name, manager, "9.1.0.0", vms={VM.value: machine}, others=others, guests=guests)


def class_of(caller: Caller, contract: Contract, asked: Asked) -> Asked:
    """Build a call for a class, and classify it."""
    caller.actors = {"held": "full", "nowhere": "unprivileged"}
    lacking = dict.fromkeys(contract.method(asked.method).privileges, "nowhere")
    facts = replace(
        caller.facts,
        sessions={"full": "administrator", "unprivileged": "operator"},
        privileges={"operator": lacking},
    )
    return classify(caller.call(asked, VM), contract.method(asked.method), facts)


def same(built: Asked, asked: Asked) -> bool:
    """Whether a call is of its class.

    A broken envelope may spoil any argument; without a session there is no privilege, without a VM no rule; what is wrong
    with a specification may come with more that is only inferred; which API is spoken is not the call's.
    """
    if asked.request != "ok":
        return built.request == asked.request and built.session == asked.session
    if asked.vm != "ok":
        asked = replace(asked, spec=frozenset(), rule_faults=())
    more = built.spec - asked.spec <= ({"inferred"} if asked.spec else set())
    moot = {"privilege": asked.privilege} if asked.session == "none" else {}
    plain = replace(built, spec=asked.spec, rule_faults=asked.rule_faults, api=asked.api, **moot)
    return plain == asked and asked.spec <= built.spec and more and bool(built.rule_faults) == ("rule" in asked.spec)


@pytest.mark.parametrize(("name", "method"), [(name, each.name) for name in names() for each in load(name).methods])
def test_a_call_of_each_class_is_of_that_class(name: str, method: str, newest: Schema) -> None:
    """Every deviation of the call, many times over, for each contract: the values vary, the class does not."""
    contract = load(name)
    caller = Caller(contract, newest, facts_about(name), {}, 7)
    able = [each for each in deviations_of(contract, contract.method(method)) if each.asked]
    assert {"malformed", "noSession", "thisUnknown", "noPrivilege"} <= {each.name for each in able}
    for deviation in able:
        asked = cell_of(contract, method, [deviation.name]).asked
        for _ in range(0 if deviation.name in UNARRANGEABLE else 20):
            built = class_of(caller, contract, asked)
            assert same(built, asked), (deviation.name, built)


def test_a_valid_call_is_valid(caller: Caller, contract: Contract) -> None:
    """No drawn specification, parameter or login deviates in anything."""
    for method in METHODS:
        for _ in range(80):
            assert class_of(caller, contract, Asked(method)) == Asked(method)


def test_two_deviations_of_a_call_are_both_in_it(caller: Caller, contract: Contract) -> None:
    """Neither hides the other from the oracle."""
    pairs = [each for each in cells(contract) if len(each.deviations) == 2 and not set(each.deviations) & UNARRANGEABLE]
    pairs = [each for each in pairs if all(BY_NAME[name].asked for name in each.deviations)]
    seen = set()
    for each in pairs:
        built = class_of(caller, contract, each.asked)
        assert same(built, each.asked), (each.id, built)
        seen.add(frozenset(each.deviations))
    assert len(seen) > len(list(combinations(range(10), 2)))


def test_what_cannot_be_built_says_why(caller: Caller) -> None:
    """LookupError with the reason."""
    for name in UNARRANGEABLE:
        with pytest.raises(LookupError, match="no account has the privilege"):
            caller.call(cell(METHODS[0], [name]).asked, VM)
    with pytest.raises(LookupError, match="needs a VM"):
        caller.call(Asked(METHODS[0]), None)
    caller.facts = replace(caller.facts, others={})
    with pytest.raises(LookupError, match="Folder"):
        caller.call(Asked(METHODS[0], this="otherType"), VM)
    caller.facts = replace(caller.facts, guests=())
    with pytest.raises(LookupError, match="no guest account whose login is mayNot"):
        caller.call(Asked(METHODS[0], login="mayNot"), VM)


def test_a_rejected_login_uses_nobodys_account(caller: Caller) -> None:
    """Oracle rule A10: guests lock accounts after failures, so no real user is tried."""
    names = {each.username for each in caller.facts.guests}
    for _ in range(30):
        auth = caller.call(Asked(METHODS[1], login="rejected"), VM).arguments["auth"]
        assert auth["username"] not in names


def test_secrets_are_named_and_not_written(caller: Caller) -> None:
    """No call carries a password itself."""
    for method in METHODS:
        auth = caller.call(Asked(method), VM).arguments["auth"]
        assert auth["password"] == "secret:guest.root"
