"""The table in words says what the table as data says: contracts/ORACLE.md against the contract files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from vcontract._contract import ANY, RULE, Contract, Permit, Situation, load
from vcontract._terms import Grade

TEXT = (Path(__file__).parents[2] / "contracts" / "ORACLE.md").read_text("utf-8")
METHODS = ("CustomizeGuest_Task", "StartGuestNetwork_Task", "AbortCustomization_Task")
MARKS = {Grade.IMPRECISE: "~", Grade.UNSETTLED: "?"}
CONDITIONS = {
    "": "",
    "task.startedAfter": "/after",
    "task.apart": "/apart",
    "task.endedSoon": "/soon",
    "task.thawed": "/thawed",
    "login.accepted": "/login",
    "vm.notOn": "/off",
    "api.9.1": "/9.1",
    "vm.inVApp": "/vApp",
}


@pytest.fixture(scope="module")
def contract() -> Contract:
    """Give the manager's contract."""
    return load("VirtualMachineGuestCustomizationManager")


@pytest.fixture(scope="module")
def names() -> dict[str, str]:
    """Give the short names of faults, by fault."""
    return {fault: short for short, fault in re.findall(r"\| ([A-Z]{2,4}) \| ([A-Z]\w{3,}) (?=\|)", TEXT)} | {
        "OK": "OK"
    }


def cells() -> dict[str, list[str]]:
    """Give the cells of the table's rows, by id: the condition, the methods' permits (without `=`), the source."""
    table = TEXT[TEXT.index("| id | condition | C |") : TEXT.index("### Rules of a specification")]
    found = {}
    for line in table.splitlines():
        if re.match(r"\| [A-Z]\d", line):
            id_, *rest = line.strip("| ").split(" | ")
            for place in (2, 3):
                rest[place] = rest[place - 1] if rest[place] == "=" else rest[place]
            found[id_] = rest
    return found


def written(permits: tuple[Permit, ...], names: dict[str, str]) -> str:
    """Write permits as the table has them; `-` for none."""
    found = []
    for each in permits:
        name = {RULE: "@", ANY: "any"}.get(each.outcome) or names[each.outcome]
        field = f"{{{each.field}}}" if each.field else ""
        found.append(MARKS.get(each.grade, "") + name + field + CONDITIONS[each.condition])
    return " ".join(found) or "-"


def row(situation: Situation, names: dict[str, str]) -> list[str]:
    """Give the cells of a situation, without the condition."""
    return [*(written(situation.permitted(method), names) for method in METHODS), situation.source]


def test_every_row_says_what_its_situation_permits(contract: Contract, names: dict[str, str]) -> None:
    """The same ids in both; of each the same outcomes for each method, and the same source."""
    told = cells()
    assert set(told) == {each.id for each in contract.situations}
    assert {id_: rest[1:] for id_, rest in told.items()} == {each.id: row(each, names) for each in contract.situations}


def test_the_text_hides_what_the_situations_hide(contract: Contract) -> None:
    """The sentence on hiding names the situations that leave only some others, and those that they leave."""
    (sentence,) = re.findall(r"^Hiding: (.*)$", TEXT, re.MULTILINE)
    told = {
        frozenset(re.findall(r"[A-Z]\d[.\w]*", who)): frozenset(re.findall(r"[A-Z]\d(?:\.\w+)?", left))
        for who, left in re.findall(r"(.+?) hides? all (?:rows )?but ([^;]+)[;]?", sentence)
    }
    said = {who: left for group, left in told.items() for who in group}
    assert said == {each.id: frozenset(each.leaves) for each in contract.situations if each.leaves is not None}


def test_every_promise_is_told(contract: Contract) -> None:
    """The ids of the promises of the manager and of the VM, with their sources."""
    told = dict(re.findall(r"^\| (F\d) \|.*\| ([A-Z ]+) \|$", TEXT, re.MULTILINE))
    promises = (*contract.promises, *load("VirtualMachine").promises)
    assert told == {each.id: each.source for each in promises if each.id in told}
    assert set(told) == {each.id for each in promises}
