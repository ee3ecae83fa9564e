"""Cells that share what runs on their VM are judged together, when it is over."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from vcontract._check import Judge
from vcontract._contract import Contract
from vcontract._terms import Grade, Operation, Verdict

C, N = "CustomizeGuest_Task", "StartGuestNetwork_Task"


def shared(story: Any, bases: dict[str, str], contract: Contract, block: str) -> Judge:
    """Give a judge that heard of two refused calls, each a cell of its own, while one customization ran."""
    story.vm()
    story.cell = "first"
    story.accepted(C, "task-1")
    story.task("task-1", "running")
    story.refused(N, "InvalidGuestLogin", auth=login())
    story.task("task-1", "running")
    story.cell = "second"
    story.refused(C, "CustomizationFault")
    story.task("task-1", "running")
    story.task("task-1", "success")
    judge = Judge(story.judge.tracker.facts, contract, bases)
    for each in heard(story):
        judge.feed(replace(each, block=block) if each.cell in {"first", "second"} else each)
    return judge


def login() -> dict[str, Any]:
    """Give a login that no guest accepts."""
    return {
        "_typeName": "NamePasswordAuthentication",
        "interactiveSession": False,
        "username": "nobody",
        "password": "secret:guest.nobody",
    }


def heard(story: Any) -> list[Operation]:
    """Give the operations that a story told."""
    found: list[Operation] = story.told
    return found


def test_a_block_is_judged_when_it_is_over(story: Any, bases: dict[str, str], contract: Contract) -> None:
    """Nothing is said of its cells before; then each call has its own judgement, and the work its end."""
    judge = shared(story, bases, contract, "block")
    assert not any(each.cell in {"first", "second"} for each in judge.judgements)
    judge.close()
    found = {(each.cell, each.method): each for each in judge.judgements if each.cell != "before"}
    assert {key: each.observed for key, each in found.items()} == {
        ("first", C): "OK",
        ("first", N): "InvalidGuestLogin",
        ("second", C): "CustomizationFault",
    }
    assert all(each.verdict is Verdict.CONFORMS for each in found.values())


def test_without_a_block_each_cell_stands_alone(story: Any, bases: dict[str, str], contract: Contract) -> None:
    """The customization's end came after its cell, so nothing can be said of it."""
    judge = shared(story, bases, contract, "")
    judge.close()
    first = [each for each in judge.judgements if each.cell == "first" and each.method == C]
    assert [(each.observed, each.verdict, each.grade) for each in first] == [
        ("unfinished", Verdict.INCONCLUSIVE, Grade.CONFORMS)
    ]
