"""The quick search for a legal order against Porcupine, by the shipped model: both answer the same on every history."""

from __future__ import annotations

import importlib
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest

from vcontract._check.linearizable import Answer, Steps, linearize

HISTORIES: Any = importlib.import_module("histories")  # the files beside this one
PORCUPINE: Any = importlib.import_module("porcupine")
pytestmark = pytest.mark.skipif(not PORCUPINE.PROGRAM.exists(), reason="build/porcupine is not there: make test-deps")


def histories(machine: Any, count: int) -> list[list[Steps]]:
    """Make histories of one to three VMs; in half of them some steps of one are spoiled, in a quarter replies are lost."""
    table, made = machine.numbered.table, []
    for seed in range(count):
        rng = Random(seed)  # noqa: S311 - no secret
        machines = []
        for _ in range(rng.randint(1, 3)):
            history = HISTORIES.History(table, 0, rng.randint(2, 6), rng, machine.veto, rng.random())
            history.grow(rng.randint(5, 40), machine.choose)
            machines.append(history.steps())
        if seed % 4 == 1:
            machines[0] = machine.losing(machines[0], 2, rng)
        elif seed % 4 > 1:
            machines[0] = HISTORIES.spoiled(machines[0], len(table.passive), rng)
        made.append(machines)
    return made


def test_porcupine_answers_the_same(tmp_path: Path) -> None:
    """Histories of one and of several VMs, valid, spoiled and with lost replies."""
    machine = importlib.import_module("step_chains").ChainModel()
    table, seen, made = machine.numbered.table, Counter[Answer](), histories(machine, 600)
    with PORCUPINE.Porcupine(table, 1, made, tmp_path / "histories.json") as judge:
        for number, machines in enumerate(made):
            ours = {linearize(table, 1, steps).answer for steps in machines}
            theirs, _ = judge.judge(number, 60)
            assert theirs is (Answer.ILLEGAL if Answer.ILLEGAL in ours else Answer.LEGAL), f"seed {number}: {machines}"
            seen[theirs] += 1
    assert min(seen[Answer.LEGAL], seen[Answer.ILLEGAL]) > 60, seen
