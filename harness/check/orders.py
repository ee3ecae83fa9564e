"""Whether the history of each VM has a legal order: the event model, the tables and the search put together."""

from __future__ import annotations

import time
from collections.abc import Iterable

import msgspec

from harness.check.concurrency import Encoded
from harness.check.linearizable import Answer, Limits, Result, linearize
from harness.check.machine_histories import MachineHistories
from harness.check.machine_steps import Numbered, Rules, beginnings
from harness.contract import Contract
from harness.model import Facts
from harness.terms import Operation


class Order(msgspec.Struct, frozen=True):
    """What the search found of one VM, with all that it takes to explain it."""

    vm: str
    result: Result
    encoded: Encoded
    numbered: Numbered


def orders(
    operations: Iterable[Operation], facts: Facts, judged: Contract, *others: Contract, limits: Limits | None = None
) -> list[Order]:
    """Look for a legal order of each VM's history; `limits` are those of all VMs together.

    `operations` come in the order of their ends. `others` are contracts whose methods have effects but are not judged here.
    """
    limits = limits or Limits()
    until = time.monotonic() + limits.seconds
    histories = MachineHistories(facts, judged, *others)
    for operation in operations:
        histories.feed(operation)
    rules = Rules(judged)
    found = []
    for vm, machine in histories.machines.items():
        if machine.lives or machine.reads:
            encoded = machine.encode(histories.effects, histories.logouts, facts.publish)
            numbered = rules.numbered(beginnings(machine.engine, machine.seen), encoded.kinds)
            left = Limits(until - time.monotonic(), limits.memory)
            found.append(Order(vm, linearize(numbered.table, numbered.initial, encoded.steps, left), encoded, numbered))
    return found


def worst(found: Iterable[Order]) -> Answer:
    """Give the answer on a whole history: illegal if some VM's is, legal if all are."""
    answers = {each.result.answer for each in found}
    return next((each for each in (Answer.ILLEGAL, Answer.INCONCLUSIVE) if each in answers), Answer.LEGAL)
