"""Defects that only concurrency shows: a few clients at once see each, by the guarantee that it names; one alone sees none."""

from __future__ import annotations

import importlib
from typing import Any

import pytest
from msgspec.structs import replace

from tests.windows import stretch
from vcontract._check.concurrent import ConcurrentResult, judge_concurrent
from vcontract._contract import load
from vcontract._simulator.defects import DEFECTS, Defect
from vcontract._terms import Verdict

CLIENTS: Any = importlib.import_module("clients")  # the files beside this one
SPEC = importlib.import_module("specification").SPEC
CONTRACTS = [load("VirtualMachineGuestCustomizationManager"), load("VirtualMachine")]
KNOWN = {name: each for name, each in DEFECTS.known.items() if isinstance(each, Defect) and each.concurrent}
STUCK = "wake-up-is-lost"
"""What never ends is no finding yet: of how long a task may take a concurrent history says nothing."""
SEEDS = 20
"""On a busy machine clients meet less often: more seeds are tried, until one shows it."""
CUSTOMIZE, ABORT, OFF, ON = "CustomizeGuest_Task", "AbortCustomization_Task", "PowerOffVM_Task", "PowerOnVM_Task"
MANY = CLIENTS.Crowd(4, 25, named=True)
RARELY_ABORT = replace(MANY, calls=75, methods=(CUSTOMIZE,) * 5 + (ABORT,))
POWER = replace(MANY, calls=75, wild=True, methods=(CUSTOMIZE,), power=(OFF, ON, ON))
TOGETHER = "sessions-opened-together-are-one"
"""One that logs in twice at once sees it, and looking round does."""
CROWDS = {
    "abort-and-completion-both-win": replace(MANY, calls=50),
    "abort-ends-a-later-customization": replace(RARELY_ABORT, clients=2),
    "guest-is-written-by-the-loser": replace(MANY, calls=50),
    "lock-is-checked-before-it-is-taken": RARELY_ABORT,
    "lock-is-freed-by-the-task-of-another-vm": replace(RARELY_ABORT, clients=2),
    "power-is-checked-before-it-is-pulled": POWER,
    "power-off-forgets-a-watched-task": POWER,
    "reads-of-others-are-stale": POWER,
    "refused-call-frees-the-lock": RARELY_ABORT,
    "work-is-lost-beside-another": RARELY_ABORT,
    STUCK: replace(MANY, calls=6, patience=0.4, methods=(CUSTOMIZE, "StartGuestNetwork_Task")),
}
"""Who sees it soon; all others are seen by MANY."""
SAMPLE = (
    "each-session-has-its-own-lock",
    "guest-is-written-by-the-loser",
    "task-id-is-given-twice",
    "task-in-progress-names-a-task-of-another-vm",
    TOGETHER,
)


def judged(crowd: Any) -> ConcurrentResult:
    """Let a crowd loose and judge what it saw."""
    facts, operations = CLIENTS.recorded(CONTRACTS[0], SPEC, crowd)
    stuck = (crowd.patience - 0.1) * stretch()
    return judge_concurrent(operations, replace(facts, task_seconds=stuck), *CONTRACTS)


def seen(name: str) -> str:
    """Tell in which guarantee a defect is seen first, within a few seeds; empty if in none."""
    for seed in range(SEEDS):
        crowd = replace(CROWDS.get(name, MANY), seed=seed, defects=frozenset({name}))
        worst = Verdict.INCONCLUSIVE if name == STUCK else Verdict.VIOLATES
        rows = [each.id.rpartition("/")[2] for each in judged(crowd).rows if each.verdict is worst]
        if KNOWN[name].seen_by in rows:
            return KNOWN[name].seen_by
    return ""


def test_there_are_a_dozen_and_more() -> None:
    """Each names the guarantee that sees it, and those of one client name none."""
    assert len(KNOWN) >= 12
    assert all(each.seen_by for each in KNOWN.values())
    others = [each for each in DEFECTS.known.values() if isinstance(each, Defect) and each.name not in KNOWN]
    assert not any(each.seen_by for each in others)


@pytest.mark.parametrize("name", SAMPLE)
def test_a_defect_of_concurrency_is_seen(name: str) -> None:
    """By the guarantee that it names, within a few seeds."""
    assert seen(name) == KNOWN[name].seen_by


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(set(KNOWN) - set(SAMPLE)))
def test_every_defect_of_concurrency_is_seen(name: str) -> None:
    """The rest of them."""
    assert seen(name) == KNOWN[name].seen_by


@pytest.mark.parametrize("name", SAMPLE[:3])
def test_one_client_alone_sees_nothing(name: str) -> None:
    """It waits for every answer, and all is well."""
    assert _broken_alone(name) == []


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(set(KNOWN) - set(SAMPLE[:3]) - {TOGETHER}))
def test_one_client_alone_sees_none_of_them(name: str) -> None:
    """The rest of them."""
    assert _broken_alone(name) == []


def _broken_alone(name: str) -> list[str]:
    crowd = CLIENTS.Crowd(1, 25, named=True, defects=frozenset({name}))
    return [each.id for each in judged(crowd).rows if each.verdict is Verdict.VIOLATES]


@pytest.mark.parametrize("crowd", [MANY, RARELY_ABORT, POWER], ids=["many", "rarely abort", "power"])
def test_such_clients_of_a_faithful_server_find_nothing(crowd: Any) -> None:
    """The crowds that see the defects see nothing where there are none."""
    found = judged(crowd)
    assert found.findings == []
    assert [each.id for each in found.rows if each.verdict is Verdict.VIOLATES] == []
