"""Threads that call one simulator at the same time: its histories have a legal order, and a lock that stays leaves none."""

from __future__ import annotations

import importlib
import re
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest

from vcontract._check.disorder import explain
from vcontract._check.linearizable import Answer
from vcontract._check.orders import Order, answer_of, legal_orders
from vcontract._contract import load
from vcontract._history import FACTS, read_history, stream
from vcontract._model import facts_of
from vcontract._terms import Observed, Operation

CLIENTS: Any = importlib.import_module("clients")  # the files beside this one
SPEC = importlib.import_module("specification").SPEC
CONTRACTS = [load("VirtualMachineGuestCustomizationManager"), load("VirtualMachine")]
TRIES = 12


def recorded(crowd: Any, path: Path | None = None) -> list[Order]:
    """Let a crowd loose and look for the legal orders."""
    facts, operations = CLIENTS.recorded(CONTRACTS[0], SPEC, crowd, path)
    return legal_orders(operations, facts, *CONTRACTS)


def told(found: list[Order]) -> str:
    """Explain what has no legal order."""
    return "\\n".join(explain(each).text() for each in found if each.result.answer is Answer.ILLEGAL)


@pytest.mark.parametrize(("clients", "wild"), [(3, False), (8, False), (6, True)])
def test_a_faithful_server_keeps_an_order(clients: int, wild: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """Customizations, aborts, network starts and reads; where it is wild also power and what is done in the guests."""
    found = recorded(CLIENTS.Crowd(clients, 12, wild=wild))
    assert answer_of(found) is Answer.LEGAL, told(found)
    assert sum(len(each.encoded.steps.kinds) for each in found) > 40


@pytest.mark.parametrize("variant", ["calls-wait-in-a-queue", "failed-customization-leaves-its-lock"])
def test_a_server_that_does_otherwise_and_may_keeps_an_order(variant: str) -> None:
    """What the sources leave open is no violation."""
    found = recorded(CLIENTS.Crowd(4, 12, variants=frozenset({variant}), wild=True))
    assert answer_of(found) is Answer.LEGAL, told(found)


@pytest.mark.parametrize(
    ("defect", "clients", "calls"), [("lock-never-freed", 4, 15), ("no-customization-after-an-abort", 2, 40)]
)
def test_a_broken_lock_is_seen(defect: str, clients: int, calls: int) -> None:
    """In a few tries some history has no legal order, and the picture marks the operation at which it ends."""
    for seed in range(TRIES):
        found = recorded(CLIENTS.Crowd(clients, calls, seed, defects=frozenset({defect})))
        if answer_of(found) is Answer.ILLEGAL:
            break
    broken = next(each for each in found if each.result.answer is Answer.ILLEGAL)
    explained = explain(broken)
    assert re.search(rf"^! +{explained.op} ", explained.text(), re.MULTILINE)
    assert explained.op in {each.op for each in explained.window}
    assert explained.before


def test_a_saved_history_is_judged_as_the_one_in_memory(tmp_path: Path) -> None:
    """The file is read in one pass, in the order of the ends, and its operations are those that were made."""
    path = tmp_path / "history.jsonl"
    facts, operations = CLIENTS.recorded(CONTRACTS[0], SPEC, CLIENTS.Crowd(3, 8), path)
    events = list(stream(path))
    read = [each for each in events if isinstance(each, Operation)]
    whole = read_history(
        path
    ).operations  # in the order of the lines; threads may number in one order and write in another
    assert sorted(read, key=attrgetter("op")) == sorted(whole, key=attrgetter("op"))
    [known] = [facts_of(each.facts) for each in events if isinstance(each, Observed) and each.subject == FACTS]
    assert known == facts
    here = [(each.vm, each.result) for each in legal_orders(operations, facts, *CONTRACTS)]
    assert [(each.vm, each.result) for each in legal_orders(read, known, *CONTRACTS)] == here
