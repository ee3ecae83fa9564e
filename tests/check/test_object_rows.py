"""The rows of the object itself: no properties, present from its version on, one reference for all sessions."""

from __future__ import annotations

from typing import Any

import pytest

from vcontract._check import BELOW, NAMED, PROPERTIES, SINCE, SINGLETON, object_rows
from vcontract._contract import Contract
from vcontract._terms import Arguments, Call, Fault, Faulted, Lost, Operation, Outcome, Ref, Returned, Verdict

CONTENT = "guestCustomizationManager"
MANAGER = Ref("VirtualMachineGuestCustomizationManager", "gcm")
HERE = Returned({CONTENT: MANAGER.json()})
GONE = Returned({"about": {}})
NONE_SHOWN = Returned({"objects": [{"obj": MANAGER.json()}]})
REFUSED = Faulted(Fault("InvalidProperty"))


def read(cell: str, outcome: Outcome, actor: str = "full") -> Operation:
    """Make a read in one of the object's cells."""
    method = "RetrievePropertiesEx" if cell.startswith(PROPERTIES) else "RetrieveServiceContent"
    call = Call(Ref("PropertyCollector", "pc"), method, Arguments({}), actor)
    return Operation(1, call, 0.0, 1.0, outcome, cell=cell)


def verdict(contract: Contract, row: str, *reads: Operation) -> Verdict:
    """Give the verdict on one row."""
    return next(each.verdict for each in object_rows(contract, reads) if each.id == f"{contract.object}/{row}")


@pytest.mark.parametrize(
    ("every", "named", "expected"),
    [
        (NONE_SHOWN, REFUSED, Verdict.CONFORMS),
        (Returned(None), REFUSED, Verdict.CONFORMS),
        (Returned({"objects": [{"propSet": [{"name": "info"}]}]}), REFUSED, Verdict.VIOLATES),
        (Faulted(Fault("InvalidProperty")), REFUSED, Verdict.VIOLATES),
        (NONE_SHOWN, NONE_SHOWN, Verdict.VIOLATES),
        (NONE_SHOWN, Faulted(Fault("InvalidArgument")), Verdict.VIOLATES),
    ],
)
def test_no_properties(every: Outcome, named: Outcome, expected: Verdict, contract: Contract) -> None:
    """`all=true` gives none, a named one is an InvalidProperty."""
    found = verdict(contract, "properties", read(PROPERTIES, every), read(f"{PROPERTIES}:{NAMED}", named))
    assert found is expected


@pytest.mark.parametrize(
    ("now", "older", "expected"),
    [
        (HERE, GONE, Verdict.CONFORMS),
        (GONE, GONE, Verdict.VIOLATES),
        (HERE, HERE, Verdict.VIOLATES),
        (HERE, Lost("reset"), Verdict.UNTESTED),
        (Lost("reset"), GONE, Verdict.UNTESTED),
    ],
)
def test_since(now: Outcome, older: Outcome, expected: Verdict, contract: Contract) -> None:
    """Present for a client of its version, absent for an older one."""
    assert verdict(contract, "since", read(SINCE, now), read(f"{SINCE}:{BELOW}", older)) is expected


def test_singleton(contract: Contract) -> None:
    """Every session, and the same account after it logged in again, sees the same reference."""
    other = Returned({CONTENT: Ref(MANAGER.type, "gcm-2").json()})
    same = [read(SINGLETON, HERE), read(SINGLETON, HERE, "second"), read(SINGLETON, HERE, "second")]
    assert verdict(contract, "singleton", *same) is Verdict.CONFORMS
    assert verdict(contract, "singleton", *same, read(SINGLETON, other)) is Verdict.VIOLATES
    assert verdict(contract, "singleton", *same[:1]) is Verdict.UNTESTED


def test_what_was_not_read_is_untested(contract: Contract) -> None:
    """Never green."""
    found: list[Any] = object_rows(contract, [])
    assert {each.verdict for each in found} == {Verdict.UNTESTED}
    assert all(each.reason for each in found)
